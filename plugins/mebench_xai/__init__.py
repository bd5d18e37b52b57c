"""The rows of MEGEX's sequel on SmoothGrad and Integrated Gradients that are not plain ``megex``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from mebench import AttackEntry, Param, hookimpl
from mebench.toolkit import GeneratorParameters, LearnerParameters, LossParameters

PAPER = "Miura, Shibahara and Yanai, MEGEX against gradient-based explainable AI (in Japanese)"


@dataclass(frozen=True)
class ReconstructionParameters:
    """How gradients are made from Integrated Gradients."""

    reconstruction: Annotated[
        Literal["corrected", "as-printed", "best"],
        Param(
            "How gradients are made from two Integrated Gradients: `as-printed` (eq. 4), `corrected` (backward "
            "quotient, divided by x - baseline) or `best` (also undoes the softmax along the way).",
            in_variant="always",
        ),
    ] = "corrected"
    alpha: Annotated[
        float | None,
        Param(
            "How much the second query is scaled; null for 1e-8 as-printed, 0.2 corrected, and 0.2 (logits) or 0.4 "
            "best.",
            minimum=1e-12,
            maximum=0.99,
            in_variant="changed",
        ),
    ] = None


@dataclass(frozen=True)
class IntParameters(LearnerParameters, GeneratorParameters, ReconstructionParameters, LossParameters):
    """What can be set of the attack ``int``."""


@dataclass(frozen=True)
class DefaultGradParameters(LearnerParameters, GeneratorParameters, LossParameters):
    """What can be set of the ceiling ``default-grad``."""


@hookimpl
def mebench_attacks() -> Sequence[AttackEntry]:
    """The attack on Integrated Gradients, and the ceiling."""
    return (
        AttackEntry(
            "int",
            "Generator trained by gradients that are reconstructed from Integrated Gradients; two queries each.",
            "mebench_xai.integrated:build",
            IntParameters,
            family="generator",
            needs=frozenset({"probability", "explanation", "integrated"}),
            paper=PAPER,
        ),
        AttackEntry(
            "default-grad",
            "A ceiling, not an attack: distillation with gradients through the victim itself, on its logits.",
            "mebench_xai.ceiling:build",
            DefaultGradParameters,
            family="generator",
            needs=frozenset({"logit", "explanation"}),
            paper=PAPER,
        ),
    )
