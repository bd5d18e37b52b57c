"""``default-grad``: the generator and the clone see logits and exact gradients. White-box distillation, no attack."""

from __future__ import annotations

from dataclasses import replace

from torch import Tensor, nn
from torch.nn import functional

from mebench import Attack, AttackContext, Oracle, Response
from mebench.toolkit import (
    ExtractionLoss,
    ImageGradientStrategy,
    L1LogitLoss,
    OnlineLearner,
    centred,
    extraction_loss,
    loss_derivatives,
)
from mebench_xai import DefaultGradParameters


def build(context: AttackContext, parameters: DefaultGradParameters) -> Attack:
    """Build the attack; see ``mebench info default-grad``."""
    loss = extraction_loss(context, parameters)
    strategy = WhiteBoxStrategy(context, loss, parameters, parameters.schedule(parameters.generator_lr))
    return Attack(strategy, LogitLearner(context, OnLogits(loss), parameters))


class OnLogits(ExtractionLoss):
    """A loss of mebench on the victim's logits, so that no probability can underflow.

    Args:
        loss: `L1LogitLoss` or `KLLoss`.
    """

    def __init__(self, loss: ExtractionLoss) -> None:
        super().__init__(loss.floor)
        self._loss = loss

    def per_query(self, logits: Tensor, clone_logits: Tensor) -> Tensor:
        """Return the loss of each query, (B,), from (B, c) logits of victim and clone."""
        if isinstance(self._loss, L1LogitLoss):
            mine = centred(clone_logits) if self._loss.clone_logits == "centred" else clone_logits
            return (centred(logits) - mine).abs().mean(1)
        log_p, log_q = functional.log_softmax(logits, 1), functional.log_softmax(clone_logits, 1)
        return functional.kl_div(log_q, log_p, reduction="none", log_target=True).sum(1)


class WhiteBoxStrategy(ImageGradientStrategy):
    """Generator steps along the exact gradient."""

    def image_gradient(self, images: Tensor, oracle: Oracle, clone: nn.Module) -> Tensor:
        """Return d L / d x through victim and clone, (B, \\*shape)."""
        response = oracle.query(images, purpose="explore", explain=True)
        assert response.logits is not None
        assert response.explanation is not None
        weights, through_clone = loss_derivatives(OnLogits(self._loss), response.logits, clone, images)
        return response.explanation.vjp(weights) + through_clone


class LogitLearner(OnlineLearner):
    """One SGD step per answered batch, on logits."""

    def learn(self, queries: Tensor, response: Response) -> None:
        """Take one step on (B, \\*shape) queries with logits."""
        super().learn(queries, replace(response, probabilities=response.logits))
