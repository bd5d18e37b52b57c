"""What can be set of the recoveries. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from mebench import Param


@dataclass(frozen=True)
class RepeatParameters:
    """How often the same is asked."""

    copies: Annotated[int, Param("Queries that one row costs.", minimum=1, maximum=10_000, in_variant="always")] = 3


@dataclass(frozen=True)
class JitterParameters(RepeatParameters):
    """What is asked in place of a picture."""

    by: Annotated[
        Literal["levels", "shifts"],
        Param(
            "`levels`: each value moves by up to `levels` of 255; `shifts`: by up to four pixels, and mirrored or not.",
            in_variant="changed",
        ),
    ] = "levels"
    levels: Annotated[int, Param("Largest step of a value, in 255ths of the input range.", minimum=1, maximum=255)] = 1


@dataclass(frozen=True)
class TableParameters:
    """What is tried at home."""

    rows: Annotated[int, Param("Answers whose defended form is looked up.", minimum=100, maximum=10_000_000)] = 100_000


@dataclass(frozen=True)
class BayesParameters(TableParameters):
    """What can be set of partial Bayes."""

    around: Annotated[
        int,
        Param("Further answers that are drawn around each answer.", minimum=0, maximum=10_000),
    ] = 20
    tolerance: Annotated[
        float,
        Param("L1 distance up to which a defended form counts as the answer; the nearest always does.", minimum=0),
    ] = 0.01


@dataclass(frozen=True)
class RestorerParameters(TableParameters):
    """How the restorer is trained."""

    rows: int = 20_000
    epochs: Annotated[int, Param("Passes over the table.", minimum=1, maximum=10_000)] = 20
    rate: Annotated[float, Param("Learning rate of Adam.", minimum=1e-7, maximum=1)] = 0.01
    batch_size: Annotated[int, Param("Rows of a step.", minimum=2, maximum=1_000_000)] = 512


@dataclass(frozen=True)
class InverseParameters:
    """What is known of the reverse sigmoid."""

    gamma: Annotated[float, Param("Its slope g.", minimum=0.001, maximum=0.9, in_variant="changed")] = 0.2
    beta: Annotated[
        float | None,
        Param("Its strength b; null to find it at home.", minimum=0, maximum=1, in_variant="changed"),
    ] = None


@dataclass(frozen=True)
class ConfidenceParameters:
    """Which answers are believed."""

    threshold: Annotated[
        float,
        Param("Largest probability below which an answer is not learnt.", minimum=0, maximum=1, in_variant="always"),
    ] = 0.5


@dataclass(frozen=True)
class SignParameters:
    """How maps are completed."""

    rescale: Annotated[
        bool,
        Param("Whether a map also gets the norm that the clone's own has, for normalised maps.", in_variant="changed"),
    ] = False
