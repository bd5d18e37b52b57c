"""``int``: the attack on Integrated Gradients (section 4.2 of the paper), as printed and repaired."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from mebench import Attack, AttackContext, ConfigurationError, Oracle
from mebench.toolkit import (
    ExtractionLoss,
    ImageGradientStrategy,
    OnlineLearner,
    extraction_loss,
    loss_derivatives,
)
from mebench_xai import IntParameters
from mebench_xai.reconstructions import RECONSTRUCTIONS


def build(context: AttackContext, parameters: IntParameters) -> Attack:
    """Build the attack; see ``mebench info int``.

    Raises:
        ConfigurationError: the channel does not give Integrated Gradients, or ``best`` cannot ask it.
    """
    if "integrated" not in context.channel.gives:
        name = context.channel.name
        raise ConfigurationError(f"int: it undoes Integrated Gradients; use channel ig instead of {name}")
    loss = extraction_loss(context, parameters)
    return Attack(IntegratedStrategy(context, loss, parameters), OnlineLearner(context, loss, parameters))


class IntegratedStrategy(ImageGradientStrategy):
    """Generator steps along gradients that are reconstructed from two explained queries per image.

    Args:
        context, loss: of every generator attack.
        parameters: of the attack.
    """

    def __init__(self, context: AttackContext, loss: ExtractionLoss, parameters: IntParameters) -> None:
        self._reconstruction = RECONSTRUCTIONS[parameters.reconstruction](context, parameters.alpha)
        super().__init__(context, loss, parameters, parameters.schedule(parameters.generator_lr))

    @property
    def step_cost(self) -> int:
        """2 B, since one gradient takes two queries (section 4.2), and what is asked once in a trial."""
        return 2 * self._batch_size + self._reconstruction.preparation

    def image_gradient(self, images: Tensor, oracle: Oracle, clone: nn.Module) -> Tensor:
        """Return the reconstructed d L / d x, (B, \\*shape)."""
        self._reconstruction.prepare(oracle, images)
        images = self._reconstruction.first(images)
        first = oracle.query(images, purpose="explore", explain=True)
        second = oracle.query(self._reconstruction.second(images), purpose="explore", explain=True)
        assert first.probabilities is not None
        weights, through_clone = loss_derivatives(self._loss, first.probabilities, clone, images)
        return self._reconstruction.gradient(first, second, images, weights) + through_clone

    def state_dict(self) -> dict[str, Any]:
        """That of every generator strategy, and what was asked once."""
        return super().state_dict() | {"reconstruction": self._reconstruction.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``."""
        super().load_state_dict(state)
        self._reconstruction.load_state_dict(state["reconstruction"], self._device)
