"""Greedy k-center: pick, one at a time, the point that is farthest from all centres (Sener and Savarese 2018).

Every pick is one more centre, so each point's distance to its nearest centre can only fall. That makes the search lazy:
the points lie in blocks, each with the largest distance that any of its points may still have, and only the blocks that
could hold the farthest point are brought up to date, by one matrix product with the centres that they have not seen.
The rounding error of such a product is bounded. Where that leaves more than one point that may be the farthest, these
are compared by differences in float64: picks do not depend on block sizes, on the product's order or on the device.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from mebench.progress import alive

BLOCK = 512
CENTRES_AT_ONCE = 128
EXACT_VALUES_AT_ONCE = 2**20
NARROW = 64
"""Up to so many coordinates the products are made in float64: the blocks' copies are small, near ties are rare."""
SAME = 1e-12
"""Squared distances that differ by less than this fraction count as equal."""


def k_center(points: Tensor, centres: Tensor, k: int, *, block: int = BLOCK) -> Tensor:
    """Pick k points, each the farthest from all centres and all picks before it.

    Of points that are equally far (squared distances within a relative 1e-12) the one with the lowest index is picked.
    No point is picked twice, however many are equal. Beyond the points, memory holds five numbers per point and copies
    of a block.

    Args:
        points: (N, d) float32 or float64, finite.
        centres: (M, d), the centres that there are; without any, the first pick is point 0.
        k: how many, at most N.
        block: points per block.

    Returns:
        (k,) int64 indices in the order of picking, on the CPU.

    Raises:
        ValueError: shapes do not fit, k is too large, or a value is not finite.
    """
    if points.ndim != 2 or centres.ndim != 2 or points.shape[1] != centres.shape[1]:
        raise ValueError(f"points {tuple(points.shape)} and centres {tuple(centres.shape)} must be (N, d) and (M, d)")
    if not 0 <= k <= len(points):
        raise ValueError(f"cannot pick {k} of {len(points)} points")
    cover = _Cover(points.detach(), centres.detach().to(points), block)
    return torch.tensor([cover.pick() for _ in range(k)], dtype=torch.int64)


class _Cover:
    """Centres, and how far each point is from the nearest of them.

    Args:
        points: (N, d).
        centres: (M, d) of the same type.
        block: points per block.
    """

    def __init__(self, points: Tensor, centres: Tensor, block: int) -> None:
        self._points, self._given = points, centres
        self._type = torch.float64 if points.shape[1] <= NARROW else points.dtype
        self._norms, self._given_norms = _squared_norms(points), _squared_norms(centres)  # float64
        self._margin = self._rounding()
        self._picks: list[int] = []
        self._starts = range(0, len(points), block)
        self._block = block
        self._near = torch.full_like(self._norms, torch.inf, dtype=self._type)  # minus infinity: picked
        self._bounds = np.full(len(self._starts), np.inf)  # of each block, at least the largest of its distances
        self._seen = np.zeros(len(self._starts), dtype=np.int64)  # centres that each block's distances know of
        self._exact = torch.full_like(self._norms, torch.inf)  # distances by differences, where they were needed
        self._exact_seen = torch.zeros(len(points), dtype=torch.int64, device=points.device)

    def pick(self) -> int:
        """Make the farthest point a centre; return its index."""
        alive()
        candidates = self._candidates() if self._count else torch.zeros(1, dtype=torch.int64)
        row = int(candidates[0]) if len(candidates) == 1 else self._farthest(candidates)
        self._picks.append(row)
        self._near[row] = -torch.inf
        return row

    @property
    def _count(self) -> int:
        """Number of centres, picks included."""
        return len(self._given) + len(self._picks)

    def _rounding(self) -> float:
        """Twice the largest error of a squared distance |x|^2 - 2 x c + |c|^2, whatever the order of its sums.

        A sum of d products errs by at most d units of |x| |c|, and the other operations by a few units of the same.
        """
        largest = max((float(norms.max()) for norms in (self._norms, self._given_norms) if len(norms)), default=0.0)
        if not np.isfinite(largest):
            raise ValueError("k-center needs finite points and centres")
        unit = torch.finfo(self._type).eps / 2
        if self._type == torch.float32 and torch.get_float32_matmul_precision() != "highest":
            unit = 2.0**-8  # products of bfloat16; TF32's are finer
        return 2 * (2 * self._points.shape[1] + 16) * unit * largest

    def _candidates(self) -> Tensor:
        """Indices of all points that may be the farthest, ascending."""
        threshold = self._update_contenders()
        rows = [
            start + (self._near[start : start + self._block] >= threshold).nonzero().view(-1)
            for start in (self._starts[number] for number in np.flatnonzero(self._bounds >= threshold).tolist())
        ]
        return torch.cat(rows)

    def _update_contenders(self) -> float:
        """Bring every block up to date that may hold the farthest point; return what such a point has at least."""
        stale, farthest, threshold = self._seen < self._count, -np.inf, -np.inf
        while True:
            bounds = np.where(stale, self._bounds, -np.inf)
            block = int(bounds.argmax())
            if not stale[block] or bounds[block] < threshold:
                break
            self._update(block)
            stale[block] = False
            farthest = max(farthest, float(self._bounds[block]))
            threshold = farthest - self._margin - SAME * max(farthest, 0.0)
        return threshold

    def _update(self, block: int) -> None:
        """Take the centres into account that a block has not seen."""
        rows = slice(self._starts[block], self._starts[block] + self._block)
        points, near = self._points[rows].to(self._type), self._near[rows]
        norms = self._norms[rows].to(self._type)
        for since in range(int(self._seen[block]), self._count, CENTRES_AT_ONCE):
            centres, centre_norms = self._centres(since, min(since + CENTRES_AT_ONCE, self._count))
            products = torch.addmm(centre_norms[:, None].to(self._type), centres.to(self._type), points.T, alpha=-2)
            torch.minimum(near, products.amin(0).add_(norms), out=near)
        self._seen[block] = self._count
        self._bounds[block] = float(near.max())

    def _centres(self, since: int, until: int) -> tuple[Tensor, Tensor]:
        """Centres by number, given ones first, and their squared norms."""
        given = len(self._given)
        picks = self._picks[max(since - given, 0) : max(until - given, 0)]
        if since >= given:
            return self._points[picks], self._norms[picks]
        return (
            torch.cat([self._given[since:until], self._points[picks]]),
            torch.cat([self._given_norms[since:until], self._norms[picks]]),
        )

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
            centres = self._centres(start, min(start + CENTRES_AT_ONCE, self._count))[0].double()
            size = max(1, EXACT_VALUES_AT_ONCE // max(1, len(centres) * width))
            parts = [
                (self._points[part].double()[:, None] - centres).square_().sum(2).amin(1) for part in rows.split(size)
            ]
            least = torch.minimum(least, torch.cat(parts))
        return least


def _squared_norms(points: Tensor) -> Tensor:
    """(N,) float64, without a float64 copy of all points."""
    parts = [torch.linalg.vector_norm(part, dim=1, dtype=torch.float64).square() for part in points.split(8 * BLOCK)]
    return torch.cat(parts) if parts else torch.empty(0, dtype=torch.float64, device=points.device)
