"""Queries from a public pool whose classes are like the victim's: E3's choice, with the likeness given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from mebench import Param, StrategyEntry, hookimpl
from mebench.toolkit import RoundsParameters


@dataclass(frozen=True)
class SemanticPoolParameters(RoundsParameters):
    """What can be set of the choice."""

    weights: Annotated[
        tuple[float, ...],
        Param(
            "Likeness of each class of the pool to what the victim tells apart, in the order of the pool's classes, "
            "such as the sum over the victim's class names of a text model's similarities. Empty: all alike.",
            in_variant="changed",
        ),
    ] = ()
    scaling: Annotated[
        Literal["min-max", "none"],
        Param(
            "Likeness becomes a weight as its place between the least and the largest (E3), or as it is.",
            in_variant="changed",
        ),
    ] = "min-max"


@hookimpl
def mebench_strategies() -> Sequence[StrategyEntry]:
    """The choice, for any learner: ``semantic-pool+fit-strong``."""
    return (
        StrategyEntry(
            "semantic-pool",
            "Ask inputs of a public pool, those of classes that are like the victim's more often.",
            "mebench_semantic_pool.strategy:strategy",
            SemanticPoolParameters,
            family="pool",
        ),
    )
