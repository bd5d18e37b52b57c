"""MARICH: queries chosen by entropy, loss and the spread of gradients, from labels alone (Karmakar and Basu 2023)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from mebench import AttackEntry, LearnerEntry, Param, StrategyEntry, hookimpl
from mebench.toolkit import FitParameters, SelectionRoundsParameters


@dataclass(frozen=True)
class MarichSelectionParameters(SelectionRoundsParameters):
    """What can be set of the choice."""

    growth: float = 1.01
    steps: Annotated[
        tuple[Literal["entropy", "loss", "gradient"], ...],
        Param(
            "How a round narrows the pool down, in this order: to what the clone is least sure of, to what lies "
            "nearest to answers that it has worst, to what spreads over the directions of its doubt. The released "
            "program has `gradient` before `loss`. None: chosen at random, the control.",
            in_variant="changed",
        ),
    ] = ("entropy", "loss", "gradient")
    kept: Annotated[
        float, Param("Share that `gradient` and `loss` keep, gamma.", minimum=0.01, maximum=1, in_variant="changed")
    ] = 0.8
    doubt: Annotated[
        Literal["corrected", "as-released"],
        Param(
            "Whose entropy `gradient` differentiates: that over the classes, or over the images of a batch.",
            in_variant="changed",
        ),
    ] = "corrected"
    clusters: Annotated[int, Param("Of gradients.", minimum=1, maximum=100_000)] = 10
    worst: Annotated[int, Param("Answers with the highest loss that `loss` looks at.", minimum=1, maximum=100_000)] = 10


@dataclass(frozen=True)
class MarichTrainingParameters(FitParameters):
    """A clone that is trained on, never from the beginning."""

    epochs: int = 10
    learning_rate: float = 0.015
    momentum: float = 0.0
    weight_decay: float = 1e-3
    epoch_growth: Annotated[
        float, Param("How many times as many epochs each fit has as the one before.", minimum=1, maximum=10)
    ] = 1.02
    softmax: Annotated[
        Literal["corrected", "as-released"],
        Param(
            "The cross-entropy is of the clone's logits, or of their softmax once more, as the released program has it "
            "for linear clones.",
            in_variant="changed",
        ),
    ] = "corrected"


@dataclass(frozen=True)
class MarichParameters(MarichTrainingParameters, MarichSelectionParameters):
    """What can be set of the attack."""

    validation: Annotated[
        int,
        Param(
            "Random queries that are asked first, and whose loss makes the learning rate a tenth whenever it has not "
            "fallen for 10 of their batches, as the released program does with 10,000 that it does not count.",
            minimum=0,
            in_variant="changed",
        ),
    ] = 0


@hookimpl
def mebench_attacks() -> Sequence[AttackEntry]:
    """The attack."""
    return (
        AttackEntry(
            "marich",
            "Ask what the clone is least sure of, near to what it has worst, spread over the directions of its doubt.",
            "mebench_marich.attack:build",
            MarichParameters,
            family="pool",
            needs=frozenset({"label"}),
            images_only=True,
            paper="Karmakar and Basu, Marich: A Query-efficient Distributionally Equivalent Model Extraction Attack "
            "using Public Data, NeurIPS 2023, arXiv:2302.08466",
        ),
    )


@hookimpl
def mebench_strategies() -> Sequence[StrategyEntry]:
    """The choice among the pool, with any learner."""
    return (
        StrategyEntry(
            "marich",
            "Choose among a pool as the attack of that name.",
            "mebench_marich.attack:strategy",
            MarichSelectionParameters,
            family="pool",
            images_only=True,
        ),
    )


@hookimpl
def mebench_learners() -> Sequence[LearnerEntry]:
    """The trainer, for any strategy."""
    return (
        LearnerEntry(
            "fit-on",
            "Train on, on all labels, in ever more epochs; the clone never begins anew.",
            "mebench_marich.learner:TrainedOn",
            MarichTrainingParameters,
        ),
    )
