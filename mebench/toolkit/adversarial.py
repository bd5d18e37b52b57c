"""Adversarial examples by the sign of the loss gradient, within an L-infinity ball: FGSM, BIM and PGD.

All three ascend the cross-entropy of a label, or descend that of a target class, and stay both in the ball around the
input and in the range of inputs. They take gradients with respect to inputs only, of a network in eval mode, where
each example is independent of the others in its batch.

Sources: FGSM: Goodfellow, Shlens, Szegedy 2015 (arXiv:1412.6572). BIM: Kurakin, Goodfellow, Bengio 2017
(arXiv:1607.02533). PGD: Madry and others 2018 (arXiv:1706.06083).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from mebench.api.progress import heartbeat
from mebench.models.modes import evaluating, frozen

BATCH = 200
"""Examples that are made at once: more fill memory, and on a CPU are no faster."""


@dataclass(frozen=True)
class Limits:
    """How far inputs may be moved, and in which steps.

    Attributes:
        epsilon: the largest change of any value, in units of the inputs; >= 0.
        steps: of BIM and PGD.
        step_size: of one such step, in units of the inputs.
        low, high: inclusive range of inputs.
    """

    epsilon: float
    steps: int = 10
    step_size: float = 0.0
    low: float = 0.0
    high: float = 1.0

    def around(self, inputs: Tensor) -> tuple[Tensor, Tensor]:
        """The least and the largest value that each value of (B, \\*shape) inputs may take."""
        return (inputs - self.epsilon).clamp(min=self.low), (inputs + self.epsilon).clamp(max=self.high)


def fgsm(network: nn.Module, inputs: Tensor, labels: Tensor, limits: Limits, *, targeted: bool = False) -> Tensor:
    """Return adversarial examples by one step of size epsilon, (B, \\*shape) as the inputs.

    Args:
        network: returns logits; its mode and its parameters are left as they were.
        inputs: (B, \\*shape) float32 in the range of the limits.
        labels: (B,) int64: what to move away from, or where to.
        limits: ``steps`` and ``step_size`` are not used.
        targeted: whether ``labels`` are targets.
    """
    return _walk(network, inputs, inputs, labels, limits, 1, limits.epsilon, targeted)


def bim(network: nn.Module, inputs: Tensor, labels: Tensor, limits: Limits, *, targeted: bool = False) -> Tensor:
    """Return adversarial examples by several steps from the inputs; arguments as for `fgsm`."""
    return _walk(network, inputs, inputs, labels, limits, limits.steps, limits.step_size, targeted)


def pgd(
    network: nn.Module,
    inputs: Tensor,
    labels: Tensor,
    limits: Limits,
    *,
    generator: torch.Generator,
    targeted: bool = False,
) -> Tensor:
    """Return adversarial examples by several steps from a random point of the ball; other arguments as for `fgsm`.

    Args:
        generator: the start is drawn from, uniformly in the ball, and then cut to the range. One start, no restarts.
    """
    lower, upper = limits.around(inputs)
    unit = torch.rand(inputs.shape, generator=generator, dtype=inputs.dtype, device=generator.device)
    start = torch.clamp(inputs + limits.epsilon * (2 * unit.to(inputs.device) - 1), lower, upper)
    return _walk(network, inputs, start, labels, limits, limits.steps, limits.step_size, targeted)


def loss_gradient(network: nn.Module, inputs: Tensor, labels: Tensor) -> Tensor:
    """Return d cross-entropy / d input of each example, (B, \\*shape); the network's parameters should be frozen."""
    with torch.enable_grad():
        points = inputs.detach().requires_grad_()
        loss = functional.cross_entropy(network(points), labels, reduction="sum")
        (gradient,) = torch.autograd.grad(loss, points)
    return gradient


def _walk(
    network: nn.Module,
    inputs: Tensor,
    start: Tensor,
    labels: Tensor,
    limits: Limits,
    steps: int,
    size: float,
    targeted: bool,
) -> Tensor:
    """Take steps of one size from the start, batch by batch."""
    signed = -size if targeted else size
    parts = []
    with torch.no_grad(), evaluating(network), frozen(network):
        for around, points, wanted in zip(*(torch.split(one, BATCH) for one in (inputs, start, labels)), strict=True):
            lower, upper = limits.around(around)
            for _ in range(steps):
                heartbeat()
                step = loss_gradient(network, points, wanted).sign_().mul_(signed)
                points = torch.clamp(step.add_(points), lower, upper)
            parts.append(points)
    return torch.cat(parts) if parts else inputs.clone()
