"""MARICH's rounds: which inputs of the pool are asked, and what the attack is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from mebench import Attack, AttackContext, ConfigurationError, Oracle, QueryStrategy, Response
from mebench.toolkit import pool_of
from mebench_marich import MarichParameters, MarichSelectionParameters
from mebench_marich.learner import TrainedOn
from mebench_marich.steps import STEPS, Scene

HoldOut = Callable[[Tensor, Response], None]


def build(context: AttackContext, parameters: MarichParameters) -> Attack:
    """Build the attack; see ``mebench info marich``."""
    learner = TrainedOn(context, parameters)
    return Attack(MarichStrategy(context, parameters, parameters.validation, learner.hold_out), learner)


def strategy(context: AttackContext, parameters: MarichSelectionParameters) -> QueryStrategy:
    """Build the strategy alone, for any learner: nothing is asked for validation."""
    return MarichStrategy(context, parameters)


def round_sizes(budget: int, seed_share: float, rounds: int, growth: float) -> list[int]:
    """Divide a budget into a start and rounds that grow; sums up to the budget, none is 0.

    Args:
        budget: at least 1.
        seed_share: of the budget, for the start; at least one query.
        rounds: at most; fewer where there are fewer queries.
        growth: of a round over the one before.
    """
    seed = min(max(1, round(seed_share * budget)), budget)
    weights = torch.tensor([growth ** (number - rounds) for number in range(rounds)], dtype=torch.float64)  # at most 1
    ends = (weights.cumsum(0) / weights.sum() * (budget - seed)).round().long().tolist()
    sizes = [seed, *(end - begin for begin, end in zip([0, *ends], ends, strict=False))]
    return [size for size in sizes if size]


class MarichStrategy(QueryStrategy):
    """Ask a random start, then in each round what a chain of steps leaves of the pool.

    Args:
        context: gives the pool and the random streams ``pool`` and ``selection``.
        parameters: of the choice.
        validation: random queries that are asked first; not beyond half the budget.
        hold_out: takes them with their answers.

    Raises:
        ConfigurationError: there is no pool, or its inputs are words, which have no gradients.
    """

    def __init__(
        self,
        context: AttackContext,
        parameters: MarichSelectionParameters,
        validation: int = 0,
        hold_out: HoldOut | None = None,
    ) -> None:
        self._pool, self._device, self._parameters = pool_of(context), context.device, parameters
        if context.spec.discrete:
            raise ConfigurationError("marich: compares pixels and differentiates by them, which words cannot be")
        count = min(context.budget, len(self._pool))
        self._validation, self._hold_out = min(validation, count // 2), hold_out
        rounds = parameters.seed_share, parameters.rounds, parameters.growth
        self._sizes = round_sizes(count - self._validation, *rounds)
        self.random = context.random.torch("selection", "cpu")
        self._order = torch.randperm(len(self._pool), generator=context.random.torch("pool", "cpu"))
        self._open = torch.ones(len(self._pool), dtype=torch.bool)
        self._asked = self._labels = torch.empty(0, dtype=torch.int64)
        self._round = 0

    def propose(self, oracle: Oracle, clone: nn.Module) -> Tensor:
        """Return the next round's inputs, the start first; none once all rounds are asked."""
        if self._round == len(self._sizes):
            return self._inputs(self._order[:0])
        k = min(self._sizes[self._round], oracle.remaining)
        if self._round:
            rows = self._choose(clone, k)
        else:
            self._validate(oracle)
            rows = self._order[self._validation : self._validation + k]
        self._round += 1
        self._open[rows] = False
        self._asked = torch.cat([self._asked, rows])
        return self._inputs(rows)

    def _validate(self, oracle: Oracle) -> None:
        if self._validation and self._hold_out:
            rows = self._order[: self._validation]
            self._open[rows] = False
            self._hold_out(self._inputs(rows), oracle.query(self._inputs(rows), purpose="validation"))

    def _choose(self, clone: nn.Module, k: int) -> Tensor:
        """Narrow the open rows down, step by step, to k."""
        chosen, parameters = self._open.nonzero().view(-1), self._parameters
        scene = Scene(clone, self._pool, self._device, self._asked, self._labels, self.random, parameters)
        if not parameters.steps:
            return chosen[torch.randperm(len(chosen), generator=self.random)[:k]]
        for number, step in enumerate(parameters.steps, 1):
            later = len(parameters.steps) - number
            count = min(len(chosen), round(k / parameters.kept**later))
            chosen = STEPS[step](scene, chosen, count)
        return chosen

    def observe(self, queries: Tensor, response: Response, clone: nn.Module) -> None:
        """Keep the labels, to find out later which of them the clone has worst."""
        self._labels = torch.cat([self._labels, response.labels.cpu()])

    def _inputs(self, rows: Tensor) -> Tensor:
        return self._pool.inputs(rows).to(self._device)

    def state_dict(self) -> dict[str, Any]:
        """The random order, what of the pool was asked with which answers, and the round."""
        asked = {"order": self._order, "open": self._open.clone(), "asked": self._asked}
        return asked | {"labels": self._labels, "round": self._round}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``."""
        self._order, self._open, self._asked = state["order"], state["open"].clone(), state["asked"]
        self._labels, self._round = state["labels"], state["round"]
