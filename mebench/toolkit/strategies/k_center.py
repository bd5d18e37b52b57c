"""Greedy k-center: pick, one at a time, the point that is farthest from all centres (Sener and Savarese 2018).

Every pick is one more centre, so each point's distance to its nearest centre can only fall. That makes the search lazy:
what a point's distance was at some earlier time bounds it from above, and only points that could be the farthest by
that are brought up to date, by a matrix product with the centres that they have not seen. Points lie in blocks, whose
largest bounds are known. Of few coordinates, where a product costs less than choosing its rows, whole blocks are
brought up to date.

The rounding error of such a product is bounded. Where that leaves more than one point that may be the farthest, these
are compared by differences in float64: picks do not depend on blocks, on the order of sums or on the device.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from mebench.api.progress import heartbeat

BLOCK = 1024
ROWS_AT_ONCE, WORK_AT_ONCE = 32, 2**14
"""Points of a block that are brought up to date together: 2^14 numbers, but at least 32 points."""
PRODUCTS_AT_ONCE, EXACT_VALUES_AT_ONCE, CENTRES_AT_ONCE = 2**17, 2**20, 128
"""Numbers in one matrix product, and in one tensor of differences, which takes so many centres."""
NARROW = 64
"""Up to so many coordinates the products are made in float64: the blocks' copies are small, near ties are rare."""
SAME = 1e-12
"""Squared distances that differ by less than this fraction count as equal."""


def k_center(points: Tensor, centres: Tensor, k: int, *, block: int = BLOCK) -> Tensor:
    """Pick k points, each the farthest from all centres and all picks before it.

    Of points that are equally far (squared distances within a relative 1e-12) the one with the lowest index is picked.
    No point is picked twice, however many are equal. Beyond the points, memory holds five numbers per point, the
    centres, and copies of a block.

    Args:
        points: (N, d) of any real type, finite; neither they nor the centres are written to.
        centres: (M, d) of any real type, the centres that there are; without any, the first pick is point 0.
        k: how many, at most N.
        block: points per block.

    Returns:
        (k,) int64 indices in the order of picking, on the CPU.

    Raises:
        ValueError: shapes or types do not fit, k is too large, or a value is not finite.
    """
    if points.ndim != 2 or centres.ndim != 2 or points.shape[1] != centres.shape[1]:
        raise ValueError(f"points {tuple(points.shape)} and centres {tuple(centres.shape)} must be (N, d) and (M, d)")
    if not 0 <= k <= len(points):
        raise ValueError(f"cannot pick {k} of {len(points)} points")
    if points.is_complex() or centres.is_complex():
        raise ValueError(f"points and centres must be real numbers, not {points.dtype} and {centres.dtype}")
    cover = _Cover(points.detach(), centres.detach().to(points.device), k, block)
    return torch.tensor([cover.pick() for _ in range(k)], dtype=torch.int64)


