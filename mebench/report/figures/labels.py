"""Bars of how often the victim gave each label to an attack's training queries (Fig. 6 of Pal and others 2019)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Any

from mebench.oracle.label_spread import effective_classes
from mebench.report.figures.class_labels import NUMBERS, ClassLabels, labels_of
from mebench.report.figures.figure import FONT, GREY, INK
from mebench.report.figures.files import check_suffix, save_figure
from mebench.report.figures.samples import EDGE, IN_ONE_LINE
from mebench.report.figures.sections import Section, sections_of
from mebench.report.figures.sheet import Sheet
from mebench.results.leaderboard.read.trials import TrialRecord
from mebench.results.trial_folder import TrialFolder

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDE, HIGH = 2.3, 0.85
LEFT, BETWEEN, HEADING, NAME, TICKS, CAPTION = 0.3, 0.3, 0.3, 0.34, 0.3, 0.2
"""Inches: axes, at least; numbers left of them, gaps, a section's title, an attack's two lines, the classes below."""
BARS = "#56B4E9"
FEW = 20
"""Up to so many classes, bars stand apart and each seed is marked; more would run into each other."""
ROOM = 1.08
MOST_TICKS = 12
LETTERS = 16
"""Of a class's number and name below a bar, at most."""
LETTER = 0.62 / 72
"""Inches of a letter by point of its size: a generous mean."""


@dataclass(frozen=True)
class Labels:
    """How often the victim gave each label to the training queries of an attack.

    Attributes:
        name: the row of the leaderboard, unique in its section.
        counts: for each seed the answers by class.
        classes: what they are called, if they are called anything.
    """

    name: str
    counts: tuple[tuple[int, ...], ...]
    classes: ClassLabels = NUMBERS

    @property
    def shares(self) -> list[list[float]]:
        """For each seed the share of each class, in percent."""
        return [[100 * count / sum(seed) for count in seed] for seed in self.counts]

    @property
    def means(self) -> list[float]:
        """The share of each class over seeds, in percent."""
        return [mean(seeds) for seeds in zip(*self.shares, strict=True)]

    @property
    def marked(self) -> list[list[float]]:
        """The shares of seeds that are marked beside the means."""
        return self.shares if len(self.counts) > 1 and len(self.counts[0]) <= FEW else []

    @property
    def highest(self) -> float:
        """The largest share that is drawn, in percent."""
        return max(share for drawn in (self.means, *self.marked) for share in drawn)

    @property
    def spread(self) -> str:
        """As many equally frequent classes would spread as much: the mean over seeds, of how many."""
        effective = mean(effective_classes(seed) or 1.0 for seed in self.counts)
        most = self.classes.of(self.means.index(max(self.means)), LETTERS)
        crowded = self.classes.names and len(self.counts[0]) > MOST_TICKS
        return f"as spread as {effective:.1f} of {len(self.counts[0])} classes{f', most {most}' if crowded else ''}"

    @property
    def ticks(self) -> list[str]:
        """What stands below each bar; nothing where there are too many."""
        count = len(self.counts[0])
        return [self.classes.of(label, LETTERS) for label in range(count)] if count <= MOST_TICKS else []


def save_labels(roots: Sequence[Path], path: Path) -> list[str]:
    """Draw the labels that the trials in results folders were answered; return notes on what was left out.

    Raises:
        ConfigurationError: the file's suffix is not known.
        ResultsError: there is nothing to draw.
    """
    check_suffix(path)
    sections, notes = read_labels(roots)
    save_figure(draw_labels(sections), path)
    return notes


def read_labels(roots: Sequence[Path]) -> tuple[list[Section[Labels]], list[str]]:
    """Read the label counts of every row that has some.

    Raises:
        ResultsError: a root is no results folder, or no finished trial has counted labels.
    """
    return sections_of(roots, _labels, "it has no counts of labels", "counts of its queries' labels")


def _labels(name: str, trials: Sequence[TrialRecord]) -> Labels | None:
    seeds = tuple(filter(None, map(_counts, trials)))
    if not seeds:
        return None
    folder, victim = trials[0].path, trials[0].spec.victim
    classes = labels_of(folder.parent, victim) if folder else NUMBERS
    return Labels(name, seeds, classes.fitting(len(seeds[0])))


