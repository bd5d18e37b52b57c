"""Small windows cut at random from large pictures, at several scales, where there is something to see."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from PIL import Image

LEAST_SPREAD = 12.0
"""Standard deviation over the positions of a window, in levels of 256, that some channel must go beyond.

Taken over positions and channels at once it would let flat coloured windows through.
"""
DENSITY = 8
"""Windows, at most, on the area of one, where a picture is cut at its full size; twice as many with every halving."""

Bytes = NDArray[np.uint8]


@dataclass(frozen=True)
class Light:
    """How bright windows shall be, and how rich in contrast; as they are where a value is None.

    Attributes:
        mean: of a window's values, 0 for black and 1 for white.
        deviation: their standard deviation, of a range of 1.
    """

    mean: float | None = None
    deviation: float | None = None

    def of(self, windows: Bytes) -> Bytes:
        """Move and stretch windows (N, C, H, W), none of them flat; what would leave the range is cut off at its end.

        Sums are of whole numbers, and the rest is done value by value: no library or machine can change a bit.
        """
        if self == Light():
            return windows
        values, axes, count = windows.astype(np.int64), (1, 2, 3), math.prod(windows.shape[1:])
        sums, squares = values.sum(axes, keepdims=True), (values * values).sum(axes, keepdims=True)
        means, deviations = sums / count, np.sqrt(count * squares - sums * sums) / count
        gain = 1.0 if self.deviation is None else 255 * self.deviation / deviations
        lit = (values - means) * gain + (means if self.mean is None else 255 * self.mean)
        bytes_: Bytes = lit.clip(0, 255).round().astype(np.uint8)
        return bytes_


def cut_windows(picture: Image.Image, size: int, most: int, random: np.random.Generator) -> Bytes:
    """Cut textured windows out of a picture and of its half, its quarter and so on.

    Of every level come half as many windows as of the one before, as far as there is texture for them.

    Args:
        picture: in mode RGB or L.
        size: height and width of a window.
        most: number of windows, about.
        random: where places are drawn from; no place is drawn twice.

    Returns:
        (N, C, size, size) uint8; N is 0 for a picture that is flat or smaller than a window.
    """
    levels = list(_pyramid(picture, size))
    cut = [np.empty((0, len(picture.getbands()), size, size), np.uint8)]
    for depth, level in enumerate(levels):
        places = np.flatnonzero(spread(level, size) > LEAST_SPREAD)
        share = most * 2.0**-depth / (2 - 2.0 ** (1 - len(levels)))
        count = min(round(share), -(-len(places) * DENSITY * 2**depth // size**2), len(places))
        windows = sliding_window_view(level, (size, size), (1, 2))
        rows, columns = np.divmod(random.choice(places, count, replace=False), windows.shape[2])
        cut.append(windows[:, rows, columns].swapaxes(0, 1))
    return np.concatenate(cut)


def spread(level: Bytes, size: int) -> NDArray[np.float64]:
    """The largest channel's standard deviation in every window of an image (C, H, W), (H - size + 1, W - size + 1)."""
    values, count = level.astype(np.int64), size * size
    sums, squares = _sums(values, size), _sums(values * values, size)
    variances = (count * squares - sums * sums) / count**2
    largest: NDArray[np.float64] = np.sqrt(variances.max(0))
    return largest


def _sums(values: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """The sum of every window, from the sums of all rectangles at the upper left corner."""
    total = np.pad(values, ((0, 0), (1, 0), (1, 0))).cumsum(1).cumsum(2)
    tall = total[:, size:] - total[:, :-size]
    sums: NDArray[np.int64] = tall[:, :, size:] - tall[:, :, :-size]
    return sums


def _pyramid(picture: Image.Image, size: int) -> Iterator[Bytes]:
    """The picture, its half and so on, (C, H, W), as long as a window fits."""
    while min(picture.size) >= size:
        values = np.asarray(picture)
        yield values[None] if values.ndim == 2 else values.transpose(2, 0, 1)
        picture = picture.reduce(2)
