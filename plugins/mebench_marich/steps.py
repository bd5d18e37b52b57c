"""The three steps of a round, each of which leaves some of the rows that it is given.

Of rows that are equally good the one that comes first is taken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from mebench import Pool
from mebench.toolkit import evaluating, frozen, k_means, pool_batches
from mebench_marich import MarichSelectionParameters


@dataclass(frozen=True)
class Scene:
    """What a step looks at.

    Attributes:
        clone: trained on all answers so far.
        pool: unlabelled inputs.
        device: where the clone is.
        answered: (M,) int64 rows of the pool that the clone has learnt from.
        labels: (M,) what was answered.
        random: what is drawn is drawn from, on the CPU.
        parameters: of the choice.
    """

    clone: nn.Module
    pool: Pool
    device: torch.device
    answered: Tensor
    labels: Tensor
    random: torch.Generator
    parameters: MarichSelectionParameters

    def inputs(self, rows: Tensor) -> Iterator[Tensor]:
        """The inputs of rows, batch by batch."""
        return pool_batches(self.pool, rows, self.device)


def least_sure(scene: Scene, rows: Tensor, count: int) -> Tensor:
    """The rows whose class probabilities have the highest entropy."""
    with torch.no_grad(), evaluating(scene.clone):
        parts = [entropy(scene.clone(inputs), 1).sum(1).cpu() for inputs in scene.inputs(rows)]
    return rows[torch.cat(parts).argsort(descending=True, stable=True)[:count]]


def spread(scene: Scene, rows: Tensor, count: int) -> Tensor:
    """Of clusters of the entropy's gradients by the input, the nearest to each centre in turn."""
    gradients = torch.cat([entropy_gradient(scene, inputs).flatten(1).cpu() for inputs in scene.inputs(rows)])
    drawn = torch.randperm(len(rows), generator=scene.random)[: scene.parameters.clusters]
    distances = torch.cdist(gradients, k_means(gradients, gradients[drawn]))  # (n, clusters)
    return rows[in_turn(distances, count)]


def near_the_worst(scene: Scene, rows: Tensor, count: int) -> Tensor:
    """The rows that are nearest, pixel by pixel, to one of the answered inputs with the highest loss."""
    with torch.no_grad(), evaluating(scene.clone):
        logits = torch.cat([scene.clone(inputs).cpu() for inputs in scene.inputs(scene.answered)])
    losses = functional.cross_entropy(logits, scene.labels, reduction="none")
    worst = losses.argsort(descending=True, stable=True)[: scene.parameters.worst]
    centres = scene.pool.inputs(scene.answered[worst]).to(scene.device).flatten(1)
    nearest = [torch.cdist(inputs.flatten(1), centres).amin(1).cpu() for inputs in scene.inputs(rows)]
    return rows[torch.cat(nearest).argsort(stable=True)[:count]]


STEPS: dict[str, Callable[[Scene, Tensor, int], Tensor]] = {
    "entropy": least_sure,
    "gradient": spread,
    "loss": near_the_worst,
}


def entropy(logits: Tensor, axis: int) -> Tensor:
    """Return the summands -p log p of softmaxes along an axis, (B, c)."""
    log_p = functional.log_softmax(logits, axis)
    return -log_p.exp() * log_p


def entropy_gradient(scene: Scene, inputs: Tensor) -> Tensor:
    """Return the gradient of the summed entropy by (B, \\*shape) inputs; as released, over the images of the batch."""
    with torch.enable_grad(), evaluating(scene.clone), frozen(scene.clone):
        inputs = inputs.detach().requires_grad_()
        axis = 0 if scene.parameters.doubt == "as-released" else 1
        (gradient,) = torch.autograd.grad(entropy(scene.clone(inputs), axis).sum(), inputs)
    return gradient


def in_turn(distances: Tensor, count: int) -> Tensor:
    """Return so many points: for each centre in turn, the nearest that is not taken yet.

    Args:
        distances: (n, k), of points to centres.
        count: at most n.
    """
    orders = [iter(column.argsort(stable=True).tolist()) for column in distances.T]
    taken: dict[int, None] = {}
    while len(taken) < count:
        for order in orders:
            if len(taken) < count:
                taken[next(point for point in order if point not in taken)] = None
    return torch.tensor(list(taken), dtype=torch.int64)
