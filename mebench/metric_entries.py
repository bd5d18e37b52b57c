"""Metadata of the metrics that every trial is measured by; `mebench.cards` says how to read them. Imports no torch."""

from __future__ import annotations

from mebench.cards import CARDS
from mebench.registry import MetricEntry

_SUMMARIES = {
    "accuracy": "Fraction of test inputs with the true label.",
    "fidelity": "Fraction of test inputs with the victim's label.",
    "fidelity_on_errors": "Fidelity where the victim's label is wrong.",
    "kl": "Mean KL(victim || clone) of the class probabilities, in nats.",
    "total_variation": "Mean total variation of victim's and clone's class probabilities.",
}

METRICS = tuple(
    MetricEntry(name, summary, f"mebench.metrics:{name}", better=CARDS[name].better, always=True)
    for name, summary in _SUMMARIES.items()
)
