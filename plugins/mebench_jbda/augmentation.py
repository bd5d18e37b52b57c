"""Jacobian-based data set augmentation: new queries a step away from answered ones, where the clone changes most."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from mebench import AttackContext, ConfigurationError, Oracle, QueryStrategy, Response
from mebench.toolkit import input_gradient, pool_of
from mebench_jbda import AugmentationParameters

_CHUNK = 256


def jacobian_signs(clone: nn.Module, inputs: Tensor, labels: Tensor) -> Tensor:
    """Return the sign of d S_y(x) / d x, (B, \\*shape) of -1, 0 and 1.

    S is the clone's softmax. The derivative of its log-odds, log S_y - log(1 - S_y), has the same sign, and does not
    vanish where the clone is certain.

    Args:
        clone: returns logits; put into eval mode meanwhile.
        inputs: (B, \\*shape).
        labels: (B,) the victim's answers y.
    """
    parts = zip(inputs.split(_CHUNK), labels.split(_CHUNK), strict=True)
    return torch.cat([input_gradient(clone, asked, partial(_log_odds, told)).sign() for asked, told in parts])


def _log_odds(labels: Tensor, logits: Tensor) -> Tensor:
    chosen = functional.one_hot(labels, logits.shape[1]).bool()
    return logits[chosen] - logits.masked_fill(chosen, -torch.inf).logsumexp(1)


class JacobianAugmentation(QueryStrategy):
    """Ask some images of the pool; then, round by round, a step from each answered input.

    Once ``rounds`` have doubled the data, each further round steps from a random sample of answered inputs, until the
    budget is spent. No input is asked twice: a step that leads to one that was asked is taken in a random direction.

    Args:
        context: gives the pool and the random stream ``jbda``.
        parameters: of the queries.

    Raises:
        ConfigurationError: there is no pool, it is empty, or it is of texts.
    """

    def __init__(self, context: AttackContext, parameters: AugmentationParameters) -> None:
        self._pool = pool_of(context)
        if context.spec.discrete:
            raise ConfigurationError("jbda steps along derivatives with respect to inputs: texts have none")
        self._spec, self._device = context.spec, context.device
        self.random = context.random.torch("jbda", "cpu")
        self._parameters = parameters
        self._step = parameters.step * (self._spec.high - self._spec.low)
        self._round = 0
        self._queries: list[Tensor] = []
        self._labels: list[Tensor] = []
        self._asked: set[bytes] = set()

    def propose(self, oracle: Oracle, clone: nn.Module) -> Tensor:
        """Return the next round's inputs, as many as the budget allows."""
        self._round += 1
        if self._round == 1:
            rows = torch.randperm(len(self._pool), generator=self.random)
            return self._pool.inputs(rows[: min(self._parameters.seeds, oracle.remaining)]).to(self._device)
        queries, labels = torch.cat(self._queries), torch.cat(self._labels)
        rows = self._chosen(len(queries), oracle.remaining).to(self._device)
        return self._stepped(queries[rows], jacobian_signs(clone, queries[rows], labels[rows]))

    def _chosen(self, known: int, remaining: int) -> Tensor:
        """Which answered inputs this round steps from: all, in their order, or a random sample of them."""
        most = known if self._round <= self._parameters.rounds else self._parameters.reservoir
        count = min(most, known, remaining)
        if count == known:
            return torch.arange(known)
        return torch.randperm(known, generator=self.random)[:count]

    def _stepped(self, start: Tensor, signs: Tensor) -> Tensor:
        """The inputs a step away, without those that were asked."""
        queries = self._clipped(start, signs)
        seen = self._seen(queries)
        if seen.any():
            random = torch.randint(2, start[seen].shape, generator=self.random).to(start) * 2 - 1
            queries[seen] = self._clipped(start[seen], random)
            queries = queries[~self._seen(queries)]
        return queries

    def _clipped(self, start: Tensor, signs: Tensor) -> Tensor:
        return (start + self._step * signs).clamp(self._spec.low, self._spec.high)

    def _seen(self, queries: Tensor) -> Tensor:
        """Whether each row was asked before, or is the same as a row above it; (B,) bool."""
        seen, known = [], set(self._asked)
        for digest in _digests(queries):
            seen.append(digest in known)
            known.add(digest)
        return torch.tensor(seen, dtype=torch.bool, device=queries.device)

    def observe(self, queries: Tensor, response: Response, clone: nn.Module) -> None:
        """Keep the answered inputs, from which the next rounds step."""
        self._queries.append(queries)
        self._labels.append(response.labels)
        self._asked.update(_digests(queries))

    def state_dict(self) -> dict[str, Any]:
        """The number of rounds, and what was asked and answered."""
        return {"round": self._round, "queries": list(self._queries), "labels": list(self._labels)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``."""
        self._round = state["round"]
        self._queries = [value.to(self._device) for value in state["queries"]]
        self._labels = [value.to(self._device) for value in state["labels"]]
        self._asked = {digest for queries in self._queries for digest in _digests(queries)}


def _digests(queries: Tensor) -> list[bytes]:
    """Sixteen bytes for each row; equal rows have equal ones."""
    rows = (queries + 0.0).cpu()  # so that -0 is 0
    return [hashlib.blake2b(row.numpy().tobytes(), digest_size=16).digest() for row in rows]
