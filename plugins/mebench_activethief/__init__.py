"""Model extraction by active learning over a public pool (Pal and others 2019), and what it is compared with."""

from __future__ import annotations

from collections.abc import Sequence

from mebench import AttackEntry, Parameter, StrategyEntry, hookimpl
from mebench.toolkit import EARLY_STOPPING_PARAMETERS

PAPER = "Pal et al., A framework for the extraction of deep neural networks by leveraging public data, arXiv:1905.09165"

VALIDATION_SHARE = Parameter(
    "validation_share",
    "float",
    0.2,
    "Share of the budget that is asked first, at random, to choose epochs by, eta.",
    minimum=0,
    maximum=0.9,
)

SELECTION_PARAMETERS = (
    Parameter(
        "strategy",
        "str",
        "k-center",
        "Which inputs are asked next (section 4.1): `random` in one round; the others in `iterations` rounds.",
        choices=("random", "uncertainty", "k-center", "dfal", "dfal+k-center"),
        in_variant="always",
    ),
    Parameter("iterations", "int", 10, "Rounds of selection after the seed, N.", minimum=1, in_variant="changed"),
    Parameter(
        "seed_share",
        "float",
        0.1,
        "Share of the budget that is asked at random at the start, k0/B.",
        minimum=0,
        maximum=1,
    ),
    Parameter(
        "space",
        "str",
        "probability",
        "Where k-center measures distances: the clone's `probability` vectors (paper) or its last hidden `features`.",
        choices=("probability", "features"),
        in_variant="changed",
    ),
    Parameter("rho", "int", None, "Inputs that dfal hands on to k-center; without, as many as the budget.", minimum=1),
    Parameter(
        "dfal_candidates",
        "int",
        None,
        "Inputs that DeepFool is run on per round, drawn at random; all that were not asked without (paper).",
        minimum=1,
        in_variant="changed",
    ),
    Parameter("deepfool_steps", "int", 50, "Steps of DeepFool, at most.", minimum=1),
    Parameter("overshoot", "float", 0.02, "By which fraction DeepFool goes beyond the boundary.", minimum=0),
)


@hookimpl
def mebench_attacks() -> Sequence[AttackEntry]:
    """The framework, and its two baselines."""
    return (
        AttackEntry(
            "activethief",
            "Ask the inputs of a public pool that the clone is least sure of, or that lie farthest from what it knows.",
            "mebench_activethief.attack:build",
            (*SELECTION_PARAMETERS, VALIDATION_SHARE, *EARLY_STOPPING_PARAMETERS),
            family="pool",
            needs=frozenset({"label"}),
            paper=PAPER,
        ),
        AttackEntry(
            "full-pool",
            "Ask the whole pool, as far as the budget goes, in one round: the ceiling of every choice among it.",
            "mebench_activethief.attack:build_full_pool",
            (VALIDATION_SHARE, *EARLY_STOPPING_PARAMETERS),
            family="pool",
            needs=frozenset({"label"}),
            paper=f"{PAPER}: the line `using the full thief dataset` of its Tables 3 and 6",
        ),
        AttackEntry(
            "uniform-noise",
            "Ask uniform noise over the input range in one round, with the learner of `activethief`: its floor.",
            "mebench_activethief.attack:build_uniform_noise",
            (VALIDATION_SHARE, *EARLY_STOPPING_PARAMETERS),
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
            SELECTION_PARAMETERS,
            family="pool",
        ),
    )
