"""Class weights that undo the softmax along the way of Integrated Gradients.

With f the probabilities, z the logits and S(f) = diag(f) - f f^T, explained probabilities are sums over the way of
S(f(u)) dz/dx(u): near the baseline they speak of classes that are improbable at x, near x hardly at all. If the logits'
gradients were constant on the way, dz/dx = G, all m points together would give A = S_m G with S_m the mean of the
S(f(u)); and S_m is known, because f is known where it was asked, and log f runs nearly straight in between. Its inverse
turns explained probabilities into logits' gradients: as a change of weights, without seeing a single map.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

WAY_RIDGE = 1e-3
"""Error of the explanations over the whole way, relative to a class's mean probability there: regularises only."""
SEGMENT_RIDGE = 0.1
"""The same for the segment between the two queries, where sums over m points miss kinks; measured for m = 50."""
CHUNK = 64


@dataclass(frozen=True)
class Way:
    """What is known of the probabilities on the way from the baseline to the images.

    Attributes:
        scales: increasing, from 0 (the baseline) to 1 (the images).
        log_probabilities: (len(scales), B, c) float64.
        steps, shift: the channel's points are at (k - shift) / steps, k = 1..steps.
    """

    scales: tuple[float, ...]
    log_probabilities: Tensor
    steps: int
    shift: float = 0.0

    def probabilities(self, at: Tensor) -> Tensor:
        """Return (n, B, c) probabilities at n scales: the softmax of straight lines between what is known."""
        knots = torch.tensor(self.scales, dtype=at.dtype, device=at.device)
        right = torch.searchsorted(knots, at).clamp(1, len(knots) - 1)
        share = ((at - knots[right - 1]) / (knots[right] - knots[right - 1])).view(-1, 1, 1)
        known = self.log_probabilities
        return torch.softmax((1 - share) * known[right - 1] + share * known[right], dim=2)

    def softmax_jacobian(self, scale: float) -> Tensor:
        """Return the mean of S(f) over the points of an explanation of the image at this scale, (B, c, c)."""
        batch, classes = self.log_probabilities.shape[1:]
        total = self.log_probabilities.new_zeros(batch, classes, classes)
        for at in self._points(scale):
            f = self.probabilities(at)
            total += torch.diag_embed(f.sum(0)) - torch.einsum("nbi,nbj->bij", f, f)
        return total / self.steps

    def mean_probabilities(self) -> Tensor:
        """Return the mean of f over the points of an explanation of the image itself, (B, c)."""
        total = torch.zeros_like(self.log_probabilities[0])
        for at in self._points(1.0):
            total += self.probabilities(at).sum(0)
        return total / self.steps

    def _points(self, scale: float) -> Sequence[Tensor]:
        known = self.log_probabilities
        points = torch.arange(1, self.steps + 1, dtype=known.dtype, device=known.device)
        return torch.split(scale * (points - self.shift) / self.steps, CHUNK)


def path_weights(way: Way, wanted: Tensor, scale: float) -> tuple[Tensor, Tensor]:
    """Return weights w1, w2 so that A(1; w1) + A(scale; w2) is about sum_j wanted_j dz_j/dx at the images.

    What the segment between the two queries tells is taken from it, as a ridge regression weighs it against the error
    of its sums; the rest is taken from the whole way.

    Args:
        way: what is known of the probabilities.
        wanted: (B, c), derivative of the loss with respect to the victim's logits; rows sum to 0.
        scale: of the second query, in (0, 1).

    Returns:
        Two (B, c) of the type of ``wanted``.
    """
    target = wanted.double()
    whole = way.softmax_jacobian(1.0)
    segment = (whole - scale * way.softmax_jacobian(scale)) / (1 - scale)
    size = way.mean_probabilities()
    from_segment, rest = _ridge(segment, size, target, SEGMENT_RIDGE)
    from_way, _ = _ridge(whole, size, rest, WAY_RIDGE)
    quotient = from_segment / (1 - scale)
    return (from_way + quotient).to(wanted.dtype), (-quotient).to(wanted.dtype)


def logarithmic_mean(first: Tensor, second: Tensor) -> Tensor:
    """Return (a - b) / (log a - log b), the mean of a probability that runs from a to b exponentially."""
    ratio = (first / second).log()
    return torch.where(ratio.abs() > 1e-3, (first - second) / ratio.where(ratio.abs() > 1e-3, 1), first)


def _ridge(jacobian: Tensor, size: Tensor, target: Tensor, ridge: float) -> tuple[Tensor, Tensor]:
    """Return weights w and what they leave of the target, target - S w, for S (B, c, c) and target (B, c).

    With M = S / size, the explanation of class j over its mean probability, and an error of ``ridge`` in each:
    y = (M^T M + ridge^2)^-1 target, w = M y / size, and ridge^2 y is left.
    """
    relative = jacobian / size.unsqueeze(2)
    square = relative.transpose(1, 2) @ relative
    square.diagonal(dim1=1, dim2=2).add_(ridge**2)
    y: Tensor = torch.linalg.solve(square, target.unsqueeze(2))
    return (relative @ y).squeeze(2) / size, ridge**2 * y.squeeze(2)
