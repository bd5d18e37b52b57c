"""The clone's side of a MAZE iteration: the generator's batch, fresh batches, then stored ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from mebench import AttackContext, Response
from mebench.toolkit import ExtractionLoss, Reservoir, StepLearner, cosine_schedule
from mebench_maze import MazeParameters


@dataclass
class Handover:
    """What the strategy's last generator step learnt, until the learner takes it, in the same turn.

    Attributes:
        batch: images (B, \\*shape) and the victim's answer to them; None once it is taken.
    """

    batch: tuple[Tensor, Response] | None = None

    def take(self) -> tuple[Tensor, Response] | None:
        """Return the batch, once."""
        batch, self.batch = self.batch, None
        return batch


class ReplayLearner(StepLearner):
    """N_C clone steps per iteration, the first on the handed-over batch, then N_R steps on stored batches.

    The last of an iteration's proposals is stored.

    Args:
        context: gives the clone and the random stream ``replay``.
        loss: between answers and clone.
        parameters: of the attack.
        handover: shared with the strategy.
    """

    def __init__(
        self,
        context: AttackContext,
        loss: ExtractionLoss,
        parameters: MazeParameters,
        handover: Handover,
    ) -> None:
        rate, momentum, decay = parameters.clone_lr, parameters.momentum, parameters.weight_decay
        optimizer = torch.optim.SGD(context.clone.parameters(), rate, momentum, weight_decay=decay)
        super().__init__(context, optimizer, cosine_schedule(rate))
        self._loss, self._parameters, self.handover = loss, parameters, handover
        self.store = Reservoir(parameters.replay_size, context.random.torch("replay", "cpu"))
        self._device = context.device
        self._turn = 0

    def batch_loss(self, logits: Tensor, response: Response) -> Tensor:
        """Return the mean loss; the channel must give probabilities."""
        assert response.probabilities is not None
        return self._loss.mean(response.probabilities, logits)

    def learn(self, queries: Tensor, response: Response) -> None:
        """Take a step on the handed-over batch if there is one, on (B, \\*shape) queries, and at times on stored ones.

        All steps of a turn have the learning rate of ``response.progress``.
        """
        self.set_progress(response.progress)
        handed_over = self.handover.take()
        if handed_over is not None:
            self.step(*handed_over)
        self.step(queries, response)
        self._turn += 1
        if self._parameters.replay_steps and self._turn % self._parameters.fresh_batches == 0:
            self._replay(queries, response)

    def _replay(self, queries: Tensor, response: Response) -> None:
        assert response.probabilities is not None
        self.store.add(queries, response.labels, response.probabilities)
        for _ in range(self._parameters.replay_steps):
            inputs, labels, probabilities = self.store.draw(len(queries))
            self.step(inputs, Response(labels, probabilities))

    def state_dict(self) -> dict[str, Any]:
        """Clone, optimiser, store and the place in the iteration. Between turns nothing is being handed over."""
        return {**super().state_dict(), "store": self.store.state_dict(), "turn": self._turn}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``."""
        super().load_state_dict(state)
        self.store.load_state_dict(state["store"], self._device)
        self._turn = state["turn"]
