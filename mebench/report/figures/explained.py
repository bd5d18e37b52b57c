"""Explanation images beside the input: VG, SmoothGrad and Integrated Gradients (Fig. 5 of MEGEX's sequel)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from mebench.api.contract import Victim
from mebench.api.errors import ConfigurationError
from mebench.api.random_streams import RandomStreams
from mebench.models.victims.loading import PreparedVictim
from mebench.registry.catalogue import registry
from mebench.registry.entries import ChannelEntry
from mebench.report.figures.class_labels import NUMBERS, ClassLabels
from mebench.report.figures.figure import FONT, GREY, INK
from mebench.report.figures.files import check_suffix, save_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CHANNELS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("vg", {}),
    ("sg", {"samples": 10}),
    ("sg", {"samples": 25}),
    ("ig", {"steps": 50}),
)
"""What the paper's figure shows, from top to bottom."""
SIDE, GAP, LEFT, TOP, EDGE, CAPTION = 0.96, 0.06, 1.25, 0.34, 0.1, 0.28
"""Inches: a picture's side, the gap between two, and room for names, titles, edges and the caption."""
LETTERS = 17
"""Of a title, at most: as many as a picture is wide."""
STRONG = 0.995
"""The quantile of absolute values that has the full colour; single stronger pixels would pale all others."""


@dataclass(frozen=True, eq=False)
class Explained:
    """Images and how a victim's answers to them are explained.

    Attributes:
        images: (N, channels, height, width), 1 or 3 channels, in [0, 1].
        titles: N texts of two lines: predicted class and its probability.
        maps: by channel, (N, height, width): the explanation of the predicted class, summed over colours.
    """

    images: Tensor
    titles: tuple[str, ...]
    maps: dict[str, Tensor]


def save_explanations(victim: PreparedVictim, path: Path, images: int = 8, class_names: Sequence[str] = ()) -> None:
    """Draw the explanations of a victim's answers to its first test images, one of each class in turn.

    Args:
        victim: whose answers are explained.
        path: a .png, .svg or .pdf file.
        images: how many.
        class_names: in the order of the labels; numbers stand for them without.

    Raises:
        ConfigurationError: the file's suffix is not known, or the inputs are no images.
    """
    check_suffix(path)
    shape = victim.spec.shape
    if len(shape) != 3 or shape[0] not in (1, 3):
        raise ConfigurationError(f"{victim.victim.name}: takes inputs of shape {shape}, which are no images")
    chosen = one_of_each_class(victim.test_labels, images)
    explained = explain(victim.victim, victim.test_inputs[chosen], ClassLabels(tuple(class_names)))
    save_figure(draw_explanations(explained, victim.victim.name), path)


def one_of_each_class(labels: Tensor, count: int) -> Tensor:
    """Return (count,) indices: the first image of each class, then the second of each, and so on."""
    ranks = torch.zeros_like(labels)
    for label in labels.unique():
        mask = labels == label
        ranks[mask] = torch.arange(int(mask.sum()), device=labels.device)
    order = torch.argsort(ranks * (int(labels.max()) + 1) + labels, stable=True)
    return order[:count]


def explain(victim: Victim, images: Tensor, classes: ClassLabels = NUMBERS) -> Explained:
    """Ask for the explanations of the predicted class, through each of `CHANNELS`."""
    classes = classes.fitting(victim.spec.num_classes)
    maps: dict[str, Tensor] = {}
    titles: tuple[str, ...] = ()
    for name, given in CHANNELS:
        entry = registry().get(ChannelEntry, name)
        channel = entry.call(given=given)
        channel.use_randomness(RandomStreams(0, images.device))
        response = channel.answer(victim, images, explain=True)
        weights = torch.nn.functional.one_hot(response.labels, victim.spec.num_classes).to(images.dtype)
        maps[channel.name] = response.explanation.vjp(weights).sum(1).cpu()
        top = response.probabilities.max(1).values
        word = "" if classes.names else "class "
        named = [f"{word}{classes.of(label, LETTERS)}" for label in response.labels.tolist()]
        titles = tuple(f"{name}\n{p:.2f}" for name, p in zip(named, top, strict=True))
    low, high = victim.spec.low, victim.spec.high
    return Explained(((images - low) / (high - low)).cpu(), titles, maps)


def draw_explanations(explained: Explained, name: str) -> Figure:
    """Draw one column per image: the input on top, and below it one map per channel, red for and blue against."""
    from matplotlib.figure import Figure

    count, lines = len(explained.images), 1 + len(explained.maps)
    size = (LEFT + count * (SIDE + GAP) + EDGE, TOP + lines * (SIDE + GAP) + CAPTION + EDGE)
    figure = Figure(figsize=size)
    for line, (label, pictures) in enumerate([("input", explained.images), *explained.maps.items()]):
        bottom = size[1] - TOP - (line + 1) * (SIDE + GAP)
        middle = (bottom + SIDE / 2) / size[1]
        style: dict[str, Any] = {"fontsize": FONT, "color": INK, "va": "center", "ha": "right", "parse_math": False}
        figure.text((LEFT - 0.1) / size[0], middle, label.replace("(", "\n("), **style)
        for column, picture in enumerate(pictures):
            left = LEFT + column * (SIDE + GAP)
            axes = figure.add_axes((left / size[0], bottom / size[1], SIDE / size[0], SIDE / size[1]))
            _show(axes, picture)
            if line == 0:
                axes.set_title(explained.titles[column], fontsize=FONT - 1.5, color=GREY, pad=3, parse_math=False)
    caption = f"{name}: the score of the predicted class. Red raises it, blue lowers it; each map has its own scale."
    figure.text(EDGE / size[0], EDGE / size[1], caption, fontsize=FONT - 1, color=GREY, va="bottom", parse_math=False)
    return figure


def _show(axes: Any, picture: Tensor) -> None:
    """Show an image (channels, height, width), or a map (height, width) in colours around white."""
    if picture.ndim == 3:
        pixels = picture.permute(1, 2, 0)
        axes.imshow(pixels.squeeze(-1).numpy(), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    else:
        strong = float(picture.abs().flatten().quantile(STRONG)) or float(picture.abs().max()) or 1.0
        axes.imshow(picture.numpy(), cmap="RdBu_r", vmin=-strong, vmax=strong, interpolation="nearest")
    axes.set_xticks([])
    axes.set_yticks([])
    for spine in axes.spines.values():
        spine.set(color="#cccccc", linewidth=0.5)
