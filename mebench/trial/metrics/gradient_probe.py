"""How good the gradients are that an attack trains its generator with: an evaluation, like accuracy and fidelity.

A strategy keeps what it took for the gradient of its loss in its last generator step. At an evaluation the true one
is found by autograd through the real victim, for the same images, loss and clone. None of it is counted, and no code
of the attack sees an answer: the loss must be one of mebench's own.
"""

from __future__ import annotations

import contextlib
import copy
import math
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from mebench.api.contract import GradientStep, QueryStrategy
from mebench.models.modes import evaluating
from mebench.toolkit import losses


def gradient_quality(strategy: QueryStrategy, clone: nn.Module, victim: nn.Module) -> dict[str, float | None]:
    """Compare the gradient that a strategy used in its last generator step with the true one.

    Args:
        strategy: the attack's; left as it is.
        clone: gives the architecture; its state at that step is part of what the strategy kept.
        victim: returns logits.

    Returns:
        ``gradient_cosine`` in [-1, 1] and ``gradient_norm_ratio`` >= 0 (the strategy's norm over the true one), each
        the median over the kept images; None where the true gradient vanishes everywhere or numbers are not finite.
        Empty if the strategy has taken no gradient step, or ascends a loss that is not one of `mebench.toolkit.losses`.
    """
    step = strategy.last_gradient_step()
    if step is None or type(step.loss).__module__ != losses.__name__:
        return {}
    then = copy.deepcopy(clone)
    then.load_state_dict(dict(step.clone_state))
    with evaluating(then):
        return compare(step.gradient, true_gradient(step, then, victim))


def true_gradient(step: GradientStep, clone: nn.Module, victim: nn.Module) -> Tensor:
    """Return d loss / d points, (B, ...), by autograd through victim and clone.

    In float32, as the attacks compute, but never in TF32.
    """
    with torch.enable_grad(), _without_tf32():
        points = step.points.detach().clone().requires_grad_()
        inputs = step.queries(points)
        total = step.loss.per_query(torch.softmax(victim(inputs), dim=1), clone(inputs)).sum()
        (gradient,) = torch.autograd.grad(total, points)
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
