"""Two students that learn from the same answers, so that they can be asked where they disagree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from mebench.api.contract import AttackContext, Response
from mebench.toolkit.learners.online import StepLearner
from mebench.toolkit.learners.optimizers import named_optimizer
from mebench.toolkit.losses import L1LogitLoss
from mebench.toolkit.parameters import PairParameters
from mebench.toolkit.reservoir import Ring
from mebench.toolkit.twins import twin


class PairLearner(StepLearner):
    """One step of both students per answered batch, then steps on batches of earlier answers. Since version 1.8.

    Each descends l1 between its raw logits and the victim's, recovered from probabilities, or cross-entropy to labels
    where an answer holds nothing else. The first student is the clone that is scored, unless ``first`` is given.

    Args:
        context: gives the clone, and the random streams ``twin`` and ``replay``.
        parameters: of the steps.
        replay_steps: on as many rows each as a batch has, drawn uniformly from those kept.
        kept: earlier answers at most, the last; never more than the budget.
        first: a student in place of the clone, which the subclass then has to take care of.

    Attributes:
        students: the two.
        facts: shares of the last fresh batch on which the victim's label is that of the first student
            (``member_agreement``) and of the mean of both students' probabilities (``vote_agreement``), before they
            learn from it.
    """

    def __init__(
        self,
        context: AttackContext,
        parameters: PairParameters,
        *,
        replay_steps: int = 0,
        kept: int = 1,
        first: nn.Module | None = None,
    ) -> None:
        one = context.clone if first is None else first
        self.students = (one, twin(context.clone, context.random.torch("twin", "cpu")))
        weights = [weight for student in self.students for weight in student.parameters()]
        known, rate = parameters, parameters.clone_lr
        optimizer = named_optimizer(known.clone_optimizer, weights, rate, known.momentum, known.weight_decay)
        super().__init__(context, optimizer, known.schedule(rate))
        self._loss = L1LogitLoss(context.channel.probability_floor, "raw")
        self._batch_size, self._replay_steps, self._device = known.batch_size, replay_steps, context.device
        self.ring = Ring(min(kept, context.budget), context.random.torch("replay", "cpu"))
        self.passes = 6.0 * (2 + replay_steps)  # two students, forward and back; a generator step counts as one
        self.facts: dict[str, Tensor] = {}

    def batch_loss(self, logits: Tensor, response: Response) -> Tensor:
        """Return what one student descends, from its (B, c) logits."""
        if response.probabilities is None:
            return functional.cross_entropy(logits, response.labels)
        return self._loss.mean(response.probabilities, logits)

    def learn(self, queries: Tensor, response: Response) -> None:
        """Take a step on (B, \\*shape) queries, and the steps on earlier ones."""
        self.set_progress(response.progress)
        told = [values for values in (response.labels, response.probabilities) if values is not None]
        if self._replay_steps:
            self.ring.add(queries, *told)
        logits = self._step(queries, response)
        first, second = (torch.softmax(one, 1) for one in logits)
        votes = {"member_agreement": first, "vote_agreement": first + second}
        self.facts = {name: (one.argmax(1) == response.labels).float().mean() for name, one in votes.items()}
        for _ in range(self._replay_steps):
            inputs, labels, *shares = self.ring.draw(self._batch_size)
            self._step(inputs, Response(labels, shares[0] if shares else None))

    def _step(self, queries: Tensor, response: Response) -> list[Tensor]:
        """One step of both, in train mode; returns their logits before it."""
        for student in self.students:
            student.train()
        self.optimizer.zero_grad(set_to_none=True)
        logits = [student(queries) for student in self.students]
        torch.stack([self.batch_loss(one, response) for one in logits]).sum().backward()
        self.optimizer.step()
        return [one.detach() for one in logits]

    def state_dict(self) -> dict[str, Any]:
        """Clone, students, optimiser, what is kept of earlier answers, and the facts."""
        return {
            **super().state_dict(),
            "students": [student.state_dict() for student in self.students],
            "ring": self.ring.state_dict(),
            "facts": dict(self.facts),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``."""
        super().load_state_dict(state)
        for student, known in zip(self.students, state["students"], strict=True):
            student.load_state_dict(known)
        self.ring.load_state_dict(state["ring"], self._device)
        self.facts = {name: value.to(self._device) for name, value in state["facts"].items()}
