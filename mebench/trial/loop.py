"""The loop that every attack runs in; the only one there is, and the same text as in docs/concepts.md."""

from __future__ import annotations

from collections.abc import Iterator

from torch import Tensor

from mebench.api.contract import Learner, Oracle, QueryStrategy


def turns(oracle: Oracle, strategy: QueryStrategy, learner: Learner) -> Iterator[Tensor]:
    """Take turns until the budget is spent; yield the queries of each once the clone has learnt from their answers.

    A trial may stop between any two turns.

    Raises:
        NothingToAskError: the strategy proposed nothing; raised by `mebench.guard.wrappers.GuardedStrategy`.
        NotFiniteQueryError: a query is not finite; raised by the oracle.
    """
    while oracle.remaining:
        queries = strategy.propose(oracle, learner.clone)  # may spend queries of its own to explore
        response = oracle.query(queries, explain=learner.wants_explanations)  # counted, capped, shaped by the channel
        learner.learn(queries, response)
        strategy.observe(queries, response, learner.clone)
        yield queries
