"""A strong trainer for every attack that fits a clone on answers: what a selector adds should be seen beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from mebench import LearnerEntry, Param, hookimpl


@dataclass(frozen=True)
class StrongParameters:
    """What can be set of the strong trainer."""

    learning_rate: Annotated[float, Param("Of AdamW after the warm-up; 5e-4 for a ResNet.", minimum=0)] = 1e-3
    weight_decay: Annotated[float, Param("Of AdamW, on matrices and filters alone.", minimum=0)] = 5e-4
    warmup: Annotated[
        float, Param("Fraction of a fit in which the rate rises to what it is.", minimum=0, maximum=1)
    ] = 0.04
    batch_size: Annotated[
        int | None, Param("Answers a step; null for 64, and 128 from 1,000 answers on.", minimum=1, maximum=1_000_000)
    ] = None
    passes: Annotated[float, Param("Passes over all answers a fit, within the bounds of steps.", minimum=0)] = 30.0
    least_steps: Annotated[int, Param("Steps of a fit, at least.", minimum=1, maximum=1_000_000_000)] = 2_000
    most_steps: Annotated[int, Param("Steps of a fit, at most.", minimum=1, maximum=1_000_000_000)] = 20_000
    views: Annotated[
        Literal["none", "crop", "crop-flip"],
        Param(
            "How images are changed in a step, their answers kept: shifts of up to 2 pixels, and mirrored halves. "
            "Digits must not be mirrored, texts not be changed.",
            in_variant="changed",
        ),
    ] = "none"
    resolution: Annotated[
        Literal["full", "low-then-full"],
        Param(
            "`low-then-full`: for four fifths of a fit the clone sees a random half to all of each image at three "
            "quarters of its height and width, one crop a step, the answer being that of the whole image (E3).",
            in_variant="changed",
            late=True,
        ),
    ] = "full"
    temperature: Annotated[
        float,
        Param(
            "T of T^2 KL(softmax(c(q)/T) || softmax(z/T)) where answers hold probabilities; 100 is least squares on "
            "centred logits (E3), beyond which float32 has no digits left.",
            minimum=0.01,
            maximum=100,
            in_variant="changed",
        ),
    ] = 1.0
    smoothing: Annotated[
        float, Param("Of labels, where answers hold nothing else.", minimum=0, maximum=0.999, in_variant="changed")
    ] = 0.1
    retrain: Annotated[
        Literal["scratch", "warm", "shrink"],
        Param(
            "Where a later fit begins: at the initial weights, at those of the last fit, or at 0.4 times these with a "
            "tenth of the initial ones (shrink and perturb).",
            in_variant="changed",
        ),
    ] = "scratch"
    scored: Annotated[
        Literal["last", "average"],
        Param("The clone: the last weights, or their moving average over the steps of a fit.", in_variant="changed"),
    ] = "last"


@hookimpl
def mebench_learners() -> Sequence[LearnerEntry]:
    """The trainer, for any strategy: ``random-pool+fit-strong``."""
    return (
        LearnerEntry(
            "fit-strong",
            "A fit with AdamW, a warm-up, a cosine, clipped gradients and a number of steps that few answers do not "
            "lower.",
            "mebench_strong.learner:StrongLearner",
            StrongParameters,
        ),
    )
