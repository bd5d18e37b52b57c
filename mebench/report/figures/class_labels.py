"""Classes as figures name them: by number, and by name where there are names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mebench.api.errors import MebenchError
from mebench.api.spec import VictimSpec
from mebench.data.class_names import cleaned, names_of
from mebench.registry.catalogue import registry
from mebench.registry.entries import DatasetEntry
from mebench.results.leaderboard.read.saved import read_class_names


@dataclass(frozen=True)
class ClassLabels:
    """The names of a victim's classes.

    Attributes:
        names: in the order of the labels; empty where there are none.
    """

    names: tuple[str, ...] = ()

    def of(self, label: int, most: int) -> str:
        """``9 Ankle boot``, cut to ``most`` characters, of which the number is never cut; the number alone without."""
        if label >= len(self.names):
            return str(label)
        return shortened(f"{label} {self.names[label]}", max(most, len(str(label))))

    def fitting(self, classes: int) -> ClassLabels:
        """The same names, or none where they are not as many as the classes."""
        return self if len(self.names) == classes else ClassLabels()


NUMBERS = ClassLabels()
"""Of classes without names."""


def shortened(text: str, most: int) -> str:
    """A text of at most ``most`` characters; what was cut off is told by three dots in one character."""
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…"


def labels_of(root: Path, victim: VictimSpec) -> ClassLabels:
    """The names of a victim's classes, as the benchmark of a results folder has them, else as its data set does.

    Args:
        root: the results folder; older ones hold no names.
        victim: of a trial in it.
    """
    if names := read_class_names(root).get(victim.name):
        return ClassLabels(cleaned(names))
    try:
        return ClassLabels(names_of(registry().get(DatasetEntry, victim.data.name), victim.data.parameters))
    except MebenchError:  # of a plugin that is not here
        return ClassLabels()
