"""Adversarial examples beside their originals, with the victim's labels before and after (Figs 7 to 9 of MEGA)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

from torch import Tensor, nn

from mebench.api.errors import ResultsError
from mebench.api.random_streams import RandomStreams, derive_seed
from mebench.api.spec import TrialSpec, VictimSpec, content_digest
from mebench.models.clones import load_clone
from mebench.models.victims.loading import PreparedVictim, prepare_victim
from mebench.models.weights import logits_of
from mebench.registry.declaration import made
from mebench.report.figures.class_labels import NUMBERS, ClassLabels, labels_of
from mebench.report.figures.explained import one_of_each_class
from mebench.report.figures.figure import FONT, GREY, INK
from mebench.report.figures.files import check_suffix, save_figure
from mebench.report.figures.panels import Member, ranked_trials, valid_rows
from mebench.report.figures.sheet import Sheet
from mebench.results.leaderboard.read.trials import TrialRecord
from mebench.toolkit.adversarial import Limits
from mebench.trial.metrics.entries import ADVERSARIAL, TRANSFER, TransferParameters
from mebench.trial.metrics.transfer import examples

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FOOLED = "#B2182B"
IMAGES, ROWS = 10, 3
"""Images of a trial, and trials of a figure."""
SIDE, GAP, LABEL = 0.8, 0.07, 0.17
"""Inches: a picture's side, the gap to the next, and room for the label below it."""
LETTERS = 15
"""Of a label, at most: as many as fit below a picture."""
LEFT, HEADING, NAME, BETWEEN, EDGE, CAPTION = 0.72, 0.26, 0.22, 0.16, 0.12, 0.14


@dataclass(frozen=True, eq=False)
class Example:
    """Pictures of N images, all made in one way.

    Attributes:
        name: of the way.
        pictures: (N, channels, height, width), 1 or 3 channels, in [0, 1].
        labels: (N,) the victim's.
    """

    name: str
    pictures: Tensor
    labels: Tensor


@dataclass(frozen=True, eq=False)
class Examples:
    """What a clone's gradients make of images that its victim labels rightly.

    Attributes:
        title: victim and budget.
        name: the row of the leaderboard.
        epsilon: the largest change, in units of the inputs.
        ways: the originals first.
        classes: what the victim's classes are called.
    """

    title: str
    name: str
    epsilon: float
    ways: tuple[Example, ...]
    classes: ClassLabels = NUMBERS


def save_adversarial(roots: Sequence[Path], path: Path, only: Sequence[str] = ()) -> list[str]:
    """Draw adversarial examples of the trials in results folders; return notes on what was left out.

    A victim that is not in the cache is trained first.

    Args:
        roots: results folders.
        path: a .png, .svg or .pdf file.
        only: patterns of rows, ``ATTACK``, ``ATTACK/VARIANT`` or a trial's id; all rows if empty.

    Raises:
        ConfigurationError: the file's suffix is not known.
        ResultsError: there is nothing to draw.
    """
    check_suffix(path)
    found, notes = read_examples(roots, only)
    save_figure(draw_examples(found), path)
    return notes


def read_examples(roots: Sequence[Path], only: Sequence[str] = ()) -> tuple[list[Examples], list[str]]:
    """Make examples on the saved clones of the first seed of rows, the best rows of each victim and budget first.

    Raises:
        ResultsError: a root is no results folder, or no row that is wanted has a clone and images.
    """
    valid, notes = valid_rows(roots)
    victims: dict[str, PreparedVictim] = {}
    found: list[Examples] = []
    for heading, name, trial in _wanted(valid, roots, only):
        if len(found) == ROWS:
            notes.append(f"left out {name}, {heading}: a figure has room for {ROWS}; choose by --only")
            continue
        try:
            found.append(_of_trial(heading, name, trial, victims, notes))
        except ResultsError as error:
            notes.append(f"left out {name}: {error}")
    if not found:
        said = f" ({'; '.join(notes)})" if notes else ""
        raise ResultsError(f"{', '.join(map(str, roots))}: no trial to make adversarial examples of{said}")
    return found, notes


def _wanted(
    valid: Sequence[Member], roots: Sequence[Path], only: Sequence[str]
) -> Iterator[tuple[str, str, TrialRecord]]:
    """Title, name and first trial of each row that is wanted."""
    for heading, rows in ranked_trials(valid, roots):
        for name, trials in rows:
            for trial in [one for one in trials if _matches(one, only)][:1]:
                yield heading, name, trial


def _matches(trial: TrialRecord, only: Sequence[str]) -> bool:
    names = (trial.spec.attack.name, f"{trial.spec.attack.name}/{trial.spec.variant}", trial.id)
    return not only or any(fnmatchcase(name, pattern) for name in names for pattern in only)


