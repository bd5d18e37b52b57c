"""MixMatch as a learner: answers, and guesses for inputs that were never asked, mixed with each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from mebench import LearnerEntry, Param, hookimpl
from mebench.toolkit import UnlabelledParameters


@dataclass(frozen=True)
class MixmatchParameters(UnlabelledParameters):
    """What can be set of MixMatch."""

    learning_rate: float = 2e-3
    weight_decay: float = 0.0
    unlabelled_weight: float = 5.0
    alpha: Annotated[
        float,
        Param("Of the Beta distribution that inputs are mixed by.", minimum=0.001, in_variant="changed"),
    ] = 0.75
    sharpening: Annotated[
        float | None,
        Param(
            "Temperature T of guesses, p^(1/T); null for 0.5 where answers are labels, and 1 (none) where they are "
            "probabilities.",
            minimum=0.01,
            maximum=1,
            in_variant="changed",
        ),
    ] = None


@hookimpl
def mebench_learners() -> Sequence[LearnerEntry]:
    """The learner, for any strategy that has a pool: ``random-pool+mixmatch``."""
    return (
        LearnerEntry(
            "mixmatch",
            "A fit on mixtures of all answers with guesses for inputs of the pool that were never asked.",
            "mebench_mixmatch.learner:MixmatchLearner",
            MixmatchParameters,
            needs_pool=True,
            images_only=True,
        ),
    )
