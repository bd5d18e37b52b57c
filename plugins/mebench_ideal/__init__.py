"""IDEAL: query-efficient data-free learning from labels (Zhang, Chen and Lyu 2023)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from mebench import AttackEntry, Param, StrategyEntry, hookimpl
from mebench.toolkit import ContinuedFitParameters, RestartedGeneratorParameters


@dataclass(frozen=True)
class IdealGeneratorParameters(RestartedGeneratorParameters):
    """What can be set of the generators."""

    batch_size: int = 250
    regulariser: Annotated[
        Literal["paper", "as-released"],
        Param(
            "Whose entropy the generator raises: that of the classes' shares in a batch (`paper`), or that of each "
            "image's prediction (`as-released`).",
            in_variant="changed",
        ),
    ] = "paper"
    balance: Annotated[float, Param("Weight of that entropy.", minimum=0, in_variant="changed")] = 5.0


@dataclass(frozen=True)
class IdealParameters(ContinuedFitParameters, IdealGeneratorParameters):
    """What can be set of the attack."""

    clone_batch_size: int = 250
    accounting: Annotated[
        Literal["fair", "as-released"],
        Param(
            "`fair`: an answer is kept, and serves all views of its image. `as-released`: every view of every image in "
            "every pass is asked, and paid for.",
            in_variant="changed",
        ),
    ] = "fair"
    rounds_kept: Annotated[int, Param("Rounds of which images are kept, the last.", minimum=1, maximum=1_000_000)] = 400


@hookimpl
def mebench_attacks() -> Sequence[AttackEntry]:
    """The attack."""
    return (
        AttackEntry(
            "ideal",
            "A new generator in every round, led to all classes of the clone; the clone passes over all answers.",
            "mebench_ideal.attack:build",
            IdealParameters,
            family="generator",
            needs=frozenset({"label"}),
            paper="Zhang, Chen and Lyu, IDEAL: Query-Efficient Data-Free Learning from Black-Box Models, ICLR 2023, "
            "arXiv:2205.11158",
        ),
    )


@hookimpl
def mebench_strategies() -> Sequence[StrategyEntry]:
    """The generators, with any learner."""
    return (
        StrategyEntry(
            "ideal",
            "Make queries by a new generator in every round, led to all classes of the clone.",
            "mebench_ideal.attack:BalancedStrategy",
            IdealGeneratorParameters,
        ),
    )
