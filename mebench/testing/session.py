"""One run of an attack by a check, in the loop that `mebench.trial.loop` runs, with a watch on everything."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from mebench.api.contract import Attack, AttackContext, ResponseChannel
from mebench.api.random_streams import RandomStreams
from mebench.models.state_file import load_state, save_state
from mebench.models.weights import weights_hash
from mebench.oracle.facade import ChannelDescription
from mebench.oracle.ledger import QueryLedger
from mebench.oracle.oracle import BudgetedOracle
from mebench.registry.entries import ChannelEntry
from mebench.testing.faults import fail
from mebench.testing.stage import Stage
from mebench.testing.target import AttackUnderTest
from mebench.testing.watching import StatefulChannel, Watch, WatchedChannel, WatchedOracle

CPU = torch.device("cpu")


class Session:
    """An attack before a watched oracle.

    Args:
        target: the attack under test.
        stage: where it is run.
        channel: which channel; the one that gives least without it.
        wrap: puts a link around the channel before anybody sees it.
        parameters: on top of those under test.

    Attributes:
        proposals: what was proposed for training, turn by turn.
    """

    def __init__(
        self,
        target: AttackUnderTest,
        stage: Stage | None = None,
        *,
        channel: ChannelEntry | None = None,
        wrap: Callable[[ResponseChannel], ResponseChannel] | None = None,
        parameters: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        self.target, self.stage = target, stage or Stage()
        self.random = RandomStreams(self.stage.seed, CPU)
        self.random.seed_globals()
        self.victim = self.stage.victim()
        entry = channel or _first_channel(target)
        self._service = StatefulChannel(entry.call(), entry.name)
        self._service.use_randomness(self.random)
        self.watch = Watch()
        self.channel = WatchedChannel(wrap(self._service) if wrap else self._service, self.watch)
        self.ledger = QueryLedger(self.stage.budget)
        self.description = ChannelDescription(self.channel)
        self._asked = BudgetedOracle(self.victim, self.channel, self.ledger, target.name)
        self.oracle = WatchedOracle(self._asked, self.description, self.watch)
        self.watch.guard(self.victim.network)
        self.context = self._context()
        self.proposals: list[Tensor] = []
        self.attack: Attack = target.entry.call(self.context, given=target.resolved(parameters))

    def _context(self) -> AttackContext:
        stage = self.stage
        pool = stage.pool() if self.target.entry.family == "pool" else None
        clone = stage.initial_clone()
        return AttackContext(stage.spec, self.description, stage.budget, clone, CPU, self.random, pool)

    def turn(self) -> Tensor | None:
        """Take one turn of the loop; return what was proposed, None if that was nothing."""
        strategy, learner = self.attack.strategy, self.attack.learner
        queries = strategy.propose(self.oracle, learner.clone)
        if not len(queries):
            return None
        self.proposals.append(queries.detach().clone())
        response = self.oracle.query(queries, explain=learner.wants_explanations)
        learner.learn(queries, response)
        strategy.observe(queries, response, learner.clone)
        return queries

    def turns(self) -> Iterator[Tensor]:
        """Take turns until the budget is spent or nothing is proposed; yield what each proposed."""
        for _ in range(self.stage.budget + 1):
            if self.ledger.remaining <= 0:
                return
            queries = self.turn()
            if queries is None:
                return
            yield queries
        fail(f"took more turns than the {self.stage.budget} queries of its budget")

    def run(self) -> Session:
        """Take all turns."""
        for _ in self.turns():
            pass
        return self

    @property
    def unexplained(self) -> int:
        """Rows that the victim has computed, forward or back, though nobody asked it."""
        return sum(self._asked.unexplained)

    @property
    def asked(self) -> Tensor:
        """All proposals in one tensor."""
        return torch.cat(self.proposals) if self.proposals else torch.empty(0, *self.stage.spec.shape)

    @property
    def fingerprint(self) -> tuple[str, str]:
        """Digests of all that was proposed, and of the clone."""
        return weights_hash({"queries": self.asked}), weights_hash(self.attack.learner.clone.state_dict())

    def save(self, path: Path) -> None:
        """Write all that changes, as a trial's checkpoint does."""
        save_state(
            path,
            {
                "strategy": self.attack.strategy.state_dict(),
                "learner": self.attack.learner.state_dict(),
                "channel": self._service.state_dict(),
                "ledger": self.ledger.state_dict(),
                "random": self.random.state_dict(),
                "proposals": self.proposals,
            },
        )

    def load(self, path: Path) -> None:
        """Go on from what ``save`` wrote."""
        state = load_state(path)
        self.attack.strategy.load_state_dict(state["strategy"])
        self.attack.learner.load_state_dict(state["learner"])
        self._service.load_state_dict(state["channel"])
        self.ledger.load_state_dict(state["ledger"])
        self.random.load_state_dict(state["random"])
        self.proposals = state["proposals"]


def _first_channel(target: AttackUnderTest) -> ChannelEntry:
    if not target.channel_entries:
        fail(f"no registered channel gives what it needs: {', '.join(sorted(target.entry.needs))}")
    return target.channel_entries[0]


@contextlib.contextmanager
def scratch() -> Iterator[Path]:
    """A folder for as long as the block."""
    with tempfile.TemporaryDirectory(prefix="mebench-check-") as folder:
        yield Path(folder)
