"""MEGEX: data-free model extraction against gradient-based explanations (Miura et al. 2021)."""

from __future__ import annotations

from collections.abc import Sequence

from mebench import AttackEntry, Parameter, hookimpl
from mebench.toolkit import GENERATOR_PARAMETERS, LEARNER_PARAMETERS, LOSS_PARAMETERS

PARAMETERS = (
    *LOSS_PARAMETERS,
    *GENERATOR_PARAMETERS,
    *LEARNER_PARAMETERS,
    Parameter(
        "contraction",
        "str",
        "corrected",
        "How explanations become the gradient of `l1`: `corrected`, or `as-printed` in the paper's Example 3.",
        choices=("corrected", "as-printed"),
        in_variant="changed",
    ),
)


@hookimpl
def mebench_attacks() -> Sequence[AttackEntry]:
    """The attack."""
    return (
        AttackEntry(
            "megex",
            "Generator trained by exact gradients, contracted from the victim's explanations.",
            "mebench_megex.attack:build",
            PARAMETERS,
            family="generator",
            needs=frozenset({"probability", "explanation"}),
            paper="Miura et al., MEGEX, 2021, arXiv:2107.08909",
        ),
    )
