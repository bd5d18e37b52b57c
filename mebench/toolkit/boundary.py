"""DeepFool in L2: how far each input lies from a classifier's decision boundary, in batches.

At every step the classifier is taken for linear. The nearest of the c - 1 boundaries between the input's own class and
another is then |f_k - f_0| / |w_k| away, with w_k the gradient of the difference f_k - f_0 of logits, and the step goes
there. Inputs whose class has changed leave the batch, so that no pass is spent on them.

Source: Moosavi-Dezfooli, Fawzi, Frossard 2016 (arXiv:1511.04599), Algorithm 2. As in its authors' program, the class is
looked at, and the next step is taken, with the overshoot added: the boundary itself has no class.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mebench.api.progress import heartbeat
from mebench.models.modes import evaluating, frozen

BATCH, ACCELERATOR_BATCH = 128, 512
"""Inputs that are moved at once. On a CPU more are no faster; an accelerator waits for its kernels to be launched."""
OVERSHOOT, MAX_STEPS = 0.02, 50
SHORTEST = 1e-12
"""Shorter gradients count as this long: nothing is divided by zero, and where all are 0 the step is."""


@dataclass(frozen=True)
class DeepFool:
    """What DeepFool found for B inputs.

    Attributes:
        moved: (B, \\*shape) the inputs with their perturbations; not cut to any range.
        norms: (B,) L2 norm of each perturbation, with the overshoot.
        steps: (B,) int64 steps taken.
        crossed: (B,) bool, whether the input's own class is no longer the single most likely one; without that,
            the norm says nothing. On a boundary to begin with: true, with no step and norm 0.
    """

    moved: Tensor
    norms: Tensor
    steps: Tensor
    crossed: Tensor


def deepfool(
    network: nn.Module, inputs: Tensor, *, overshoot: float = OVERSHOOT, max_steps: int = MAX_STEPS
) -> DeepFool:
    """Move each input to the other side of the nearest decision boundary.

    Costs c - 1 backward passes per step, one after another: taken together they are no faster, and need c times the
    memory.

    Args:
        network: returns logits (B, c), each row from its own input; its mode and its parameters are left as they were.
        inputs: (B, \\*shape) float.
        overshoot: by which fraction the perturbation goes beyond the boundary.
        max_steps: after so many steps an input is given up, as it is where logits are not finite or all are flat.
    """
    batch = BATCH if inputs.device.type == "cpu" else ACCELERATOR_BATCH
    with torch.no_grad(), evaluating(network), frozen(network):
        parts = [_one_batch(network, part, 1 + overshoot, max_steps) for part in inputs.detach().split(batch)]
    return DeepFool(
        *(torch.cat([getattr(part, name) for part in parts]) for name in ("moved", "norms", "steps", "crossed"))
    )


def _one_batch(network: nn.Module, inputs: Tensor, beyond: float, max_steps: int) -> DeepFool:
    moved, total = inputs.clone(), torch.zeros_like(inputs)
    steps = torch.zeros(len(inputs), dtype=torch.int64, device=inputs.device)
    logits = network(inputs)
    labels = logits.argmax(1)
    crossed = _has_crossed(logits, labels)
    active = (logits.isfinite().all(1) & ~crossed).nonzero().view(-1)
    for _ in range(max_steps):
        if not len(active):
            break
        heartbeat()
        step = _to_nearest_boundary(network, moved[active], labels[active])
        total[active] += step
        moved[active] = inputs[active] + beyond * total[active]
        steps[active] += 1
        logits = network(moved[active])
        over = _has_crossed(logits, labels[active])
        crossed[active] = over
        active = active[~over & logits.isfinite().all(1) & step.flatten(1).any(1)]
    return DeepFool(moved, beyond * total.flatten(1).norm(dim=1), steps, crossed)


def _has_crossed(logits: Tensor, labels: Tensor) -> Tensor:
    """(B,) whether another class is at least as likely as the label."""
    own = labels[:, None]
    return logits.scatter(1, own, -torch.inf).amax(1) >= logits.gather(1, own)[:, 0]


def _to_nearest_boundary(network: nn.Module, points: Tensor, labels: Tensor) -> Tensor:
    """The step to the nearest boundary of the linear approximation, (B, \\*shape); 0 where the network is flat."""
    with torch.enable_grad():
        logits: Tensor = network(points.requires_grad_())
    classes, rows = logits.shape[1], torch.arange(len(points), device=points.device)
    ones = [1] * (points.ndim - 1)
    nearest, step = torch.full_like(logits[:, 0], torch.inf).detach(), torch.zeros_like(points)
    for turn in range(1, classes):
        with torch.enable_grad():
            gaps = logits[rows, (labels + turn) % classes] - logits[rows, labels]  # negative
            (normals,) = torch.autograd.grad(gaps.sum(), points, retain_graph=turn < classes - 1)
        lengths = normals.flatten(1).norm(dim=1).clamp(min=SHORTEST)
        distances = -gaps.detach() / lengths
        closer = distances < nearest
        nearest = torch.where(closer, distances, nearest)
        step = torch.where(closer.view(-1, *ones), (distances / lengths).view(-1, *ones) * normals, step)
    return step
