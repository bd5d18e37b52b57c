"""The detectors of a trial as one link next to the channel: they see what the victim answered, before any defence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from mebench.api.contract import Response, ResponseChannel, Victim
from mebench.api.errors import NothingToAskError
from mebench.api.spec import OnAlarm
from mebench.guard.defences import GuardedDetector, GuardedWatch
from mebench.oracle.links import Link
from mebench.toolkit.rows import rows_of, with_labels_alone


@dataclass(frozen=True)
class Armed:
    """A detector that is ready.

    Attributes:
        detector: learnt what it learns.
        threshold: a client whose score is above it is alarmed of.
    """

    detector: GuardedDetector
    threshold: float


@dataclass
class _Watched:
    """One client before one detector.

    Attributes:
        watch: scores the client's stream.
        alarm: which query of the whole trial raised the alarm, counted from 1; None while there is none. It stays.
        own: which of the client's own queries that was.
        highest: the highest score so far.
    """

    watch: GuardedWatch
    alarm: int | None = None
    own: int | None = None
    highest: float | None = None

    def take(self, scores: Tensor, threshold: float, places: Tensor, before: int) -> None:
        """Take note of the scores after each of a client's queries, whose places in the trial are given."""
        known = scores[~scores.isnan()]
        if len(known):
            self.highest = max(float(known.max()), -torch.inf if self.highest is None else self.highest)
        above = (scores > threshold).nonzero()
        if self.alarm is None and len(above):
            first = int(above[0])
            self.alarm, self.own = int(places[first]) + 1, before + first + 1

    def state_dict(self) -> dict[str, Any]:
        return {
            "watch": self.watch.state_dict(),
            "alarm": self.alarm,
            "own": self.own,
            "highest": self.highest,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.watch.load_state_dict(state["watch"])
        self.alarm, self.own, self.highest = state["alarm"], state["own"], state["highest"]


@dataclass(frozen=True)
class Alarm:
    """What became of one client before one detector.

    Attributes:
        detector: its name with its parameters.
        threshold: above which a score is an alarm.
        client: its number.
        queries: that the client asked.
        alarm: after which query of the whole trial, counted from 1; None for none.
        own_alarm: after which of the client's own queries.
        highest: the highest score; None where there was none.
    """

    detector: str
    threshold: float
    client: int
    queries: int
    alarm: int | None
    own_alarm: int | None
    highest: float | None


@dataclass
class _Client:
    queries: int = 0
    alarmed_after: int | None = None  # of its own queries, the earliest of all detectors
    watched: list[_Watched] = field(default_factory=list)


class Sentry(Link):
    """Watches the stream of every client.

    An attack asks as client 0, 1, ... in turn, query by query. After an alarm the next queries of that client are, by
    ``on_alarm``, answered as before, answered by their labels alone (see `AfterAlarm`), or refused from the next
    request on: its turn then goes to the clients that are left, and the attack ends when there are none.

    Args:
        inner: the service's channel.
        armed: the detectors.
        clients: over how many clients the attack spreads its queries.
        on_alarm: see `mebench.api.spec.TrialSpec`.
        asker: name of the attack, for the message.

    Attributes:
        only_labels: (B,) bool, which rows of the last request are to be answered by their labels alone.
    """

    only_labels: Tensor

    def __init__(
        self, inner: ResponseChannel, armed: Sequence[Armed], clients: int, on_alarm: OnAlarm, asker: str
    ) -> None:
        super().__init__(inner)
        self._armed, self._on_alarm, self._asker = tuple(armed), on_alarm, asker
        self._asked = 0
        self._clients = [
            _Client(watched=[_Watched(one.detector.client()) for one in self._armed]) for _ in range(clients)
        ]

    def answer(self, victim: Victim, inputs: Tensor, explain: bool) -> Response:
        """Hand the queries on, and take note of them.

        Raises:
            NothingToAskError: every client is refused.
        """
        asking = [one for one in self._clients if self._on_alarm != "refuse" or one.alarmed_after is None]
        if not asking:
            raise NothingToAskError(f"{self._asker}: every client was alarmed of, and is refused")
        response = self._inner.answer(victim, inputs, explain)
        places = torch.arange(self._asked, self._asked + len(inputs))
        only_labels = torch.zeros(len(inputs), dtype=torch.bool)
        for number, client in enumerate(asking):
            mine = (places % len(asking) == number).nonzero().flatten()
            if len(mine):
                only_labels[mine] = self._watch(client, inputs, response, mine, places[mine])
        self._asked += len(inputs)
        self.only_labels = only_labels
        return response

    def _watch(self, client: _Client, inputs: Tensor, response: Response, mine: Tensor, places: Tensor) -> Tensor:
        """Score a client's rows, and return which of them are answered by their labels alone."""
        rows = mine.to(inputs.device)
        queries, answers = inputs[rows], rows_of(replace(response, explanation=None), rows)
        for armed, watched in zip(self._armed, client.watched, strict=True):
            watched.take(watched.watch.score(queries, answers), armed.threshold, places, client.queries)
        alarms = [watched.own for watched in client.watched if watched.own is not None]
        client.alarmed_after = min(alarms, default=None)
        own = torch.arange(client.queries + 1, client.queries + 1 + len(mine))
        client.queries += len(mine)
        if self._on_alarm != "label" or client.alarmed_after is None:
            return torch.zeros(len(mine), dtype=torch.bool)
        return own > client.alarmed_after

    @property
    def guarded(self) -> tuple[GuardedWatch, ...]:
        """The watches of all clients."""
        return tuple(watched.watch for client in self._clients for watched in client.watched)

    @property
    def alarms(self) -> list[Alarm]:
        """What became of every client before every detector."""
        return [
            Alarm(
                armed.detector.label,
                armed.threshold,
                number,
                client.queries,
                watched.alarm,
                watched.own,
                watched.highest,
            )
            for place, armed in enumerate(self._armed)
            for number, client in enumerate(self._clients)
            for watched in [client.watched[place]]
        ]

    def state_dict(self) -> dict[str, Any]:
        """What was seen of every client."""
        return {
            "asked": self._asked,
            "clients": [
                {
                    "queries": one.queries,
                    "alarmed_after": one.alarmed_after,
                    "watched": [watched.state_dict() for watched in one.watched],
                }
                for one in self._clients
            ],
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``."""
        self._asked = state["asked"]
        for client, known in zip(self._clients, state["clients"], strict=True):
            client.queries, client.alarmed_after = known["queries"], known["alarmed_after"]
            for watched, each in zip(client.watched, known["watched"], strict=True):
                watched.load_state_dict(each)


class AfterAlarm(Link):
    """Answers those who were alarmed of by their labels alone, outside all defences: what these answer stays theirs.

    Args:
        inner: the outermost of the other links.
        sentry: somewhere inside of it.
    """

    def __init__(self, inner: ResponseChannel, sentry: Sentry) -> None:
        super().__init__(inner)
        self._sentry = sentry

    def answer(self, victim: Victim, inputs: Tensor, explain: bool) -> Response:
        """Hand the queries on, and cut the answers of some rows."""
        response = self._inner.answer(victim, inputs, explain)
        rows = self._sentry.only_labels
        return with_labels_alone(response, rows) if bool(rows.any()) else response