class _Cover:
    """Centres, and how far each point is from the nearest of them.

    Args:
        points: (N, d).
        centres: (M, d) on the same device.
        picks: how many may become centres.
        block: points per block.
    """

    def __init__(self, points: Tensor, centres: Tensor, picks: int, block: int) -> None:
        self._points = points
        norms, centre_norms = _squared_norms(points), _squared_norms(centres)
        self._type = _type_of_products(points, centres, norms, centre_norms)
        self._norms = norms.to(self._type)
        self._centres = torch.cat([centres.to(self._type), self._norms.new_empty(picks, centres.shape[1])])
        self._centre_norms = torch.cat([centre_norms.to(self._type), self._norms.new_empty(picks)])
        self._count = len(centres)
        self._margin = self._rounding()
        self._rows = max(ROWS_AT_ONCE, WORK_AT_ONCE // max(1, points.shape[1]))
        self._blocks = [slice(start, min(start + block, len(points))) for start in range(0, len(points), block)]
        self._near = torch.full_like(self._norms, torch.inf, dtype=self._type)  # minus infinity: picked
        self._seen = torch.zeros(len(points), dtype=torch.int64, device=points.device)  # centres that each knows of
        self._exact = torch.full_like(
            self._norms, torch.inf, dtype=torch.float64
        )  # distances by differences, where they were needed
        self._exact_seen = torch.zeros_like(self._seen)
        self._bounds = np.array([self._update(rows, 0) for rows in self._blocks])  # of each block, the largest distance

    def pick(self) -> int:
        """Make the farthest point a centre; return its index."""
        heartbeat()
        candidates = self._candidates() if self._count else torch.zeros(1, dtype=torch.int64)
        row = int(candidates[0]) if len(candidates) == 1 else self._farthest(candidates)
        self._centres[self._count], self._centre_norms[self._count] = self._points[row], self._norms[row]
        self._count += 1
        self._near[row] = -torch.inf
        return row

    def _rounding(self) -> float:
        """Twice the largest error of a squared distance |x|^2 - 2 x c + |c|^2, whatever the order of its sums.

        A sum of d products errs by at most d units of |x| |c|, and the other operations by a few units of the same.
        """
        known = (self._norms, self._centre_norms[: self._count])
        lengths = [float(norms.max()) for norms in known if len(norms)]  # NaN, too, is the maximum where there is one
        if not np.isfinite(lengths).all():
            raise ValueError("k-center needs finite points and centres, whose squared lengths are finite too")
        largest = max(lengths, default=0.0)
        unit = torch.finfo(self._type).eps / 2
        if self._type == torch.float32 and torch.get_float32_matmul_precision() != "highest":
            unit = 2.0**-8  # products of bfloat16; TF32's are finer
        return 2 * (2 * self._points.shape[1] + 16) * unit * largest

    def _candidates(self) -> Tensor:
        """Indices of all points that may be the farthest, ascending."""
        threshold = self._update_contenders()
        near = [self._blocks[number] for number in np.flatnonzero(self._bounds >= threshold).tolist()]
        return torch.cat([rows.start + (self._near[rows] >= threshold).nonzero().view(-1) for rows in near])

    def _update_contenders(self) -> float:
        """Bring every point up to date that may be the farthest; return how far such a point is at least."""
        stale, threshold = self._bounds.copy(), -np.inf  # of each block, the largest distance that is not up to date
        while (largest := stale[number := int(stale.argmax())]) >= threshold and largest > -np.inf:
            stale[number], farthest = self._update_block(number)
            threshold = max(threshold, farthest - self._margin - SAME * max(farthest, 0.0))
        return float(threshold)

    def _update_block(self, number: int) -> tuple[float, float]:
        """Bring the farthest points of a block up to date, those of few coordinates all at once.

        Returns:
            The largest distance of the block that is not up to date yet, and of those that this call brought there.
        """
        block = self._blocks[number]
        near, seen = self._near[block], self._seen[block]
        if len(near) <= self._rows:
            self._bounds[number] = farthest = self._update(block, int(seen[0]))
            return -np.inf, farthest
        known = seen == self._count
        first = near.masked_fill(known, -torch.inf).topk(self._rows).indices
        farthest = self._update(block.start + first, int(seen[first].min()))
        self._bounds[number] = float(near.max())
        return float(near.masked_fill(known.index_fill_(0, first, True), -torch.inf).max()), farthest

    def _update(self, rows: Tensor | slice, since: int) -> float:
        """Take the centres from number ``since`` on into account for some points; return the largest distance."""
        points, near, norms = self._points[rows].to(self._type), self._near[rows], self._norms[rows]
        size = max(1, PRODUCTS_AT_ONCE // len(points))
        for start in range(since, self._count, size):
            part = slice(start, min(start + size, self._count))
            products = torch.addmm(self._centre_norms[part, None], self._centres[part], points.T, alpha=-2)
            near = torch.minimum(near, products.amin(0).add_(norms))
        self._near[rows], self._seen[rows] = near, self._count
        return float(near.max())

    def _farthest(self, candidates: Tensor) -> int:
        """The lowest index among the candidates that are farthest by float64 differences."""
        known = self._exact_seen[candidates]
        for since in known.unique().tolist():
            rows = candidates[known == since]
            self._exact[rows] = torch.minimum(self._exact[rows], self._differences(rows, since))
        self._exact_seen[candidates] = self._count
        distances = self._exact[candidates]
        return int(candidates[distances >= distances.max() * (1 - SAME)][0])

    def _differences(self, rows: Tensor, since: int) -> Tensor:
        """The least squared distance of points to the centres from number ``since`` on, in float64."""
        least = torch.full((len(rows),), torch.inf, dtype=torch.float64, device=rows.device)
        width = self._points.shape[1]
        for start in range(since, self._count, CENTRES_AT_ONCE):
            centres = self._centres[start : min(start + CENTRES_AT_ONCE, self._count)].double()
            size = max(1, EXACT_VALUES_AT_ONCE // (len(centres) * max(1, width)))
            parts = [
                (self._points[part].double()[:, None] - centres).square_().sum(2).amin(1) for part in rows.split(size)
            ]
            least = torch.minimum(least, torch.cat(parts))
        return least


def _type_of_products(points: Tensor, centres: Tensor, *norms: Tensor) -> torch.dtype:
    """Float32 for many coordinates that it holds exactly and whose squared distances it can hold, else float64."""
    exact = all(one.dtype in (torch.float32, torch.float16, torch.bfloat16) for one in (points, centres))
    largest = max((float(one.max()) for one in norms if len(one)), default=0.0)
    fits = exact and largest < torch.finfo(torch.float32).max / 8
    return torch.float32 if points.shape[1] > NARROW and fits else torch.float64


def _squared_norms(points: Tensor) -> Tensor:
    """(N,) float64, without a float64 copy of all points."""
    norms = torch.empty(len(points), dtype=torch.float64, device=points.device)
    # In place, of a copy: what outlives its block would lie between freed blocks, and the heap would grow by all of it.
    for part, squared in zip(points.split(BLOCK), norms.split(BLOCK), strict=True):
        torch.sum(part.to(torch.float64, copy=True).square_(), 1, out=squared)
    return norms
