"""DisGUIDE: data-free model extraction where two students disagree (Rosenthal et al. 2023)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from mebench import AttackEntry, Param, StrategyEntry, hookimpl
from mebench.toolkit import PairParameters


@dataclass(frozen=True)
class DisguideParameters(PairParameters):
    """What can be set of the attack."""

    disagreement: Annotated[
        float,
        Param(
            "Weight of the students' disagreement; 0 leaves label diversity alone, and a generator that learns nothing "
            "if that is 0, too.",
            minimum=0,
            in_variant="changed",
        ),
    ] = 1.0
    diversity: Annotated[
        float,
        Param("Weight lambda of label diversity; 0.04 for CIFAR-100.", minimum=0, in_variant="changed"),
    ] = 0.2
    replay_steps: Annotated[
        int, Param("Steps on earlier answers per batch; 0 keeps none.", minimum=0, maximum=1_000_000)
    ] = 3
    ring: Annotated[
        int, Param("Earlier answers that are kept at most, the last.", minimum=1, maximum=1_000_000_000)
    ] = 1_000_000
    ring_gib: Annotated[
        float, Param("GiB that they may take; fewer are kept where they would take more.", minimum=0)
    ] = 4.0
    grey_every: Annotated[
        int,
        Param(
            "Every so-many-th image of a batch is made grey, as released; 0 for none. For images with colours only.",
            minimum=0,
            maximum=1_000_000,
            in_variant="changed",
        ),
    ] = 8


@hookimpl
def mebench_attacks() -> Sequence[AttackEntry]:
    """The attack."""
    return (
        AttackEntry(
            "disguide",
            "Generator trained to make two students disagree, and name all classes; it costs no query.",
            "mebench_disguide.attack:build",
            DisguideParameters,
            family="generator",
            needs=frozenset({"label"}),
            paper="Rosenthal et al., DisGUIDE: Disagreement-Guided Data-Free Model Extraction, AAAI 2023",
        ),
    )


@hookimpl
def mebench_strategies() -> Sequence[StrategyEntry]:
    """The generator, with any learner."""
    return (
        StrategyEntry(
            "disguide",
            "Make queries by a generator that makes two students of its own disagree.",
            "mebench_disguide.alone:ScoutingStrategy",
            DisguideParameters,
        ),
    )
