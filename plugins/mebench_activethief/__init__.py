"""Model extraction by active learning over a public pool (Pal and others 2019), and what it is compared with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from mebench import AttackEntry, Param, StrategyEntry, hookimpl
from mebench.toolkit import EarlyStoppingParameters

PAPER = "Pal et al., A framework for the extraction of deep neural networks by leveraging public data, arXiv:1905.09165"


@dataclass(frozen=True)
class SelectionParameters:
    """What can be set of the choice among the pool."""

    strategy: Annotated[
        Literal["random", "uncertainty", "k-center", "dfal", "dfal+k-center"],
        Param(
            "Which inputs are asked next (section 4.1): `random` in one round; the others in `iterations` rounds.",
            in_variant="always",
        ),
    ] = "k-center"
    iterations: Annotated[
        int, Param("Rounds of selection after the seed, N.", minimum=1, maximum=1_000_000, in_variant="changed")
    ] = 10
    seed_share: Annotated[
        float, Param("Share of the budget that is asked at random at the start, k0/B.", minimum=0, maximum=1)
    ] = 0.1
    space: Annotated[
        Literal["probability", "features"],
        Param(
            "Where k-center measures distances: the clone's `probability` vectors (paper) "
            "or its last hidden `features`.",
            in_variant="changed",
        ),
    ] = "probability"
    rho: Annotated[
        int | None,
        Param("Inputs that dfal hands on to k-center; without, as many as the budget.", minimum=1, maximum=1_000_000),
    ] = None
    dfal_candidates: Annotated[
        int | None,
        Param(
            "Inputs that DeepFool is run on per round, drawn at random; all that were not asked without (paper).",
            minimum=1,
            maximum=1_000_000,
            in_variant="changed",
        ),
    ] = None
    deepfool_steps: Annotated[int, Param("Steps of DeepFool, at most.", minimum=1, maximum=1_000_000)] = 50
    overshoot: Annotated[float, Param("By which fraction DeepFool goes beyond the boundary.", minimum=0)] = 0.02


@dataclass(frozen=True)
class ValidationParameters:
    """What can be set of the queries that epochs are chosen by."""

    validation_share: Annotated[
        float,
        Param("Share of the budget that is asked first, at random, to choose epochs by, eta.", minimum=0, maximum=0.9),
    ] = 0.2


@dataclass(frozen=True)
class BaselineParameters(EarlyStoppingParameters, ValidationParameters):
    """What can be set of the two baselines."""


@dataclass(frozen=True)
class ActiveThiefParameters(EarlyStoppingParameters, ValidationParameters, SelectionParameters):
    """What can be set of the framework."""


@hookimpl
def mebench_attacks() -> Sequence[AttackEntry]:
    """The framework, and its two baselines."""
    return (
        AttackEntry(
            "activethief",
            "Ask the inputs of a public pool that the clone is least sure of, or that lie farthest from what it knows.",
            "mebench_activethief.attack:build",
            ActiveThiefParameters,
            family="pool",
            needs=frozenset({"label"}),
            paper=PAPER,
        ),
        AttackEntry(
            "full-pool",
            "Ask the whole pool, as far as the budget goes, in one round: the ceiling of every choice among it.",
            "mebench_activethief.attack:build_full_pool",
            BaselineParameters,
            family="pool",
            needs=frozenset({"label"}),
            paper=f"{PAPER}: the line `using the full thief dataset` of its Tables 3 and 6",
        ),
        AttackEntry(
            "uniform-noise",
            "Ask uniform noise over the input range in one round, with the learner of `activethief`: its floor.",
            "mebench_activethief.attack:build_uniform_noise",
            BaselineParameters,
            family="generator",
            needs=frozenset({"label"}),
            paper=f"{PAPER}: the line `using uniform noise samples` of its Tables 3 and 6",
            texts=True,
        ),
    )


@hookimpl
def mebench_strategies() -> Sequence[StrategyEntry]:
    """The choice among the pool, with any learner."""
    return (
        StrategyEntry(
            "activethief",
            "Choose among a pool by what the clone says of it, as the attack of that name; asks no validation queries.",
            "mebench_activethief.attack:strategy",
            SelectionParameters,
            family="pool",
        ),
    )
