"""The chain from a victim to an attack: built here, in one order, and nowhere else.

From the victim outwards::

    victim        metered: what it computes is written into the ledger
    channel       the service's own; guarded where a plugin brings it
    sentry        the owner's detectors; sees what the victim answered
    defences      the owner's, in the order of the file; those of inputs come first on the way to the victim
    after alarm   labels alone for clients whom a detector was alarmed of, where the file says so
    count         of the rows that are answered, apart from the ledger
    oracle        checks and charges each query; tells the observers of each answer
    observers     the record of all queries (standard track only); counts of labels
    facade        what an attack holds of the oracle: functions, and nothing that leads to any of the above
    recoveries    the attacker's, in the order of the file; see `mebench.trial.links.recovering`

Links between channel and oracle are `mebench.oracle.links.Link`: each wraps the next, none is replaced.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mebench.api.contract import ResponseChannel
from mebench.api.random_streams import RandomStreams
from mebench.api.spec import OnAlarm
from mebench.guard.call import Guard
from mebench.guard.defences import GuardedDefence, GuardedWatch
from mebench.guard.wrappers import guard_of
from mebench.models.state_file import unsavable
from mebench.models.victims.loading import PreparedVictim
from mebench.oracle.distances import Distances
from mebench.oracle.facade import AttackersOracle, ChannelDescription
from mebench.oracle.label_counts import LabelCounts
from mebench.oracle.ledger import CountedChannel, QueryLedger
from mebench.oracle.observer import Observer
from mebench.oracle.oracle import BudgetedOracle
from mebench.trial.links.defended import DefendedChannel
from mebench.trial.links.sentry import AfterAlarm, Armed, Sentry
from mebench.trial.links.service import AttackSeen


class Chain:
    """All that stands between a victim and an attack.

    Args:
        budget: of the trial, in queries.
        prepared: the victim.
        service: the channel that answers, as `mebench.guard.wrappers.guarded_channel` has built it.
        random: the trial's streams.
        asker: the attack, in error messages.
        observers: told every answer before the counts of labels are.
        defences: the owner's; None where there are none.
        armed: the owner's detectors.
        clients: over how many clients the attack spreads its queries.
        on_alarm: what becomes of a client after an alarm.

    Attributes:
        oracle: what the attack holds.
        description: what it may know of the channel.
        ledger: the oracle's account.
        labels: counts of the labels that answered training queries.
    """

    def __init__(
        self,
        budget: int,
        prepared: PreparedVictim,
        service: ResponseChannel,
        random: RandomStreams,
        asker: str,
        observers: Sequence[Observer] = (),
        defences: Sequence[GuardedDefence] = (),
        armed: Sequence[Armed] = (),
        clients: int = 1,
        on_alarm: OnAlarm = "audit",
    ) -> None:
        self._device = random.device
        self.ledger = QueryLedger(budget)
        self._service = service
        self.sentry = Sentry(service, armed, clients, on_alarm, asker) if armed else None
        watched = self.sentry or service
        self.defended = DefendedChannel(watched, defences) if defences else None
        outermost: ResponseChannel = self.defended or watched
        if self.sentry and on_alarm == "label":
            outermost = AfterAlarm(outermost, self.sentry)
        outermost.use_randomness(random)
        self._counted = CountedChannel(outermost, self.ledger)
        self._links = [link for link in (service, self.sentry, self.defended, self._counted) if link is not None]
        self.labels = LabelCounts(prepared.spec.num_classes, self._device)
        self._observers = [*observers, self.labels]
        self._oracle = BudgetedOracle(prepared.victim, self._counted, self.ledger, asker, self._observers, self._device)
        self.description = ChannelDescription(outermost, service)
        self.oracle = AttackersOracle(self._oracle, self.description)

    def raise_pending(self) -> None:
        """Raise what checks of queries that do not wait for an accelerator have found; see `BudgetedOracle`."""
        self._oracle.raise_pending()

    @property
    def unexplained(self) -> tuple[int, int]:
        """Rows that the victim has computed forward and back though nobody asked it."""
        return self._oracle.unexplained

    @property
    def seen(self) -> AttackSeen:
        """What the service saw of the attack so far."""
        defended = self.defended
        return AttackSeen(
            defended.moved if defended else Distances(),
            self._counted.answered,
            defended.flipped if defended else 0,
            defended.exchanged if defended else 0,
            self.sentry.alarms if self.sentry else (),
        )

    @property
    def seconds(self) -> dict[str, float]:
        """Processor time that defences and detectors took since this object was made, as far as there are any."""
        took = {"defence_seconds": self.defended, "detector_seconds": self.sentry}
        return {name: sum(one.seconds for one in link.guarded) for name, link in took.items() if link}

    @property
    def guard(self) -> Guard:
        """Who is to blame for a state that cannot be saved: a plugin's link, for all else is mebench's own."""
        parts: list[GuardedDefence | GuardedWatch] = []
        parts += [*(self.defended.guarded if self.defended else ()), *(self.sentry.guarded if self.sentry else ())]
        blamed = next((part for part in parts if unsavable(part.state_dict(), "state")), None)
        return blamed.guard if blamed else guard_of(self._service)

    def problem(self) -> str:
        """Say how the attack has got round its account; empty if it has not."""
        return self._counted.problem()

    def state_dict(self) -> dict[str, Any]:
        """The state of every link and observer, and of the ledger."""
        return {
            "ledger": self.ledger.state_dict(),
            "oracle": self._oracle.state_dict(),
            "links": [link.state_dict() for link in self._links],
            "observers": [observer.state_dict() for observer in self._observers],
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``."""
        self.ledger.load_state_dict(state["ledger"])
        self._oracle.load_state_dict(state["oracle"], self._device)
        for link, known in zip(self._links, state["links"], strict=True):
            link.load_state_dict(known)
        for observer, known in zip(self._observers, state["observers"], strict=True):
            observer.load_state_dict(known)
