"""What attackers do who know that somebody watches their queries: recoveries that hide them, each paid for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from mebench import Param, Range, RecoveryEntry, StrategyEntry, hookimpl
from mebench.toolkit import RoundsParameters


@dataclass(frozen=True)
class BlindingParameters:
    """How queries are changed."""

    changes: Annotated[
        tuple[str, ...],
        Param(
            "One of these for each query, drawn with its strength.",
            choices=(
                *("rotation", "shift", "scale", "crop", "brightness", "contrast", "uniform-noise", "gaussian-noise"),
            ),
            in_variant="changed",
        ),
    ] = ("rotation", "shift", "scale", "crop", "brightness", "contrast", "uniform-noise", "gaussian-noise")


@dataclass(frozen=True)
class MixingParameters:
    """Among how many honest inputs queries are hidden."""

    queries: Annotated[
        float,
        Param(
            "Queries that one of the attack's own costs, the others being honest: 2 hides it in a stream of which half "
            "is honest, 10 in one of which nine tenths are, 4/3 (1.333) a quarter.",
            minimum=1,
            maximum=1_000,
            in_variant="always",
        ),
    ] = 2.0
    data: Annotated[
        str | None,
        Param("Data set of which the attacker has the training rows that he hides among; null for the run's pool."),
    ] = None
    rows: Annotated[Range | None, Param("Its rows [start, stop); null for all.", minimum=0)] = None


@dataclass(frozen=True)
class SpacedParameters(RoundsParameters):
    """What can be set of queries that keep their distance."""

    quantile: Annotated[
        float,
        Param(
            "Of the distances from inputs of a sample of the pool to their nearest neighbours there: what lies nearer "
            "to an earlier query is not asked.",
            minimum=0,
            maximum=1,
            in_variant="changed",
        ),
    ] = 0.05


RECOVERIES = (
    RecoveryEntry(
        "blinding",
        "Asks each query after a small random change, and learns from the answer as if it were the query's own.",
        "mebench_evasion.blinding:Blinding",
        BlindingParameters,
        needs=frozenset({"label"}),
        texts=False,
        paper="the changes of Zhang, Chen and Wagner, SEAT, AISec 2021, doi:10.1145/3474369.3486863",
    ),
    RecoveryEntry(
        "honest-mixing",
        "Asks honest inputs between an attack's queries, and throws their answers away.",
        "mebench_evasion.mixing:HonestMixing",
        MixingParameters,
        needs=frozenset({"label"}),
        costs="queries",
    ),
)


@hookimpl
def mebench_api_version() -> tuple[int, int]:
    """The version that has recoveries."""
    return (1, 8)


@hookimpl
def mebench_strategies() -> Sequence[StrategyEntry]:
    """Queries of a pool that keep their distance, with any learner."""
    return (
        StrategyEntry(
            "spaced-pool",
            "Ask random unlabelled inputs of a pool, but none that lies near to an earlier query.",
            "mebench_evasion.spaced:strategy",
            SpacedParameters,
            family="pool",
        ),
    )


@hookimpl
def mebench_recoveries() -> Sequence[RecoveryEntry]:
    """All of them."""
    return RECOVERIES
