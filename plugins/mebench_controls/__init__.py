"""Controls: what the same learner reaches on queries that nobody chose."""

from __future__ import annotations

from collections.abc import Sequence

from mebench import AttackEntry, Parameter, StrategyEntry, hookimpl
from mebench.toolkit import FROZEN_GENERATOR_PARAMETERS, LEARNER_PARAMETERS, LOSS_PARAMETERS

BATCH_SIZE = Parameter("batch_size", "int", 256, "Queries per batch, B.", minimum=1)


@hookimpl
def mebench_attacks() -> Sequence[AttackEntry]:
    """The frozen generator and uniform noise."""
    return (
        AttackEntry(
            "random-generator",
            "DFME with the generator frozen at its initial weights: the control for every generator attack.",
            "mebench_controls.attacks:build_random_generator",
            (*LOSS_PARAMETERS, *FROZEN_GENERATOR_PARAMETERS, *LEARNER_PARAMETERS),
            family="generator",
            needs=frozenset({"probability"}),
            paper="the row `random` of MEGEX's sequel",
        ),
        AttackEntry(
            "noise",
            "Uniform noise over the input range, the weakest query there is.",
            "mebench_controls.attacks:build_noise",
            (
                *LOSS_PARAMETERS,
                BATCH_SIZE,
                *LEARNER_PARAMETERS,
            ),
            family="generator",
            needs=frozenset({"probability"}),
            paper="Tramèr et al., Stealing Machine Learning Models via Prediction APIs, USENIX Security 2016",
        ),
    )


@hookimpl
def mebench_strategies() -> Sequence[StrategyEntry]:
    """Uniform noise, with any learner."""
    return (
        StrategyEntry(
            "noise", "Ask uniform noise over the input range.", "mebench_controls.attacks:NoiseStrategy", (BATCH_SIZE,)
        ),
    )
