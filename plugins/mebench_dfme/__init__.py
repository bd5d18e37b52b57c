"""DFME: data-free model extraction by zeroth-order gradients (Truong et al. 2021)."""

from __future__ import annotations

from collections.abc import Sequence

from mebench import AttackEntry, Parameter, hookimpl
from mebench.toolkit import GENERATOR_PARAMETERS, LEARNER_PARAMETERS, LOSS_PARAMETERS

PARAMETERS = (
    *LOSS_PARAMETERS,
    *GENERATOR_PARAMETERS,
    *LEARNER_PARAMETERS,
    Parameter("directions", "int", 1, "Random directions m per gradient estimate (DFME: 1, MAZE: 10).", minimum=1),
    Parameter("step_size", "float", 1e-3, "Forward-difference step, before the tanh.", minimum=1e-8),
    Parameter(
        "clone_gradient",
        "str",
        "finite-difference",
        "How the clone's part is found: by the same `finite-difference`, as released, or `exact`.",
        choices=("finite-difference", "exact"),
        in_variant="changed",
    ),
)


@hookimpl
def mebench_attacks() -> Sequence[AttackEntry]:
    """The attack."""
    return (
        AttackEntry(
            "dfme",
            "Generator trained by zeroth-order gradients of the victim's disagreement with the clone.",
            "mebench_dfme.attack:build",
            PARAMETERS,
            family="generator",
            needs=frozenset({"probability"}),
            float32=True,
            paper="Truong et al., Data-Free Model Extraction, CVPR 2021, arXiv:2011.14779",
        ),
    )
