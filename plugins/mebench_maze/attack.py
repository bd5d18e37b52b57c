"""MAZE, Algorithm 1: a zeroth-order generator step whose own answers are the clone's first batch."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from mebench import Attack, AttackContext, Oracle
from mebench.toolkit import ExtractionLoss, GeneratorParameters, KLLoss, ZerothOrderStrategy, cosine_schedule
from mebench_maze import MazeParameters
from mebench_maze.learner import Handover, ReplayLearner


def build(context: AttackContext, parameters: MazeParameters) -> Attack:
    """Build the attack; see ``mebench info maze``."""
    loss, handover = KLLoss(context.channel.probability_floor), Handover()
    strategy = HandoverStrategy(context, loss, parameters, handover)
    return Attack(strategy, ReplayLearner(context, loss, parameters, handover))


class HandoverStrategy(ZerothOrderStrategy):
    """Zeroth-order generator steps that hand the batch they start from, with its answers, to the learner.

    The clone learns from that batch, so it is asked as a training query; only the moved images explore. One iteration
    costs B (N_G (m + 1) + N_C - 1).

    Args:
        context, loss: of every generator attack.
        parameters: of the attack.
        handover: shared with the learner.
    """

    def __init__(
        self, context: AttackContext, loss: ExtractionLoss, parameters: MazeParameters, handover: Handover
    ) -> None:
        generator = GeneratorParameters(
            batch_size=parameters.batch_size,
            noise_dim=parameters.noise_dim,
            generator_width=parameters.generator_width,
            generator_steps=parameters.generator_steps,
            clone_steps=parameters.fresh_batches,
        )
        sgd = partial(torch.optim.SGD, momentum=parameters.momentum, weight_decay=parameters.weight_decay)
        super().__init__(
            context,
            loss,
            generator,
            cosine_schedule(parameters.generator_lr),
            directions=parameters.directions,
            step_size=parameters.step_size,
            optimizer=sgd,
            affine=True,
        )
        self.handover = handover
        self._facts: dict[str, Tensor] = {}

    def base_answers(self, images: Tensor, oracle: Oracle) -> Tensor:
        """Return the victim's probabilities (B, c), and keep them for the learner."""
        response = oracle.query(images, purpose="train")
        self.handover.batch = images, response
        assert response.probabilities is not None
        return response.probabilities

    def loss_gradient(self, raw: Tensor, oracle: Oracle, clone: nn.Module) -> Tensor:
        """Return the estimate, and note its length and the disagreement that it ascends."""
        gradient = super().loss_gradient(raw, oracle, clone)
        assert self.handover.batch is not None
        images, response = self.handover.batch
        assert response.probabilities is not None
        with torch.no_grad():
            disagreement = self._loss.mean(response.probabilities, clone(images))
        self._facts["disagreement"] = disagreement
        self._facts["estimate_norm"] = gradient.flatten(1).norm(dim=1).mean()
        return gradient

    def diagnostics(self) -> Mapping[str, float | None]:
        """Facts of the last generator step.

        ``disagreement``: KL divergence of victim and clone on its batch in nats, before the clone learns from it;
        ``estimate_norm``: mean length of the gradient estimate per image.
        """
        return {name: float(value) for name, value in self._facts.items()}

    def state_dict(self) -> dict[str, Any]:
        """That of the base, and the facts."""
        return {**super().state_dict(), "facts": dict(self._facts)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``."""
        super().load_state_dict(state)
        self._facts = {name: value.to(self._device) for name, value in state["facts"].items()}
