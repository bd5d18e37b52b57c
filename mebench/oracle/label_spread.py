"""What a collapsed generator and a collapsed clone are known by: labels of nearly one class. Imports no torch."""

from __future__ import annotations

import math
from collections.abc import Sequence

COLLAPSED_BELOW = 1.5
"""Effective classes (see `effective_classes`) under which queries count as collapsed, on any number of classes."""
TIMES_CHANCE = 1.5
"""Up to so many times chance, an accuracy is a collapsed clone's."""
ENOUGH = 10
"""Answers per class from which on the spread of labels says something of the attack, and not of chance."""


def entropy(counts: Sequence[int]) -> float | None:
    """Return the entropy of labels in nats, 0 to log c, from their counts by class; None if nothing was counted."""
    total = sum(counts)
    if not total:
        return None
    return sum(count / total * math.log(total / count) for count in counts if count)


def spread(counts: Sequence[int]) -> float | None:
    """Return `entropy` / log c: 0 if all labels are the same, 1 if all classes are equally frequent.

    None if nothing was counted, or where there is one class only.
    """
    nats = entropy(counts)
    return None if nats is None or len(counts) < 2 else min(1.0, nats / math.log(len(counts)))


def effective_classes(counts: Sequence[int]) -> float | None:
    """Return exp(`entropy`), 1 to c: as many equally frequent classes would spread as much. None of no counts."""
    nats = entropy(counts)
    return None if nats is None else math.exp(nats)


def collapsed(halves: Sequence[Sequence[int]]) -> bool:
    """Whether the labels of either half of the budget, where there are enough of them, are nearly all the same."""
    counted = (effective_classes(half) for half in halves if sum(half) >= ENOUGH * len(half))
    return any(classes is not None and classes < COLLAPSED_BELOW for classes in counted)


def clone_collapsed(accuracy: float, classes: int) -> bool:
    """Whether a clone of that accuracy, a fraction, is hardly better than one that gives all inputs one label."""
    return accuracy <= TIMES_CHANCE / classes