def _of_trial(
    heading: str, name: str, trial: TrialRecord, victims: dict[str, PreparedVictim], notes: list[str]
) -> Examples:
    assert trial.result is not None
    assert trial.path is not None
    victim = _victim(trial.spec.victim, victims)
    if len(victim.spec.shape) != 3 or victim.spec.shape[0] not in (1, 3):
        raise ResultsError(f"its victim takes inputs of shape {victim.spec.shape}, which are no images")
    if victim.weights_hash != trial.result.victim.weights_hash:
        notes.append(f"{name}: its victim had other weights than the one that is here")
    parameters = _parameters(trial.spec)
    digest = trial.result.clone.weights_hash
    clone = load_clone(trial.spec, victim, trial.path / "clone.safetensors", digest)
    classes = labels_of(trial.path.parent, trial.spec.victim).fitting(victim.spec.num_classes)
    return Examples(heading, name, parameters.epsilon, make(victim, clone, parameters, trial.spec.seed), classes)


def _victim(spec: VictimSpec, known: dict[str, PreparedVictim]) -> PreparedVictim:
    key = content_digest(spec)
    if key not in known:
        known[key] = prepare_victim(spec)
    return known[key]


def _parameters(spec: TrialSpec) -> TransferParameters:
    """Those of the metric, as the trial was measured; its defaults if it was not."""
    asked = [metric.parameters for metric in spec.metrics if metric.name == TRANSFER.name]
    return made(TransferParameters, TRANSFER.resolve(asked[0] if asked else {}))


def make(victim: PreparedVictim, clone: nn.Module, parameters: TransferParameters, seed: int) -> tuple[Example, ...]:
    """Make untargeted examples of one image of each class in turn that the victim labels rightly."""
    spec, network = victim.spec, victim.victim
    before = logits_of(network, victim.test_inputs).argmax(1)
    right = before == victim.test_labels
    inputs, labels = victim.test_inputs[right], before[right]
    chosen = one_of_each_class(labels, IMAGES)
    inputs, labels = inputs[chosen], labels[chosen]
    step = parameters.relative_step * parameters.epsilon
    limits = Limits(parameters.epsilon, parameters.steps, step, spec.low, spec.high)
    ways = [Example("original", inputs, labels)]
    streams = RandomStreams(derive_seed(seed, "plot/adversarial"), inputs.device)
    for attack in parameters.attacks:
        moved = examples(attack, clone, inputs, labels, limits, streams.torch(attack, "cpu"))
        ways.append(Example(ADVERSARIAL[attack], moved, logits_of(network, moved).argmax(1)))
    return tuple(Example(one.name, (one.pictures - spec.low) / (spec.high - spec.low), one.labels) for one in ways)


def draw_examples(found: Sequence[Examples]) -> Figure:
    """Draw trials below each other: a line of originals, and one of examples by each attack."""
    from matplotlib.figure import Figure

    columns = max(len(one.ways[0].labels) for one in found)
    heights = [_height(one, found[index - 1] if index else None) for index, one in enumerate(found)]
    size = (LEFT + columns * (SIDE + GAP) - GAP + 2 * EDGE, sum(heights) + CAPTION + 2 * EDGE)
    sheet = Sheet(Figure(figsize=size))
    top = EDGE
    for index, one in enumerate(found):
        start = top
        if not index or found[index - 1].title != one.title:
            sheet.write(one.title, EDGE, start, FONT + 1, INK)
            start += HEADING
        sheet.write(f"{one.name}, epsilon {one.epsilon:g}", EDGE, start, FONT, INK)
        start += NAME
        for line, way in enumerate(one.ways):
            _draw_line(sheet, way, one, start + line * (SIDE + LABEL))
        top += heights[index]
    number = "" if all(one.classes.names for one in found) else " (number of the class)"
    caption = f"Below each picture: the victim's label{number}; red, with an arrow, where it is another one."
    sheet.write(caption, EDGE, top, FONT - 1, GREY)
    return sheet.figure


def _height(one: Examples, above: Examples | None) -> float:
    heading = HEADING if above is None or above.title != one.title else 0.0
    return heading + NAME + len(one.ways) * (SIDE + LABEL) + BETWEEN


def _draw_line(sheet: Sheet, way: Example, of: Examples, top: float) -> None:
    """Draw the pictures of one way, each with the victim's label."""
    before = of.ways[0].labels
    sheet.write(way.name, EDGE, top + SIDE / 2 - 0.05, FONT, INK)
    for column, picture in enumerate(way.pictures.cpu()):
        left = EDGE + LEFT + column * (SIDE + GAP)
        sheet.show(picture.permute(1, 2, 0).squeeze(-1).numpy(), left, top, SIDE, vmin=0, vmax=1)
        old, new = int(before[column]), int(way.labels[column])
        start, colour = (f"{old} → ", FOOLED) if new != old else ("", GREY)
        text = f"{start}{of.classes.of(new, LETTERS - len(start))}"
        sheet.write(text, left + SIDE / 2, top + SIDE + 0.02, FONT - 1.5, colour, "center")
