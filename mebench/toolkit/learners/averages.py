"""A moving average of a network's weights."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

MOST_DECAY = 0.999


def moving_average(network: nn.Module, optimizer: torch.optim.Optimizer) -> AveragedModel:
    """Average a network's weights and buffers over all steps that an optimiser takes from now on. Since version 1.8.

    The decay of step t is min(0.999, (1 + t) / (10 + t)), so that the average forgets where it began. What is not
    floating point is as in the last step.

    Args:
        network: is left as it is; the average is a copy, in ``module`` of what is returned.
        optimizer: of the network's weights.
    """
    average = AveragedModel(network, avg_fn=_averaged, use_buffers=True)
    optimizer.register_step_post_hook(lambda *_: average.update_parameters(network))
    return average


def _averaged(average: Tensor, now: Tensor, count: Tensor | int) -> Tensor:
    decay = min(MOST_DECAY, (1 + float(count)) / (10 + float(count)))
    return decay * average + (1 - decay) * now if average.is_floating_point() else now
