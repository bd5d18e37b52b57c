"""The rows of MEGEX's sequel on SmoothGrad and Integrated Gradients that are not plain ``megex``."""

from __future__ import annotations

from collections.abc import Sequence

from mebench import AttackEntry, Parameter, hookimpl
from mebench.toolkit import GENERATOR_PARAMETERS, LEARNER_PARAMETERS, LOSS_PARAMETERS

PAPER = "Miura, Shibahara and Yanai, MEGEX against gradient-based explainable AI (in Japanese; paper 001)"

RECONSTRUCTION_PARAMETERS = (
    Parameter(
        "reconstruction",
        "str",
        "corrected",
        "How gradients are made from two Integrated Gradients: `as-printed` (eq. 4), `corrected` (backward quotient, "
        "divided by x - baseline) or `best` (also undoes the softmax along the way).",
        choices=("corrected", "as-printed", "best"),
        in_variant="always",
    ),
    Parameter(
        "alpha",
        "float",
        None,
        "How much the second query is scaled; null for 1e-8 as-printed, 0.2 corrected, and 0.2 (logits) or 0.4 best.",
        minimum=1e-12,
        maximum=0.99,
        in_variant="changed",
    ),
)


@hookimpl
def mebench_attacks() -> Sequence[AttackEntry]:
    """The attack on Integrated Gradients, and the ceiling."""
    return (
        AttackEntry(
            "int",
            "Generator trained by gradients that are reconstructed from Integrated Gradients; two queries each.",
            "mebench_xai.integrated:build",
            (*LOSS_PARAMETERS, *RECONSTRUCTION_PARAMETERS, *GENERATOR_PARAMETERS, *LEARNER_PARAMETERS),
            family="generator",
            needs=frozenset({"probability", "explanation", "integrated"}),
            paper=PAPER,
        ),
        AttackEntry(
            "default-grad",
            "A ceiling, not an attack: distillation with gradients through the victim itself, on its logits.",
            "mebench_xai.ceiling:build",
            (*LOSS_PARAMETERS, *GENERATOR_PARAMETERS, *LEARNER_PARAMETERS),
            family="generator",
            needs=frozenset({"logit", "explanation"}),
            paper=PAPER,
        ),
    )
