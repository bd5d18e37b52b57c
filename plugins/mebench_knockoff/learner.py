"""The clone of the adaptive policy: it keeps step with the answers, and is fitted from scratch when all are there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor
from torch.nn import functional

from mebench import AttackContext, Response
from mebench.toolkit import FitLearner, FitParameters, Schedule


class OnlineThenFit(FitLearner):
    """One step on every answered batch, so that the policy can see the clone's loss; one fit on everything at the end.

    The end is the last query that budget and pool allow.

    Args:
        context: gives the clone, the budget and the pool.
        parameters, schedule: of the fit; steps take the fit's optimiser at its first rate.
    """

    def __init__(self, context: AttackContext, parameters: FitParameters, schedule: Schedule) -> None:
        super().__init__(context, parameters, schedule=schedule)
        assert context.pool is not None
        self._end = min(context.budget, len(context.pool))
        self._answered = 0
        self._online = self.make_optimizer()

    def learn(self, queries: Tensor, response: Response) -> None:
        """Take one step on (B, \\*shape) queries, or, with the last of them, fit anew on all."""
        self.remember(queries, response)
        before, self._answered = self._answered, self._answered + len(queries)
        if before < self._end <= self._answered:
            self.refit()
        else:
            self._step(queries, self.target(response))

    def _step(self, queries: Tensor, target: Tensor) -> None:
        self.clone.train()
        self._online.zero_grad(set_to_none=True)
        functional.cross_entropy(self.clone(queries), target).backward()
        self._online.step()

    def state_dict(self) -> dict[str, Any]:
        """What `FitLearner` keeps, the number of answers and the optimiser of the steps."""
        return {**super().state_dict(), "answered": self._answered, "online": self._online.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``."""
        super().load_state_dict(state)
        self._answered = state["answered"]
        self._online.load_state_dict(state["online"])
