"""Metadata of mebench's own metrics; `mebench.results.metric_cards` says how to read them. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from mebench.registry.entries import MetricEntry, MetricOutput
from mebench.registry.hooks import hookimpl
from mebench.registry.parameter import Param
from mebench.results.metric_cards import ADVERSARIAL, CARDS

_SUMMARIES = {
    "accuracy": "Fraction of test inputs with the true label.",
    "fidelity": "Fraction of test inputs with the victim's label.",
    "fidelity_on_errors": "Fidelity where the victim's label is wrong.",
    "kl": "Mean KL(victim || clone) of the class probabilities, in nats.",
    "total_variation": "Mean total variation of victim's and clone's class probabilities.",
}
_ALWAYS = tuple(
    MetricEntry(name, summary, f"mebench.trial.metrics.examination:{name}", better=CARDS[name].better, always=True)
    for name, summary in _SUMMARIES.items()
)


@dataclass(frozen=True)
class TransferParameters:
    """What can be set of the metric ``transfer``."""

    attacks: Annotated[tuple[str, ...], Param("How examples are made.", choices=tuple(ADVERSARIAL))] = tuple(
        ADVERSARIAL
    )
    epsilon: Annotated[
        float,
        Param(
            "Largest change of any value of an input, in its units (images: 0 to 1). Papers on MNIST also take 0.3; "
            "MEGA (Table 4) states none.",
            minimum=0,
            maximum=1e6,
        ),
    ] = 0.1
    steps: Annotated[int, Param("Steps of BIM and PGD.", minimum=1, maximum=10_000)] = 10
    relative_step: Annotated[
        float,
        Param(
            "Size of each such step over epsilon; 10 steps of 0.25 can cross the ball from one side to the other.",
            minimum=0,
            maximum=1e3,
        ),
    ] = 0.25
    target: Annotated[
        int, Param("Target class of the targeted examples; 1 is the second class, as in MEGA.", minimum=0)
    ] = 1
    inputs: Annotated[int, Param("Test inputs, evenly spaced in the test set; 0 takes all.", minimum=0)] = 1000


TRANSFER = MetricEntry(
    "transfer",
    "How often adversarial examples that are made on the clone fool the victim.",
    "mebench.trial.metrics.transfer:transfer",
    TransferParameters,
    outputs=tuple(
        MetricOutput(card.name, f"{card.title}: {card.formula}", card.better)
        for card in CARDS.values()
        if card.name.startswith("transfer_")
    ),
    when="end",
)

METRICS = (*_ALWAYS, TRANSFER)


@hookimpl
def mebench_metrics() -> Sequence[MetricEntry]:
    """What every trial is measured by, and what a benchmark may ask for besides."""
    return METRICS
