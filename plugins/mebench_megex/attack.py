"""MEGEX, Algorithm 1: the gradient of the loss is contracted from the victim's explanations."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from mebench import Attack, AttackContext, ConfigurationError, Oracle, Response
from mebench.toolkit import (
    ExtractionLoss,
    ImageGradientStrategy,
    OnlineLearner,
    centred,
    extraction_loss,
    loss_derivatives,
)
from mebench_megex import ExplainedGeneratorParameters, MegexParameters

Contraction = Callable[[ExtractionLoss, Response, nn.Module, Tensor], Tensor]


def build(context: AttackContext, parameters: MegexParameters) -> Attack:
    """Build the attack; see ``mebench info megex``."""
    loss = extraction_loss(context, parameters)
    return Attack(ExplanationStrategy(context, loss, parameters), OnlineLearner(context, loss, parameters))


class ExplanationStrategy(ImageGradientStrategy):
    """Generator steps from explanations; B queries each.

    Args:
        context, loss: of every generator attack.
        parameters: of the attack, or of the strategy alone.

    Raises:
        ConfigurationError: the printed formula is asked for of another loss than l1.
    """

    def __init__(
        self,
        context: AttackContext,
        loss: ExtractionLoss,
        parameters: MegexParameters | ExplainedGeneratorParameters,
    ) -> None:
        if parameters.contraction == "as-printed" and parameters.loss != "l1":
            raise ConfigurationError("megex: contraction: only the printed formula of l1 differs; use loss: l1")
        super().__init__(context, loss, parameters, parameters.schedule(parameters.generator_lr))
        as_printed = parameters.contraction == "as-printed"
        self._contract: Contraction = contraction_as_printed if as_printed else contraction

    def image_gradient(self, images: Tensor, oracle: Oracle, clone: nn.Module) -> Tensor:
        """Return d L / d x, exactly (MEGEX, Proposition 2)."""
        response = oracle.query(images, purpose="explore", explain=True)
        return self._contract(self._loss, response, clone, images)


def contraction(loss: ExtractionLoss, response: Response, clone: nn.Module, images: Tensor) -> Tensor:
    """Return d L / d x = (d l / d y) . VG(x) + (d l / d yhat) . d fhat / d x (MEGEX, eq. 5), (B, \\*shape).

    For l1 the weights of the victim's explanation come out as (s_k - mean(s)) / f_k with s = sign(v - vhat), which is
    the correct form of Example 3. Any almost everywhere differentiable loss will do. Where the channel explains
    logits instead of probabilities, the weights are first pulled back through the softmax.
    """
    probabilities, explanation = response.probabilities, response.explanation
    assert probabilities is not None
    assert explanation is not None
    weights, through_clone = loss_derivatives(loss, probabilities, clone, images)
    if explanation.score == "logit":
        scaled = weights * probabilities
        weights = scaled - probabilities * scaled.sum(1, keepdim=True)
    return explanation.vjp(weights) + through_clone


def contraction_as_printed(loss: ExtractionLoss, response: Response, clone: nn.Module, images: Tensor) -> Tensor:
    """Return what Example 3 of the paper prints for l1, for comparison: it is not the gradient.

    It has (1/f_i - A) grad f_i with the scalar A = mean_j 1/f_j where the derivative of the mean logit,
    mean_j grad f_j / f_j, belongs. Divided by the number of classes, as the loss here is a mean over them.
    """
    probabilities, explanation = response.probabilities, response.explanation
    assert probabilities is not None
    assert explanation is not None
    if explanation.score == "logit":
        raise ConfigurationError("megex: contraction as-printed is for channels that explain probabilities")
    images = images.detach().requires_grad_()
    logits = clone(images)
    imitated = torch.softmax(logits, dim=1)
    recovered = centred(probabilities.clamp_min(loss.floor).log())
    sign = torch.sign(recovered - centred(torch.log_softmax(logits, dim=1))).detach()
    (through_clone,) = torch.autograd.grad(imitated, images, -sign * _printed_factor(imitated.detach(), loss.floor))
    through_victim = explanation.vjp(sign * _printed_factor(probabilities, loss.floor))
    gradient: Tensor = (through_victim + through_clone) / logits.shape[1]
    return gradient


def _printed_factor(probabilities: Tensor, floor: float) -> Tensor:
    inverse = 1 / probabilities.clamp_min(floor)
    return inverse - (inverse / inverse.shape[1]).sum(1, keepdim=True)
