"""Pictures of the closest pairs of a pool and a victim's data, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from mebench.api.errors import ConfigurationError
from mebench.data.overlap import Overlap
from mebench.report.figures.figure import FONT, GREY, INK
from mebench.report.figures.files import check_suffix, save_figure
from mebench.report.figures.sheet import Sheet

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SIDE, GAP, BETWEEN, EDGE, HEADING, CAPTION = 0.5, 0.03, 0.16, 0.12, 0.26, 0.26
"""Inches: an image, the gap in a pair, that between pairs, the margin, a heading, the line below a pair."""
IN_ONE_LINE = 8


def save_pairs(overlaps: Sequence[Overlap], path: Path) -> None:
    """Draw the closest pairs of every comparison of images, the pool's image to the left.

    Raises:
        ConfigurationError: the file's suffix is not known, or there are only texts.
    """
    check_suffix(path)
    shown = [one for one in overlaps if one.closest]
    if not shown:
        raise ConfigurationError("there are no pairs of images to draw")
    save_figure(draw_pairs(shown), path)


def draw_pairs(overlaps: Sequence[Overlap]) -> Figure:
    """Draw one block for each comparison."""
    from matplotlib.figure import Figure

    pair, line = 2 * SIDE + GAP + BETWEEN, SIDE + CAPTION
    lines = [-(-len(one.closest) // IN_ONE_LINE) for one in overlaps]
    height = sum(HEADING + line * count for count in lines)
    sheet = Sheet(Figure(figsize=(IN_ONE_LINE * pair - BETWEEN + 2 * EDGE, height + 2 * EDGE)))
    top = EDGE
    for overlap, count in zip(overlaps, lines, strict=True):
        sheet.write(f"{overlap.pool.name} and {overlap.victim.name} ({overlap.split})", EDGE, top, FONT, INK)
        top += HEADING
        for place, (one, images) in enumerate(zip(overlap.closest, overlap.pictures, strict=True)):
            row, column = divmod(place, IN_ONE_LINE)
            left, high = EDGE + column * pair, top + row * line
            for number, image in enumerate(images.permute(0, 2, 3, 1).numpy()):
                sheet.show(
                    image.squeeze(2) if image.shape[2] == 1 else image,
                    left + number * (SIDE + GAP),
                    high,
                    SIDE,
                    vmin=0,
                    vmax=255,
                )
            caption = f"{one.correlation:.3f}{' mirrored' if one.mirrored else ''}"
            sheet.write(caption, left + SIDE + GAP / 2, high + SIDE + 0.03, FONT - 1, GREY, "center")
        top += line * count
    return sheet.figure
