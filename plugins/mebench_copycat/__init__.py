"""Copycat CNN: a clone of the labels that the victim gives to unlabelled images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mebench import AttackEntry, hookimpl
from mebench.toolkit import FitParameters, MilestoneParameters


@dataclass(frozen=True)
class CopycatParameters(MilestoneParameters, FitParameters):
    """What can be set of the attack."""

    epochs: int = 10
    batch_size: int = 32
    learning_rate: float = 1e-4
    weight_decay: float = 0.0


@hookimpl
def mebench_attacks() -> Sequence[AttackEntry]:
    """Copycat."""
    return (
        AttackEntry(
            "copycat",
            "Ask random images of a pool, and fit the clone on their labels once, whatever else is answered.",
            "mebench_copycat.attack:build",
            CopycatParameters,
            family="pool",
            needs=frozenset({"label"}),
            paper="Correia-Silva et al., Copycat CNN, IJCNN 2018, arXiv:1806.05476",
        ),
    )
