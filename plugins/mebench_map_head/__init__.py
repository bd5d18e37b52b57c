"""A clone whose features must also tell the victim's map: a second head, dropped at the end (DTMEA 2022)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from mebench import LearnerEntry, Param, hookimpl
from mebench.toolkit import FitParameters


@dataclass(frozen=True)
class MapHeadParameters(FitParameters):
    """A clone that is fitted on answers, with a decoder of maps beside its last layer."""

    optimizer: Literal["sgd", "adam"] = "adam"
    learning_rate: float = 1e-3
    weight_decay: float = 0.0
    map_weight: Annotated[
        float,
        Param(
            "Weight of the squared distance of maps, which is divided by the mean square of the victim's. 0 asks for "
            "no explanations: the control.",
            minimum=0,
            in_variant="changed",
        ),
    ] = 1.0
    maps: Annotated[
        Literal["signed", "absolute"],
        Param("Maps are told as they are answered, or without their signs.", in_variant="changed"),
    ] = "absolute"
    decoder_width: Annotated[int, Param("Channels of the decoder's first convolution.", minimum=2, maximum=100_000)] = (
        16
    )


@hookimpl
def mebench_learners() -> Sequence[LearnerEntry]:
    """The learner, for any strategy that asks explained queries: ``random-pool+fit-maps``."""
    return (
        LearnerEntry(
            "fit-maps",
            "A fit on all answers and maps, which a second head on the clone's features tells.",
            "mebench_map_head.learner:MapHeadLearner",
            MapHeadParameters,
            needs=frozenset({"label", "explanation"}),
        ),
    )
