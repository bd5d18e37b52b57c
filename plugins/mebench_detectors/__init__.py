"""Detectors of model extraction: they watch what each client asks, and change nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from mebench import DetectorEntry, Param, hookimpl

WINDOW = "Queries that a score is made of, the last ones of a client; before there are so many there is no score."


@dataclass(frozen=True)
class PradaParameters:
    """What can be set of PRADA; its delta is ``threshold``: 0.1 stands for a delta of 0.9."""

    growth: Annotated[
        Literal["mean-minus-std", "mean-plus-std"],
        Param(
            "Distance from which on a query enters its class's growing set: as published, or as in a port of it "
            "that keeps far fewer.",
            in_variant="changed",
        ),
    ] = "mean-minus-std"
    every: Annotated[int, Param("Queries from one test to the next.", minimum=1, in_variant="changed")] = 10
    memory: Annotated[
        int | None,
        Param("Largest growing set of a class, whose oldest then goes; null for no bound, as published.", minimum=1),
    ] = None


@dataclass(frozen=True)
class NearDuplicatesParameters:
    """What can be set of the search for near-duplicates."""

    window: Annotated[int, Param(WINDOW, minimum=1, in_variant="changed")] = 100
    radius: Annotated[
        float,
        Param(
            "Root mean square difference of values below which two queries are near; of texts, the square root of the "
            "share of words that differ.",
            minimum=0,
            maximum=1,
        ),
    ] = 0.055
    memory: Annotated[int, Param("Earlier queries that are kept of a client; the oldest goes.", minimum=1)] = 5_000


@dataclass(frozen=True)
class SeatParameters:
    """What can be set of SEAT."""

    neighbours: Annotated[int, Param("Nearest earlier encodings whose mean distance counts.", minimum=1)] = 1
    quantile: Annotated[
        float,
        Param("Share of the owner's inputs that lie nearer to others than the radius.", minimum=0, maximum=1),
    ] = 0.001
    epochs: Annotated[int, Param("Passes over triplets that the encoder is taught by.", minimum=0)] = 30
    width: Annotated[int, Param("Channels of the encoder's first convolution.", minimum=1)] = 16
    margin: Annotated[
        float, Param("Distance beyond which other images no longer matter, the paper's m.", minimum=0)
    ] = 3.2
    memory: Annotated[int, Param("Encodings that are kept of a client; the oldest goes.", minimum=1)] = 100_000


@dataclass(frozen=True)
class HodaParameters:
    """What can be set of HODA."""

    window: Annotated[int, Param(WINDOW, minimum=2, in_variant="changed")] = 100
    checkpoints: Annotated[int, Param("Networks that an input's hardness is told by.", minimum=3)] = 11
    epochs: Annotated[int, Param("Passes over the owner's data, along which they are kept.", minimum=3)] = 100


@dataclass(frozen=True)
class MmdParameters:
    """What can be set of the test by maximum mean discrepancy."""

    window: Annotated[int, Param(WINDOW, minimum=2, in_variant="changed")] = 100
    features: Annotated[
        Literal["values", "logits"],
        Param("What is compared: the values of the inputs, or the victim's logits.", in_variant="changed"),
    ] = "values"
    reference: Annotated[int, Param("Most of the owner's inputs that queries are compared with.", minimum=2)] = 500


@dataclass(frozen=True)
class EnergyParameters:
    """What can be set of the test by the victim's confidence."""

    window: Annotated[int, Param(WINDOW, minimum=2, in_variant="changed")] = 100
    of: Annotated[
        Literal["energy", "max-softmax"],
        Param(
            "What is looked at: log sum exp of the logits, or the largest probability.",
            in_variant="changed",
        ),
    ] = "energy"
    statistic: Annotated[
        Literal["ks", "mean"],
        Param(
            "Kolmogorov-Smirnov distance from the owner's data, or how many standard errors the mean is off.",
            in_variant="changed",
        ),
    ] = "ks"


@dataclass(frozen=True)
class LabelHistogramParameters:
    """What can be set of the test by predicted labels."""

    window: Annotated[int, Param(WINDOW, minimum=1, in_variant="changed")] = 128


@dataclass(frozen=True)
class ExtractionMonitorParameters:
    """What can be set of the extraction monitor."""

    every: Annotated[int, Param("Queries from one tree to the next.", minimum=1, in_variant="changed")] = 100
    memory: Annotated[int, Param("Answers that a tree learns from, the last ones.", minimum=1)] = 2_000


ALIKE = (
    DetectorEntry(
        "prada",
        "Tests whether distances between a client's queries of one class are normally distributed.",
        "mebench_detectors.prada:Prada",
        PradaParameters,
        threshold=0.1,
        paper="Juuti et al., PRADA, EuroS&P 2019, arXiv:1805.02628",
    ),
    DetectorEntry(
        "near-duplicates",
        "Counts the recent queries that lie next to an earlier one of the same client.",
        "mebench_detectors.near_duplicates:NearDuplicates",
        NearDuplicatesParameters,
        needs=frozenset(),
        texts=True,
    ),
    DetectorEntry(
        "seat",
        "Counts queries that look alike to an encoder which was taught to see through small changes.",
        "mebench_detectors.seat:Seat",
        SeatParameters,
        threshold=49.0,
        needs_data=True,
        needs=frozenset(),
        forward=1.0,
        paper="Zhang, Chen and Wagner, SEAT, AISec 2021, doi:10.1145/3474369.3486863",
    ),
)
"""Look for queries that are too near to each other."""
UNLIKE = (
    DetectorEntry(
        "hoda",
        "Compares how hard a client's queries are with how hard the owner's inputs are.",
        "mebench_detectors.hoda:Hoda",
        HodaParameters,
        needs_data=True,
        needs=frozenset(),
        forward=11.0,
        texts=True,
        paper="Sadeghzadeh et al., HODA, 2021, arXiv:2106.11424",
    ),
    DetectorEntry(
        "mmd",
        "Compares a client's recent queries with the owner's inputs by maximum mean discrepancy.",
        "mebench_detectors.mmd:Mmd",
        MmdParameters,
        needs_data=True,
        needs=frozenset(),
        texts=True,
        texts_with={"features": "logits"},
        paper="the statistic of Gretton et al., JMLR 2012",
    ),
    DetectorEntry(
        "energy",
        "Compares the victim's confidence on a client's recent queries with that on the owner's inputs.",
        "mebench_detectors.energy:Energy",
        EnergyParameters,
        needs_data=True,
        needs=frozenset(),
        forward=1.0,
        texts=True,
    ),
    DetectorEntry(
        "label-histogram",
        "Compares the labels of a client's recent queries with those of the owner's inputs, by chi-square.",
        "mebench_detectors.label_histogram:LabelHistogram",
        LabelHistogramParameters,
        needs_data=True,
        texts=True,
    ),
)
"""Look for queries that are unlike the owner's inputs."""
MONITOR = DetectorEntry(
    "extraction-monitor",
    "Says how good a decision tree a client could have made of what it was told, beside one of the owner's.",
    "mebench_detectors.extraction_monitor:ExtractionMonitor",
    ExtractionMonitorParameters,
    needs_data=True,
    paper="after Kesarwani et al., ACSAC 2018, arXiv:1711.07221",
)


@hookimpl
def mebench_api_version() -> tuple[int, int]:
    """The version that has detectors."""
    return (1, 8)


@hookimpl
def mebench_detectors() -> Sequence[DetectorEntry]:
    """The detectors."""
    return (*ALIKE, *UNLIKE, MONITOR)
