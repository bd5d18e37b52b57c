"""Metadata of the learners that ship with mebench, for attacks that a benchmark puts together. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from mebench.registry.entries import LearnerEntry
from mebench.registry.hooks import hookimpl
from mebench.registry.parameter import Parameter
from mebench.toolkit.parameters import LEARNER_PARAMETERS, LOSS_PARAMETERS

FIT_PARAMETERS = (
    Parameter("epochs", "int", 60, "Passes over all answers per fit.", minimum=1),
    Parameter("batch_size", "int", 64, "Answers per step of the clone.", minimum=1),
    Parameter("optimizer", "str", "sgd", "Of the clone.", choices=("sgd", "adam"), in_variant="changed"),
    Parameter("learning_rate", "float", 0.02, "Of the clone's optimiser at the start of a fit.", minimum=0),
    Parameter("momentum", "float", 0.9, "Of SGD.", minimum=0, maximum=1),
    Parameter("weight_decay", "float", 5e-4, "Of the clone's optimiser.", minimum=0),
)

EARLY_STOPPING_PARAMETERS = (
    Parameter("epochs", "int", 1000, "Passes over all answers per fit, at most.", minimum=1),
    Parameter("patience", "int", 100, "A fit ends after so many epochs without a better macro-F1.", minimum=1),
    Parameter("batch_size", "int", 150, "Answers per step of the clone, at most.", minimum=1),
    Parameter("learning_rate", "float", 1e-3, "Of Adam.", minimum=0),
    Parameter("weight_decay", "float", 1e-3, "Lambda of the term lambda/2 |w|^2 of the loss.", minimum=0),
)

HELD_OUT = Parameter(
    "held_out",
    "float",
    0.2,
    "Share of answers that validate and are not learnt, where the strategy asks no validation queries.",
    minimum=0,
    maximum=0.9,
)

MILESTONE_PARAMETERS = (
    Parameter(
        "milestones",
        "floats",
        [],
        "Fractions of a fit at which the learning rate is multiplied by `lr_factor`.",
        minimum=0,
        maximum=1,
    ),
    Parameter("lr_factor", "float", 0.1, "What the learning rate is multiplied by at milestones.", minimum=0),
)
"""For attacks whose learner has steps in place of the cosine; `FitLearner` takes them as ``milestones``, ``factor``."""


def with_defaults(parameters: tuple[Parameter, ...], **defaults: Any) -> tuple[Parameter, ...]:
    """The same parameters with a paper's defaults.

    Raises:
        KeyError: a default is given for no parameter.
    """
    unknown = set(defaults) - {parameter.name for parameter in parameters}
    if unknown:
        raise KeyError(f"no such parameter: {', '.join(sorted(unknown))}")
    return tuple(replace(one, default=defaults.get(one.name, one.default)) for one in parameters)


LEARNERS = (
    LearnerEntry(
        "online",
        "One SGD step per answered batch, as in DFME, MAZE and MEGEX.",
        "mebench.toolkit.learners.online:online",
        (*LOSS_PARAMETERS, *LEARNER_PARAMETERS),
        needs=frozenset({"probability"}),
    ),
    LearnerEntry(
        "fit",
        "A fit from the same initial weights on all answers, after every answer; its rate falls by a cosine to 0.",
        "mebench.toolkit.learners.fit:FitLearner",
        FIT_PARAMETERS,
        needs=frozenset({"label"}),
    ),
    LearnerEntry(
        "fit-early-stopping",
        "A fit from the same initial weights on all answers; the epoch best in macro-F1 on held-out answers stays.",
        "mebench.toolkit.learners.early_stopping:EarlyStoppingLearner",
        (*EARLY_STOPPING_PARAMETERS, HELD_OUT),
        needs=frozenset({"label"}),
    ),
)


@hookimpl
def mebench_learners() -> Sequence[LearnerEntry]:
    """Learners, for attacks that a benchmark puts together."""
    return LEARNERS