def _counts(trial: TrialRecord) -> tuple[int, ...]:
    """The answers by class, of both halves of the budget; nothing if the result does not tell."""
    halves: Any = TrialFolder(trial.path).result().get("query_labels") if trial.path else None
    if not isinstance(halves, list) or not all(isinstance(half, list) for half in halves):
        return ()
    counted = all(type(count) is int and count >= 0 for half in halves for count in half)
    if not counted or len({len(half) for half in halves}) != 1:
        return ()
    counts = tuple(map(sum, zip(*halves, strict=True)))
    return counts if sum(counts) else ()


def draw_labels(sections: Sequence[Section[Labels]]) -> Figure:
    """Draw sections below each other, each with its attacks in lines of three: name, spread, bars by class."""
    from matplotlib.figure import Figure

    columns = min(IN_ONE_LINE, max(len(section.attacks) for section in sections))
    attacks = [attack for section in sections for attack in section.attacks]
    words = _width(text for attack in attacks for text in (attack.name, attack.spread))
    cell = (max(LEFT + WIDE, words) + BETWEEN, NAME + HIGH + _below(attacks))
    lines = [-(-len(section.attacks) // columns) for section in sections]
    caption = _caption(sections)
    width = max(columns * cell[0] - BETWEEN, _width([caption, *(section.title for section in sections)]))
    height = sum(HEADING + count * cell[1] for count in lines) + CAPTION
    sheet = Sheet(Figure(figsize=(width + 2 * EDGE, height + 2 * EDGE)))
    top = EDGE
    for section, count in zip(sections, lines, strict=True):
        sheet.write(section.title, EDGE, top, FONT + 1, INK)
        highest = max(attack.highest for attack in section.attacks)  # all of a section have one scale
        for index, attack in enumerate(section.attacks):
            line, column = divmod(index, columns)
            place = (EDGE + column * cell[0], top + HEADING + line * cell[1], cell[0] - LEFT - BETWEEN)
            _draw(sheet, attack, highest, *place)
        top += HEADING + count * cell[1]
    sheet.write(caption, EDGE, top, FONT - 1, GREY)
    return sheet.figure


def _width(texts: Iterable[str]) -> float:
    """Inches that the longest text needs."""
    return LETTER * (FONT + 1) * max(map(len, texts))


def _below(attacks: Sequence[Labels]) -> float:
    """Inches for the classes below the bars, whose names stand upright."""
    longest = max(len(tick) for attack in attacks for tick in attack.ticks or ["0"])
    return TICKS + LETTER * (FONT - 1.5) * (longest - 1)


def _draw(sheet: Sheet, attack: Labels, highest: float, left: float, top: float, width: float) -> None:
    sheet.write(attack.name, left, top, FONT, INK)
    sheet.write(attack.spread, left, top + 0.15, FONT - 1, GREY)
    wide, high = sheet.figure.get_size_inches()
    bottom = 1 - (top + NAME + HIGH) / high
    axes = sheet.figure.add_axes(((left + LEFT) / wide, bottom, width / wide, HIGH / high))
    _draw_bars(axes, attack)
    axes.set_ylim(0, ROOM * highest)


def _draw_bars(axes: Axes, attack: Labels) -> None:
    """Bars of the mean over seeds, and a dash for each seed where there is room."""
    from matplotlib.ticker import MaxNLocator

    classes = range(len(attack.means))
    axes.bar(classes, attack.means, width=0.8 if len(classes) <= FEW else 1.0, color=BARS)
    for seed in attack.marked:
        axes.plot(classes, seed, linestyle="none", marker="_", markersize=5, color=INK, markeredgewidth=0.8)
    axes.axhline(100 / len(classes), color=GREY, linewidth=0.8, linestyle=(0, (4, 2)))
    axes.set_xlim(-0.6, len(classes) - 0.4)
    if attack.ticks:
        upright = 90 if attack.classes.names else 0
        axes.set_xticks(classes, attack.ticks, rotation=upright, parse_math=False)
    else:
        axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
    axes.yaxis.set_major_locator(MaxNLocator(3))
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g} %")
    axes.tick_params(labelsize=FONT - 1.5, colors=INK, length=2, pad=2)
    axes.spines[["top", "right"]].set_visible(False)


def _caption(sections: Sequence[Section[Labels]]) -> str:
    """What bars and lines are."""
    attacks = [attack for section in sections for attack in section.attacks]
    several = max(len(attack.counts) for attack in attacks) > 1
    dashes = ", dashes: each seed" if any(attack.marked for attack in attacks) else ""
    bars = f"mean over seeds{dashes}" if several else "one seed"
    return f"By class, of training queries. Bars: {bars}. Dashed line: all classes equally often."
