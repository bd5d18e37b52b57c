"""Kink walk: a network with one hidden layer of ReLUs, read off its gradients (after Milli et al. 2019)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from mebench import AttackEntry, Param, hookimpl


@dataclass(frozen=True)
class KinkWalkParameters:
    """What can be set of the walk."""

    patience: Annotated[
        int, Param("The walk ends after so many lines in a row that bring no new unit.", minimum=1, maximum=1_000_000)
    ] = 30
    change: Annotated[
        float | None,
        Param(
            "Two Jacobians are the same if no entry differs by more than this part of the largest; null for 1e-4 where "
            "logits are explained and 1e-3 where probabilities are.",
            minimum=0,
            maximum=1,
        ),
    ] = None
    rank_one: Annotated[
        float | None,
        Param(
            "A difference of Jacobians is one unit's if its second singular value is below this part of its first; "
            "null for ten times `change`.",
            minimum=0,
            maximum=1,
        ),
    ] = None
    shortest: Annotated[
        float, Param("Segments are not halved below this part of a line.", minimum=1e-12, maximum=1)
    ] = 1e-5


@hookimpl
def mebench_attacks() -> Sequence[AttackEntry]:
    """The walk."""
    return (
        AttackEntry(
            "kink-walk",
            "Read a network with one hidden layer of ReLUs off the jumps of its explanations along lines.",
            "mebench_kink_walk.attack:build",
            KinkWalkParameters,
            needs=frozenset({"probability", "explanation", "gradient"}),
            paper="the theorem of Milli, Schmidt, Dragan and Hardt, 2019, arXiv:1807.05185",
            minimum_budget=2,
            float32=True,
        ),
    )
