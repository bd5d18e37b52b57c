"""FixMatch as a learner: answers, and what the clone is sure of among inputs that were never asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from mebench import LearnerEntry, Param, hookimpl
from mebench.toolkit import UnlabelledParameters


@dataclass(frozen=True)
class FixmatchParameters(UnlabelledParameters):
    """What can be set of FixMatch."""

    momentum: Annotated[float, Param("Of SGD, Nesterov's.", minimum=0, maximum=1)] = 0.9
    ratio: Annotated[
        float, Param("Unlabelled inputs of a step for each answer in it, mu.", minimum=0, maximum=1000)
    ] = 3.0
    threshold: Annotated[
        float,
        Param(
            "The largest probability that the clone must give an unlabelled input, tau.",
            minimum=0,
            maximum=1,
            in_variant="changed",
        ),
    ] = 0.95
    strong: Annotated[
        tuple[Literal["affine", "light", "erase"], ...],
        Param(
            "How the view that must agree is changed besides: turned by up to 15 degrees, scaled or moved; brighter, "
            "darker or of another contrast; with a hole.",
            in_variant="changed",
        ),
    ] = ("affine", "erase")


@hookimpl
def mebench_learners() -> Sequence[LearnerEntry]:
    """The learner, for any strategy that has a pool: ``random-pool+fixmatch``."""
    return (
        LearnerEntry(
            "fixmatch",
            "A fit on all answers, and on what the clone is sure of among inputs of the pool that were never asked.",
            "mebench_fixmatch.learner:FixmatchLearner",
            FixmatchParameters,
            needs_pool=True,
            images_only=True,
        ),
    )
