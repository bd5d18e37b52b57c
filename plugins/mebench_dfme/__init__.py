"""DFME: data-free model extraction by zeroth-order gradients (Truong et al. 2021)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from mebench import AttackEntry, Param, hookimpl
from mebench.toolkit import GeneratorParameters, LearnerParameters, LossParameters


@dataclass(frozen=True)
class DfmeParameters(LearnerParameters, GeneratorParameters, LossParameters):
    """What can be set of the attack."""

    directions: Annotated[
        int, Param("Random directions m per gradient estimate (DFME: 1, MAZE: 10).", minimum=1, maximum=1_000_000)
    ] = 1
    step_size: Annotated[float, Param("Forward-difference step, before the tanh.", minimum=1e-8)] = 1e-3
    clone_gradient: Annotated[
        Literal["finite-difference", "exact"],
        Param(
            "How the clone's part is found: by the same `finite-difference`, as released, or `exact`.",
            in_variant="changed",
        ),
    ] = "finite-difference"


@hookimpl
def mebench_attacks() -> Sequence[AttackEntry]:
    """The attack."""
    return (
        AttackEntry(
            "dfme",
            "Generator trained by zeroth-order gradients of the victim's disagreement with the clone.",
            "mebench_dfme.attack:build",
            DfmeParameters,
            family="generator",
            needs=frozenset({"probability"}),
            float32=True,
            paper="Truong et al., Data-Free Model Extraction, CVPR 2021, arXiv:2011.14779",
        ),
    )
