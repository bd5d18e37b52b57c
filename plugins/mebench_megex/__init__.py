"""MEGEX: data-free model extraction against gradient-based explanations (Miura et al. 2021)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from mebench import AttackEntry, Param, hookimpl
from mebench.toolkit import GeneratorParameters, LearnerParameters, LossParameters


@dataclass(frozen=True)
class MegexParameters(LearnerParameters, GeneratorParameters, LossParameters):
    """What can be set of the attack."""

    contraction: Annotated[
        Literal["corrected", "as-printed"],
        Param(
            "How explanations become the gradient of `l1`: `corrected`, or `as-printed` in the paper's Example 3.",
            in_variant="changed",
        ),
    ] = "corrected"


@hookimpl
def mebench_attacks() -> Sequence[AttackEntry]:
    """The attack."""
    return (
        AttackEntry(
            "megex",
            "Generator trained by exact gradients, contracted from the victim's explanations.",
            "mebench_megex.attack:build",
            MegexParameters,
            family="generator",
            needs=frozenset({"probability", "explanation"}),
            paper="Miura et al., MEGEX, 2021, arXiv:2107.08909",
        ),
    )
