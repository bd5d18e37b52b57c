"""Which images of one set are nearly those of another: every pair whose correlation reaches a threshold, and no other.

The correlation of two images is Pearson's over all their pixels and channels, so brightness and contrast do not count;
the larger of it and of that with one image mirrored left to right is taken.

Most pairs are ruled out by a bound. An image, its mean taken off and scaled to length 1, is a vector x = p + r: p its
part along the `FREQUENCIES` x `FREQUENCIES` lowest frequencies of the cosine transform (channels summed), and r what is
left, at right angles. So the correlation of two, x . y = p . p' + r . r', is at most p . p' + |r| |r'|, which takes 65
products in place of one for every pixel. A mirror changes the sign of every other frequency and no length: with p in
its even and its odd part, both correlations are at most even . even' + |odd . odd'| + |r| |r'|. All other pairs are
computed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from mebench.api.progress import Progress, step

FREQUENCIES = 8
_ROWS, _COLUMNS = 1024, 4096
_AT_ONCE = 4096
_DENSE = 1 / 32  # share of a block's pairs from which on computing all of them is cheaper
_ROUNDING = 1e-4  # of sums of float32, well above it
_AS_GOOD_AS = 2e-6  # of a correlation: equal images reach 1 only to within so much


@dataclass(frozen=True)
class Pair:
    """Two images.

    Attributes:
        correlation: -1 to 1.
        first, second: rows in the two sets.
        mirrored: whether one has to be mirrored for it.
    """

    correlation: float
    first: int
    second: int
    mirrored: bool


@dataclass(frozen=True)
class Nearness:
    """What two sets have in common.

    Attributes:
        first, second: (N,) and (M,) bool, whether the other set has a near duplicate of an image.
        closest: pairs of the highest correlation, at most one for an image of the first set, the highest first; also of
            one below the threshold.
    """

    first: Tensor
    second: Tensor
    closest: list[Pair]


def near_duplicates(first: Tensor, second: Tensor, threshold: float, pairs: int = 16, name: str = "") -> Nearness:
    """Compare every image of one set with every one of another.

    Args:
        first, second: (N, C, H, W) and (M, C, H, W) uint8. One whose pixels are all the same has no near duplicate.
        threshold: correlation from which on two images are near duplicates, above 0.
        pairs: number of closest pairs to return.
        name: to tell the progress of.
    """
    search = _Search(first, second, threshold, min(pairs, len(first)))
    search.look(slice(0, _ROWS), slice(0, _COLUMNS), only_likeliest=True)
    for row in range(0, len(first), _ROWS):
        step(Progress(row, len(first), "images", phase=name))
        for column in range(0, len(second), _COLUMNS):
            search.look(slice(row, row + _ROWS), slice(column, column + _COLUMNS))
    return Nearness(search.near_first, search.near_second, search.closest())


class _Search:
    """What has been found so far.

    Args:
        first, second, threshold, pairs: see `near_duplicates`.
    """

    def __init__(self, first: Tensor, second: Tensor, threshold: float, pairs: int) -> None:
        self.images, self.threshold, self.pairs = (first, second), threshold, pairs
        self.sketches = [_sketch(images) for images in self.images]
        self.near_first, self.near_second = (torch.zeros(len(one), dtype=torch.bool) for one in self.images)
        self.best = torch.full((len(first),), -1.0)
        self.partner = torch.zeros(len(first), dtype=torch.int64)
        self.mirrored = torch.zeros(len(first), dtype=torch.bool)
        self.floor = -1.0

    def look(self, rows: slice, columns: slice, only_likeliest: bool = False) -> None:
        """Compute what the bound does not rule out in a block, or for a start only the likeliest pair of each row."""
        bound = self._bound(rows, columns)
        if only_likeliest:
            first, second = torch.arange(len(bound)), bound.argmax(1)
        else:
            first = (bound.amax(1) >= self.floor).nonzero().flatten()
            if not len(first):
                return
            among, second = (bound[first] >= self.floor).nonzero(as_tuple=True)
            first = first[among]
        self._note(first + rows.start, second + columns.start)

    def closest(self) -> list[Pair]:
        """The pairs of the highest correlation."""
        values, rows = self.best.topk(self.pairs)
        partners, mirrored = self.partner[rows], self.mirrored[rows]
        found = zip(values.tolist(), rows.tolist(), partners.tolist(), mirrored.tolist(), strict=True)
        return [Pair(*one) for one in found if one[0] > -1]

    def _bound(self, rows: slice, columns: slice) -> Tensor:
        (even, odd), (other_even, other_odd) = self.sketches
        bound: Tensor = (odd[rows] @ other_odd[columns].T).abs_()
        return bound.addmm_(even[rows], other_even[columns].T)

    def _note(self, first: Tensor, second: Tensor) -> None:
        """Compute the correlations of pairs of rows, and keep what they say."""
        straight, mirrored = _correlations(*self.images, first, second)
        values = torch.maximum(straight, mirrored).clamp_(max=1)
        near = values >= self.threshold - _AS_GOOD_AS
        self.near_first[first[near]] = True
        self.near_second[second[near]] = True
        before = self.best.clone()
        self.best.scatter_reduce_(0, first, values, "amax")
        better = (values == self.best[first]) & (values > before[first])
        self.partner[first[better]] = second[better]
        self.mirrored[first[better]] = mirrored[better] > straight[better]
        self.floor = min(self.threshold, float(self.best.topk(self.pairs).values[-1])) - _ROUNDING


def _correlations(images: Tensor, others: Tensor, first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """The correlation of each pair of rows, and that with one of the two mirrored."""
    rows, row = first.unique(return_inverse=True)
    columns, column = second.unique(return_inverse=True)
    left, right = standardised(images[rows]), standardised(others[columns])
    if len(first) > _DENSE * len(rows) * len(columns):
        straight = left.flatten(1) @ right.flatten(1).T
        mirrored = left.flatten(1) @ right.flip(3).flatten(1).T
        return straight[row, column], mirrored[row, column]
    found = []
    for some in torch.arange(len(first)).split(_AT_ONCE):
        one, two = left[row[some]], right[column[some]]
        found.append(torch.stack([(one * two).sum((1, 2, 3)), (one * two.flip(3)).sum((1, 2, 3))]))
    straight, mirrored = torch.cat(found, 1)
    return straight, mirrored


def standardised(images: Tensor) -> Tensor:
    """Images (B, C, H, W) of bytes with mean 0 and length 1, float32; 0 where all pixels are the same."""
    values = images.float()
    values -= values[:, :1, :1, :1].clone()  # so that the mean of large images of one value is exactly 0
    values -= values.mean((1, 2, 3), keepdim=True)
    lengths = values.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
    return torch.where(lengths > _ROUNDING, values / lengths, 0.0)


def _cosines(size: int) -> Tensor:
    """The lowest frequencies of the cosine transform of type II as orthonormal rows, (k, size)."""
    frequency = torch.arange(min(FREQUENCIES, size), dtype=torch.float64)[:, None]
    rows = torch.cos(math.pi / size * (torch.arange(size) + 0.5) * frequency)
    unit: Tensor = rows / rows.norm(dim=1, keepdim=True)
    return unit.float()


def _sketch(images: Tensor) -> tuple[Tensor, Tensor]:
    """The even part with the length of the rest, (N, e + 1), and the odd part, (N, o)."""
    tall, wide = _cosines(images.shape[2]), _cosines(images.shape[3])
    even, odd = [], []
    for some in images.split(_AT_ONCE):
        unit = standardised(some)
        low = tall @ (unit.sum(1) / math.sqrt(images.shape[1])) @ wide.T
        rest = (unit.flatten(1).square().sum(1) - low.square().sum((1, 2))).clamp(min=0).sqrt()
        even.append(torch.cat([low[:, :, ::2].flatten(1), rest[:, None]], 1))
        odd.append(low[:, :, 1::2].flatten(1))
    return torch.cat(even), torch.cat(odd)
