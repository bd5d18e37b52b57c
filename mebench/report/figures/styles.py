"""Colours, shades and dashes of lines: the same for the same attack in figures and on the page."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from mebench.results.leaderboard.model import Row
from mebench.results.leaderboard.write.columns import prior

# After Okabe and Ito, for colour-blind readers; dark enough for thin lines on white. report.css has the same.
COLOURS = ("#0069ad", "#c04a00", "#007a58", "#a43d7b", "#7d6000", "#6047c2", "#222222")
SHADES = (0.0, -0.5, 0.45, -0.25)
"""How a colour is mixed for the variants of its attack, beside their dashes: below 0 with ink, above with paper."""
DASHES = 4
"""Kinds of lines."""
Numbers = dict[tuple[str, ...], "Style"]
"""The style of each line, by `identity`."""


@dataclass(frozen=True)
class Style:
    """How a line looks.

    Attributes:
        number: of its attack among all attacks, the best first.
        variant: its own among the lines of its attack.
    """

    number: int
    variant: int

    @property
    def colour(self) -> int:
        """A colour per attack."""
        return self.number % len(COLOURS)

    @property
    def shade(self) -> int:
        """A shade per variant."""
        return self.variant % len(SHADES)

    @property
    def dash(self) -> int:
        """A dash per variant; other dashes where attacks have the same colour."""
        return (self.number // len(COLOURS) + self.variant) % DASHES


def identity(row: Row) -> tuple[str, ...]:
    """What a line is of, whatever its victim and budget."""
    return (row.attack, row.variant, row.channel, row.clone, prior(row), row.settings)


def styles(rows: Sequence[Row]) -> Numbers:
    """Number attacks, and the lines of each, the best first; the same where only victim and budget differ.

    Where an attack has more lines than there are shades and there are colours enough, each line counts as an attack.

    Args:
        rows: all attacks that have a score, whichever of them are drawn.
    """
    found: Numbers = {}
    of_attack: dict[str, dict[tuple[str, ...], int]] = defaultdict(dict)
    for row in sorted(rows, key=lambda one: (-(one.normalised_accuracy or 0.0), *identity(one))):
        known = of_attack[row.attack]
        attack = list(of_attack).index(row.attack)
        found[identity(row)] = Style(attack, known.setdefault(identity(row)[:-1], len(known)))
    kinds = dict.fromkeys(one[:-1] for one in found)
    if max(map(len, of_attack.values()), default=0) > len(SHADES) and len(kinds) <= len(COLOURS):
        own = {kind: number for number, kind in enumerate(kinds)}
        return {one: Style(own[one[:-1]], 0) for one in found}
    return found


def shaded(colour: str, shade: float) -> str:
    """Mix a colour ``#rrggbb`` with black (shade -1 to 0) or white (0 to 1)."""
    end = 255 if shade > 0 else 0
    parts = (int(colour[start : start + 2], 16) for start in (1, 3, 5))
    return "#" + "".join(f"{round(part + (end - part) * abs(shade)):02X}" for part in parts)
