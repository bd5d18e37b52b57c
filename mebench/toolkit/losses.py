"""Losses between a victim's probabilities and a clone's logits; the clone descends, a generator ascends.

Every loss is a function of the *probabilities*, since that is what a channel gives. Values below the channel's floor
(an underflowed or rounded zero) count as the floor, and pass no gradient.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from mebench.api.contract import AttackContext
from mebench.toolkit.parameters import LossParameters

ClonedLogits = Literal["centred", "raw"]


class ExtractionLoss(ABC):
    """A differentiable loss per query.

    Args:
        floor: the smallest probability that a returned zero may stand for, `ResponseChannel.probability_floor`.
    """

    def __init__(self, floor: float = 1e-37) -> None:
        self.floor = floor

    @abstractmethod
    def per_query(self, probabilities: Tensor, clone_logits: Tensor) -> Tensor:
        """Return the loss of each query, (B,), from (B, c) probabilities and (B, c) clone logits."""

    def mean(self, probabilities: Tensor, clone_logits: Tensor) -> Tensor:
        """Return the mean over queries, a scalar."""
        return self.per_query(probabilities, clone_logits).mean()


class L1LogitLoss(ExtractionLoss):
    """Mean absolute difference of logits, the victim's recovered from its probabilities (DFME; MEGEX, section 3.3).

    The recovered logits are those of `recovered_logits`.

    Args:
        clone_logits: ``centred`` subtracts the clone's mean as well, as MEGEX defines the loss; ``raw`` does not, as
            the released DFME program does.
    """

    def __init__(self, floor: float = 1e-37, clone_logits: ClonedLogits = "centred") -> None:
        super().__init__(floor)
        self.clone_logits = clone_logits

    def per_query(self, probabilities: Tensor, clone_logits: Tensor) -> Tensor:
        """Return the loss of each query, (B,)."""
        recovered = recovered_logits(probabilities, self.floor)
        if self.clone_logits == "centred":
            clone_logits = centred(clone_logits)
        return (recovered - clone_logits).abs().mean(1)


class KLLoss(ExtractionLoss):
    """Kullback-Leibler divergence from victim to clone, sum_j p_j log(p_j / q_j) (DFME; MEGEX, section 3.3)."""

    def per_query(self, probabilities: Tensor, clone_logits: Tensor) -> Tensor:
        """Return the loss of each query, (B,)."""
        log_ratio = probabilities.clamp_min(self.floor).log() - functional.log_softmax(clone_logits, dim=1)
        return (probabilities * log_ratio).sum(1)


def extraction_loss(context: AttackContext, parameters: LossParameters) -> ExtractionLoss:
    """The loss that an attack's parameters choose, with the floor of its channel. Since version 1.5."""
    return make_loss(parameters.loss, context.channel.probability_floor, parameters.clone_logits)


def make_loss(name: str, floor: float, clone_logits: ClonedLogits = "centred") -> ExtractionLoss:
    """The loss called ``l1`` or ``kl``."""
    if name == "kl":
        return KLLoss(floor)
    return L1LogitLoss(floor, clone_logits)


def centred(logits: Tensor) -> Tensor:
    """Return (B, c) logits minus their mean over classes."""
    return logits - logits.mean(1, keepdim=True)


def recovered_logits(probabilities: Tensor, floor: float) -> Tensor:
    """Return the logits whose mean over classes is 0, v = log p - mean_j log p_j, (B, c). Since version 1.8.

    Args:
        probabilities: (B, c); what is below the floor counts as the floor, and passes no gradient.
        floor: the smallest probability that a returned zero may stand for.
    """
    return centred(probabilities.clamp_min(floor).log())


def entropy(logits: Tensor, axis: int = 1) -> Tensor:
    """Return the entropy of softmaxes along an axis, in nats: (B,) from (B, c) logits. Since version 1.8.

    It has a finite gradient where a softmax is certain.
    """
    log_p = functional.log_softmax(logits, axis)
    return (-log_p.exp() * log_p).sum(axis)


def loss_derivatives(
    loss: ExtractionLoss, probabilities: Tensor, clone: torch.nn.Module, inputs: Tensor
) -> tuple[Tensor, Tensor]:
    """Return the two factors of MEGEX, eq. (5), that the attacker computes alone.

    Args:
        loss: l(y, yhat).
        probabilities: the victim's answers y, (B, c).
        clone: returns logits; its parameters get no gradients.
        inputs: the queries x, (B, \\*shape).

    Returns:
        d l / d y, (B, c), the weights of the victim's explanation; and the clone's part of d l / d x, (B, \\*shape).
    """
    inputs = inputs.detach().requires_grad_()
    probabilities = probabilities.detach().requires_grad_()
    total = loss.per_query(probabilities, clone(inputs)).sum()
    weights, through_clone = torch.autograd.grad(total, (probabilities, inputs))
    return weights, through_clone
