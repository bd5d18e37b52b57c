"""The adaptive policy: which part of the pool to ask next is learnt from the answers."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from mebench import AttackContext, ConfigurationError, Oracle, QueryStrategy, Response
from mebench.toolkit import evaluating, pool_of
from mebench_knockoff import PolicyParameters
from mebench_knockoff.bandit import REWARDS, Answered, GradientBandit, Surprise
from mebench_knockoff.clusters import group_pool


class AdaptivePolicy(QueryStrategy):
    """Draw a cluster of the pool by the bandit's probabilities and ask an image of it, none twice.

    Args:
        context: gives the pool and the random stream ``policy``.
        parameters: of the policy. The actions of a turn are drawn before any of its answers is known.

    Raises:
        ConfigurationError: there is no pool, it is empty, or it is of texts.
    """

    def __init__(self, context: AttackContext, parameters: PolicyParameters) -> None:
        self._pool = pool_of(context)
        if context.spec.discrete:
            raise ConfigurationError("knockoff's adaptive policy clusters images: on texts, use `policy: random`")
        self._device, self._classes = context.device, context.spec.num_classes
        self.random = context.random.torch("policy", "cpu")
        self._rewards, self._turn_size = parameters.rewards.split("+"), parameters.turn_size
        self.groups = group_pool(self._pool, parameters.clusters, self.random)
        self._asked = [0] * len(self.groups)
        self.bandit = GradientBandit(len(self.groups))
        self.surprise = Surprise(parameters.window)
        self._answers: deque[Tensor] = deque(maxlen=parameters.window)
        self._actions: list[int] = []  # of the turn that waits for its answers
        self._expected = torch.empty(0)

    def propose(self, oracle: Oracle, clone: nn.Module) -> Tensor:
        """Return an image for each of the next actions; none once the pool is exhausted."""
        rows = self._draw(min(self._turn_size, oracle.remaining))
        queries = self._pool.inputs(rows).to(self._device)
        if rows:
            with evaluating(clone), torch.no_grad():
                self._expected = functional.log_softmax(clone(queries), 1).double().cpu()
        return queries

    def _draw(self, count: int) -> list[int]:
        self._actions, rows = [], []
        for _ in range(count):
            left = torch.tensor([asked < len(g) for asked, g in zip(self._asked, self.groups, strict=True)])
            if not left.any():
                break
            probabilities = self.bandit.probabilities(left)
            action = int(torch.multinomial(probabilities, 1, generator=self.random))
            rows.append(int(self.groups[action][self._asked[action]]))
            self._asked[action] += 1
            self._actions.append(action)
        return rows

    def observe(self, queries: Tensor, response: Response, clone: nn.Module) -> None:
        """Pay the bandit for each answer, in the order in which they were asked."""
        for action, victim, expected in zip(self._actions, self._told(response), self._expected, strict=True):
            past = torch.stack(tuple(self._answers)).mean(0) if self._answers else torch.zeros_like(victim)
            answer = Answered(victim, expected, past)
            self.bandit.update(action, self.surprise.of([REWARDS[name](answer) for name in self._rewards]))
            self._answers.append(victim)

    def _told(self, response: Response) -> Tensor:
        """The answers as distributions, (B, c) float64 on the CPU."""
        told = response.probabilities
        if told is None:
            told = functional.one_hot(response.labels, self._classes)
        return told.double().cpu()

    def diagnostics(self) -> Mapping[str, float | None]:
        """How far the policy is from uniform: its entropy as a fraction of the largest, and its largest share."""
        shares = self.bandit.probabilities()
        most = math.log(len(shares))
        entropy = float(torch.special.entr(shares).sum())
        return {"policy_entropy": entropy / most if most else None, "policy_largest_share": float(shares.max())}

    def state_dict(self) -> dict[str, Any]:
        """The clusters and the places in them, the bandit, and what counts as recent."""
        return {
            "groups": list(self.groups),
            "asked": list(self._asked),
            "bandit": self.bandit.state_dict(),
            "rewards": list(self.surprise.past),
            "answers": list(self._answers),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``."""
        self.groups, self._asked = list(state["groups"]), list(state["asked"])
        self.bandit.load_state_dict(state["bandit"])
        self.surprise.past.extend(state["rewards"])
        self._answers.extend(state["answers"])
