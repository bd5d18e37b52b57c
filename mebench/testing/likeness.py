"""How like two images are, whatever was done to one of them: brightness, contrast, a mirror, a turn, a step aside."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from mebench.data.torchvision_compat import import_torchvision

SCALE = 12
_AT_ONCE = 1000
_AXES = 16
_FAINT = 1e-6


@dataclass(frozen=True)
class Likeness:
    """How like each of some images is to the one of others that is most like it.

    Attributes:
        correlations: (N,) in [0, 1].
        nearest: (N,) int64, which one that is.
    """

    correlations: Tensor
    nearest: Tensor


def likeness(images: Tensor, others: Tensor, at_least: float = 0.0) -> Likeness:
    """Compare (N, C, h, w) images with (M, C, h, w) others, by the absolute correlation of their values.

    Correlation knows nothing of brightness, contrast and sign. An image is also compared as mirrored, turned by
    quarters (if it is square) and moved by one pixel, and the largest correlation counts. That of an image of one value
    is 0.

    Args:
        images: that are looked at.
        others: that they may be like.
        at_least: the correlation from which on it is told; a smaller one is given as 0, and found in a third of the
            time.
    """
    best, nearest = torch.zeros(len(images)), torch.zeros(len(images), dtype=torch.int64)
    wanted = _standardised(others)
    sieve = _Sieve(wanted, at_least)
    for variant in _variants(images):
        some = _standardised(variant)
        rows = sieve.left(some)
        for start in range(0, len(wanted) if len(rows) else 0, _AT_ONCE):
            found, at = (some[rows] @ wanted[start : start + _AT_ONCE].T).abs().max(1)
            better = found > best[rows]
            best[rows[better]], nearest[rows[better]] = found[better], at[better] + start
    return Likeness(torch.where(best >= at_least, best, 0).clamp(max=1), nearest)


class _Sieve:
    """Rules out what cannot have a large correlation, by a few principal components.

    Two rows correlate by as much as their components do, and at most by the product of what is left of their lengths.

    Args:
        wanted: (M, d) rows of norm 1.
        at_least: the correlation that is looked for.
    """

    def __init__(self, wanted: Tensor, at_least: float) -> None:
        self._at_least = at_least - _FAINT
        self._axes = torch.linalg.eigh(wanted.T @ wanted).eigenvectors[:, -_AXES:]  # (d, k)
        self._wanted = self._components(wanted)

    def left(self, some: Tensor) -> Tensor:
        """Return which of (N, d) rows of norm 1, (n,) int64, may correlate so much with one that is wanted."""
        if self._at_least <= 0:
            return torch.arange(len(some))
        ours = self._components(some)
        signs = torch.ones(2, 1, ours.shape[1])
        signs[1, :, :-1] = -1
        bounds = [(ours * sign @ self._wanted.T).amax(1) for sign in signs]
        return (torch.maximum(*bounds) >= self._at_least).nonzero()[:, 0]

    def _components(self, rows: Tensor) -> Tensor:
        """Return (N, k + 1): along the axes, and the length of what is left."""
        along = rows @ self._axes
        left = (rows - along @ self._axes.T).norm(dim=1, keepdim=True)
        return torch.cat([along, left], dim=1)


def _standardised(images: Tensor) -> Tensor:
    """Return (N, d) rows of mean 0 and norm 1; of norm 0 for an image of one value."""
    rows = images.flatten(1)
    rows = rows - rows.mean(1, keepdim=True)
    lengths: Tensor = rows.norm(dim=1, keepdim=True)
    return rows / lengths.clamp_min(_FAINT)


def _variants(images: Tensor) -> Iterator[Tensor]:
    square = images.shape[-1] == images.shape[-2]
    for quarters in range(4) if square else (0, 2):
        turned = images.rot90(quarters, (-2, -1))
        yield turned
        yield turned.flip(-1)
    height, width = images.shape[-2:]
    padded = functional.pad(images, (1, 1, 1, 1), "replicate")
    for down in range(3):
        for right in range(3):
            if (down, right) != (1, 1):
                yield padded[..., down : down + height, right : right + width]


def save_pair(path: Path, pair: Tensor) -> Path:
    """Write two images in [0, 1], (2, C, h, w), side by side as a PNG; return where."""
    utils = import_torchvision().utils
    grid = utils.make_grid(pair, nrow=2, padding=1, pad_value=0.5)
    path.parent.mkdir(parents=True, exist_ok=True)
    utils.save_image(grid.repeat_interleave(SCALE, 1).repeat_interleave(SCALE, 2), str(path))
    return path
