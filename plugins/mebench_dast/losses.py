"""The two losses of DaST's released MNIST program."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from mebench import Response


def imitation_loss(logits: Tensor, response: Response, beta: float) -> Tensor:
    """What the clone descends: cross-entropy with the victim's labels + beta * mean squared error of probabilities.

    Args:
        logits: the clone's, (B, c).
        response: the victim's answers, constants; the second term is left out where they are labels alone.
        beta: weight of the second term, a mean over batch and classes.

    Returns:
        A scalar >= 0.
    """
    loss = functional.cross_entropy(logits, response.labels)
    if beta and response.probabilities is not None:
        loss = loss + beta * functional.mse_loss(torch.softmax(logits, 1), response.probabilities)
    return loss


def generator_loss(imitation: Tensor, diversity: Tensor, alpha: Tensor) -> Tensor:
    """What the generator descends: exp(-imitation) + alpha * diversity, a scalar.

    The first term falls where the clone is wrong about the victim's answer, the second where the clone takes an image
    for the class of its branch.
    """
    return torch.exp(-imitation) + alpha * diversity
