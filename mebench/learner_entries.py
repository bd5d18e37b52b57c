"""Metadata of the learners that ship with mebench, for attacks that a benchmark puts together. Imports no torch."""

from __future__ import annotations

from mebench.registry import LearnerEntry, Parameter
from mebench.strategies.parameters import LEARNER_PARAMETERS, LOSS_PARAMETERS

FIT_PARAMETERS = (
    Parameter("epochs", "int", 60, "Passes over all answers per fit.", minimum=1),
    Parameter("batch_size", "int", 64, "Answers per step of the clone.", minimum=1),
    Parameter("optimizer", "str", "sgd", "Of the clone.", choices=("sgd", "adam"), in_variant="changed"),
    Parameter("learning_rate", "float", 0.02, "Of the clone; cosine down to 0 per fit.", minimum=0),
    Parameter("momentum", "float", 0.9, "Of SGD.", minimum=0, maximum=1),
    Parameter("weight_decay", "float", 5e-4, "Of the clone's optimiser.", minimum=0),
)

LEARNERS = (
    LearnerEntry(
        "online",
        "One SGD step per answered batch, as in DFME, MAZE and MEGEX.",
        "mebench.learners:online",
        (*LOSS_PARAMETERS, *LEARNER_PARAMETERS),
        needs=frozenset({"probability"}),
    ),
    LearnerEntry(
        "fit",
        "A fit from the same initial weights on all answers, after every answer.",
        "mebench.learners:FitLearner",
        FIT_PARAMETERS,
        needs=frozenset({"label"}),
    ),
)
