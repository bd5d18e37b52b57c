"""The clone's side of a MAZE iteration: the generator's batch, fresh batches, then stored ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from mebench import AttackContext, Response
from mebench.toolkit import ExtractionLoss, OnlineLearner, Reservoir


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


class ReplayLearner(OnlineLearner):
    """N_C clone steps per iteration, the first on the handed-over batch, then N_R steps on stored batches.

    Args:
        context: gives the clone and the random stream ``replay``.
        loss: between answers and clone.
        handover: shared with the strategy.
        fresh_batches: proposals per iteration, N_C - 1; the last of them is stored.
        replay_steps: N_R.
        replay_size: most images in the store.
        options: of `OnlineLearner`.
    """

    def __init__(
        self,
        context: AttackContext,
        loss: ExtractionLoss,
        handover: Handover,
        *,
        fresh_batches: int,
        replay_steps: int,
        replay_size: int,
        **options: Any,
    ) -> None:
        super().__init__(context, loss, **options)
        self._handover, self._fresh_batches, self._replay_steps = handover, fresh_batches, replay_steps
        self._store = Reservoir(replay_size, context.random.torch("replay", "cpu"))
        self._device = context.device
        self._turn = 0

    def learn(self, queries: Tensor, response: Response) -> None:
        """Take a step on the handed-over batch if there is one, on (B, \\*shape) queries, and at times on stored ones.

        All steps of a turn have the learning rate of ``response.progress``.
        """
        self.set_progress(response.progress)
        handed_over = self._handover.take()
        if handed_over is not None:
            self.step(*handed_over)
        self.step(queries, response)
        self._turn += 1
        if self._replay_steps and self._turn % self._fresh_batches == 0:
            self._replay(queries, response)

    def _replay(self, queries: Tensor, response: Response) -> None:
        assert response.probabilities is not None
        self._store.add(queries, response.labels, response.probabilities)
        for _ in range(self._replay_steps):
            inputs, labels, probabilities = self._store.draw(len(queries))
            self.step(inputs, Response(labels, probabilities))

    def state_dict(self) -> dict[str, Any]:
        """Clone, optimiser, store and the place in the iteration. Between turns nothing is being handed over."""
        return {**super().state_dict(), "store": self._store.state_dict(), "turn": self._turn}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``."""
        super().load_state_dict(state)
        self._store.load_state_dict(state["store"], self._device)
        self._turn = state["turn"]
