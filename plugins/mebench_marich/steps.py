"""The three steps of a round, each of which leaves ``count`` of the rows that it is given.

Of rows that are equally good the one that comes first is taken.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from mebench.toolkit import Scene, entropy, highest, in_turn, input_gradient, k_means, lowest
from mebench_marich import MarichSelectionParameters


def least_sure(scene: Scene, rows: Tensor, count: int, parameters: MarichSelectionParameters) -> Tensor:
    """The rows whose class probabilities have the highest entropy."""
    return highest(rows, scene.over(rows, lambda inputs: entropy(scene.clone(inputs))), count)


def spread(scene: Scene, rows: Tensor, count: int, parameters: MarichSelectionParameters) -> Tensor:
    """Of clusters of the entropy's gradients by the input, the nearest to each centre in turn.

    As released, the entropy is that over the images of a batch.
    """
    axis = 0 if parameters.doubt == "as-released" else 1

    def gradient(inputs: Tensor) -> Tensor:
        return input_gradient(scene.clone, inputs, lambda logits: entropy(logits, axis)).flatten(1).cpu()

    gradients = scene.over(rows, gradient)
    drawn = torch.randperm(len(rows), generator=scene.random)[: parameters.clusters]
    distances = torch.cdist(gradients, k_means(gradients, gradients[drawn]))  # (n, clusters)
    return rows[in_turn(distances, count)]


def near_the_worst(scene: Scene, rows: Tensor, count: int, parameters: MarichSelectionParameters) -> Tensor:
    """The rows that are nearest, pixel by pixel, to one of the answered inputs with the highest loss."""
    logits = scene.over(scene.answered, scene.clone).cpu()
    losses = functional.cross_entropy(logits, scene.labels, reduction="none")
    worst = highest(scene.answered, losses, parameters.worst)
    centres = scene.pool.inputs(worst).to(scene.device).flatten(1)
    return lowest(rows, scene.over(rows, lambda inputs: torch.cdist(inputs.flatten(1), centres).amin(1)), count)


Step = Callable[[Scene, Tensor, int, MarichSelectionParameters], Tensor]
STEPS: dict[str, Step] = {"entropy": least_sure, "gradient": spread, "loss": near_the_worst}
