"""Metadata of the learners that ship with mebench, for attacks that a benchmark puts together. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence

from mebench.registry.entries import LearnerEntry
from mebench.registry.hooks import hookimpl
from mebench.toolkit.parameters import FitParameters, HoldOutParameters, OnlineParameters

LEARNERS = (
    LearnerEntry(
        "online",
        "One SGD step per answered batch, as in DFME, MAZE and MEGEX.",
        "mebench.toolkit.learners.online:online",
        OnlineParameters,
        needs=frozenset({"probability"}),
    ),
    LearnerEntry(
        "fit",
        "A fit from the same initial weights on all answers, after every answer; its rate falls by a cosine to 0.",
        "mebench.toolkit.learners.fit:FitLearner",
        FitParameters,
        needs=frozenset({"label"}),
    ),
    LearnerEntry(
        "fit-early-stopping",
        "A fit from the same initial weights on all answers; the epoch best in macro-F1 on held-out answers stays.",
        "mebench.toolkit.learners.early_stopping:fit_early_stopping",
        HoldOutParameters,
        needs=frozenset({"label"}),
    ),
)


@hookimpl
def mebench_learners() -> Sequence[LearnerEntry]:
    """Learners, for attacks that a benchmark puts together."""
    return LEARNERS
