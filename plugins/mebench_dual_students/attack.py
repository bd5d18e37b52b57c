"""Dual students: one generator step, then five fresh batches for both."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from mebench import Attack, AttackContext, Response
from mebench.toolkit import DisagreementStrategy, PairLearner
from mebench_dual_students import DualStudentsParameters


def build(context: AttackContext, parameters: DualStudentsParameters) -> Attack:
    """Build the attack; see ``mebench info dual-students``."""
    kind = AveragingLearner if parameters.score == "ema" else PairLearner
    learner = kind(context, parameters)
    return Attack(DisagreementStrategy(context, parameters, learner, generator_loss), learner)


def generator_loss(first: Tensor, second: Tensor) -> Tensor:
    """Return minus the mean absolute difference of the (B, c) logits of both students."""
    return -(first - second).abs().mean()


class AveragingLearner(PairLearner):
    """Two students, of the first of which a moving average is scored.

    The average is the student itself until the first of its steps is due, and at that. Whole numbers among the weights,
    such as batch norm's count of batches, are the student's.

    Args:
        context: of the attack.
        parameters: of the attack.
    """

    def __init__(self, context: AttackContext, parameters: DualStudentsParameters) -> None:
        super().__init__(context, parameters, first=copy.deepcopy(context.clone))
        self._decay, self._period = parameters.ema_decay, parameters.ema_every * parameters.clone_steps
        self._turn = 0

    def learn(self, queries: Tensor, response: Response) -> None:
        """Take a step on (B, \\*shape) queries, and one of the average where it is due."""
        super().learn(queries, response)
        self._turn += 1
        if self._turn <= self._period:
            self._average(0.0)
        elif self._turn % self._period == 0:
            self._average(self._decay)

    @torch.no_grad()
    def _average(self, decay: float) -> None:
        now = self.students[0].state_dict()
        for name, mean in self.clone.state_dict().items():
            if mean.is_floating_point() and decay:
                mean.mul_(decay).add_(now[name], alpha=1 - decay)
            else:
                mean.copy_(now[name])

    def state_dict(self) -> dict[str, Any]:
        """That of the base, and the place in the turn."""
        return {**super().state_dict(), "turn": self._turn}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``."""
        super().load_state_dict(state)
        self._turn = state["turn"]
