"""Dual students: data-free model extraction by the disagreement of two students (Beetham et al. 2023)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from mebench import AttackEntry, Param, hookimpl
from mebench.toolkit import PairParameters


@dataclass(frozen=True)
class DualStudentsParameters(PairParameters):
    """What can be set of the attack."""

    clone_steps: int = 5
    clone_lr: float = 0.3
    milestones: tuple[float, ...] = (0.1, 0.3, 0.5)
    score: Annotated[
        Literal["last", "ema"],
        Param(
            "The clone: the first student as it is at the end, or a moving average of its weights, which is what the "
            "released program reports.",
            in_variant="changed",
        ),
    ] = "last"
    ema_decay: Annotated[float, Param("Share of the average that stays.", minimum=0, maximum=1)] = 0.9
    ema_every: Annotated[int, Param("Iterations from one average to the next.", minimum=1, maximum=1_000_000)] = 10


@hookimpl
def mebench_attacks() -> Sequence[AttackEntry]:
    """The attack."""
    return (
        AttackEntry(
            "dual-students",
            "Generator trained to make the logits of two students differ; it costs no query.",
            "mebench_dual_students.attack:build",
            DualStudentsParameters,
            family="generator",
            needs=frozenset({"label"}),
            paper="Beetham et al., Dual Student Networks for Data-Free Model Stealing, ICLR 2023, arXiv:2309.10058",
        ),
    )
