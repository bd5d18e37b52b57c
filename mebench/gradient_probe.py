"""How good the gradients are that an attack trains its generator with: an evaluation, like accuracy and fidelity.

At an evaluation the strategy says what it takes for the gradient of its loss on one small batch, and the true gradient
is found by autograd through the real victim, for the same batch, loss and clone. None of it is counted, and nothing of
it comes back to the attack: its ledger, its random streams and its own state stay as they were.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from mebench.api import GradientProbe, QueryStrategy, ResponseChannel, Victim
from mebench.oracle import Oracle, QueryLedger
from mebench.randomness import RandomStreams
from mebench.strategies.generator import evaluating

ROWS = 32
"""Queries in a probe: an eighth of the usual batch. The median over them is steady to about 0.02."""


class UncountedLedger(QueryLedger):
    """An account on which nothing is charged; it shows the trial's own budget and spending."""

    def charge(self, rows: int, purpose: str) -> None:
        """Charge nothing."""


def gradient_quality(
    strategy: QueryStrategy,
    clone: nn.Module,
    victim: Victim,
    channel: ResponseChannel,
    ledger: QueryLedger,
    random: RandomStreams,
    asker: str = "attack",
) -> dict[str, float | None]:
    """Compare the gradient that a strategy would use now with the true one.

    Args:
        strategy, clone: the attack as it is; left as they are.
        victim, channel: the true gradient is the victim's, the strategy's own comes through the channel.
        ledger: the trial's; read, never written.
        random: the trial's streams; put back to where they were.
        asker: name of the attack, for error messages.

    Returns:
        ``gradient_cosine`` in [-1, 1] and ``gradient_norm_ratio`` >= 0 (the strategy's norm over the true one), each
        the median over the batch; None where the true gradient vanishes everywhere or numbers are not finite. Empty
        if the strategy uses no gradient.
    """
    free = UncountedLedger(ledger.budget)
    free.load_state_dict(ledger.state_dict())
    with random.untouched(), evaluating(clone):
        probe = strategy.probe_gradient(Oracle(victim, channel, free, asker), clone, ROWS)
        if probe is None:
            return {}
        truth = true_gradient(probe, clone, victim)
    if truth is None:
        return {}
    return compare(probe.gradient, truth)


def true_gradient(probe: GradientProbe, clone: nn.Module, victim: nn.Module) -> Tensor | None:
    """Return d loss / d points, (B, ...), by autograd through victim and clone; None if the victim has no gradient.

    In float32, as the attacks compute, but never in TF32.
    """
    with torch.enable_grad(), _without_tf32():
        points = probe.points.detach().clone().requires_grad_()
        inputs = probe.queries(points)
        probabilities = torch.softmax(victim(inputs), dim=1)
        if not probabilities.requires_grad:
            return None
        (gradient,) = torch.autograd.grad(probe.loss(probabilities, clone(inputs)).sum(), points)
    return gradient


def compare(estimate: Tensor, truth: Tensor) -> dict[str, float | None]:
    """Return median cosine and median norm ratio of (B, ...) gradients.

    Rows whose true gradient is zero have neither, and are left out. An estimate of zero points nowhere: its cosine
    counts as 0.
    """
    estimate, truth = estimate.detach().flatten(1).double(), truth.detach().flatten(1).double()
    kept = truth.norm(dim=1) > 0
    estimate, truth = estimate[kept], truth[kept]
    norms, true_norms = estimate.norm(dim=1), truth.norm(dim=1)
    unit = estimate / norms.where(norms > 0, 1).unsqueeze(1)
    cosine = (unit * (truth / true_norms.unsqueeze(1))).sum(1).clamp(-1, 1)
    return {"gradient_cosine": _median(cosine), "gradient_norm_ratio": _median(norms / true_norms)}


def _median(values: Tensor) -> float | None:
    """The median, the mean of the middle two of an even number; None of no values, or if one is not finite."""
    if not len(values):
        return None
    median = float(values.quantile(0.5))
    return median if math.isfinite(median) else None


@contextlib.contextmanager
def _without_tf32() -> Iterator[None]:
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matmul.allow_tf32, cudnn.allow_tf32
    matmul.allow_tf32 = cudnn.allow_tf32 = False
    try:
        yield
    finally:
        matmul.allow_tf32, cudnn.allow_tf32 = before
