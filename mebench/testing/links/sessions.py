"""A defence, a recovery or a detector at work, behind the guard that stands around it in a trial."""

from __future__ import annotations

import copy
import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn

from mebench.api.contract import Response
from mebench.api.defence import (
    AnswerDefence,
    Defence,
    Detector,
    ExplanationDefence,
    InputDefence,
    Mechanism,
    Recovery,
    RecoveryContext,
)
from mebench.api.random_streams import RandomStreams
from mebench.guard.call import Guard
from mebench.guard.defences import GuardedDefence, GuardedDetector, GuardedRecovery, GuardedWatch
from mebench.models.state_file import load_state, save_state
from mebench.oracle.facade import ChannelDescription
from mebench.testing.faults import fail, require
from mebench.testing.links.stage import CPU, Material, Networks, PartStage, channel_of, smooth_images
from mebench.testing.links.targets import DefenceUnderTest, DetectorUnderTest, PartUnderTest, RecoveryUnderTest
from mebench.testing.stage import Stage
from mebench.toolkit.rows import rows_of

PLACES: Mapping[str, type[Defence]] = {
    "answer": AnswerDefence,
    "explanation": ExplanationDefence,
    "input": InputDefence,
}
STREAM = 60
"""Queries that a client asks of a detector; the last twelve repeat the first."""
HALF = 30

_LEARNT: dict[tuple[Any, ...], dict[str, Any]] = {}
"""What was learnt, as a trial's cache keeps it, so that a check takes a moment."""


def guard_of(target: PartUnderTest[Any]) -> Guard:
    """The guard around a part."""
    name = target.entry.name
    return Guard.of(target.kind, name) if target.registered else Guard(f"{target.kind.kind} {name}")


class PartSession:
    """What a session of each kind has: random streams as a trial's, and a checkpoint.

    Args:
        target: the part under test.
        stage: where it is run.
    """

    def __init__(self, target: PartUnderTest[Any], stage: PartStage | None) -> None:
        self.target, self.stage = target, stage or PartStage()
        self.random = RandomStreams(self.stage.seed, CPU)
        self.random.seed_globals()
        self.guard, self.networks = guard_of(target), Networks()

    def told(self) -> dict[str, Any]:
        """The state of the part."""
        raise NotImplementedError

    def take(self, state: Mapping[str, Any]) -> None:
        """Give the part a state."""
        raise NotImplementedError

    def save(self, path: Path) -> None:
        """Write all that changes, as a trial's checkpoint does."""
        state = self.told()
        try:
            save_state(path, {"part": state, "random": self.random.state_dict()})
        except TypeError as error:
            fail(f"its state_dict cannot be saved: {error}")

    def load(self, path: Path) -> None:
        """Go on from what ``save`` wrote."""
        state = load_state(path)
        self.take(state["part"])
        self.random.load_state_dict(state["random"])

    def _learn(self, part: Defence | Detector, parameters: Mapping[str, Any]) -> None:
        if type(part).fit in (Defence.fit, Detector.fit):
            return
        given = json.dumps(self.target.resolved(parameters), sort_keys=True)
        key = (type(part), self.target.entry.needs_data, given, self.stage.spec)
        if key not in _LEARNT:
            _LEARNT[key] = self.guard.call("fit", part.fit)
        self.guard.call("use", part.use, copy.deepcopy(_LEARNT[key]))


class DefenceSession(PartSession):
    """A defence that answers.

    Args:
        target: the defence under test.
        stage: where it is run.
        parameters: on top of those under test.
        learns: whether it learns, or takes what was learnt before.
    """

    def __init__(
        self,
        target: DefenceUnderTest,
        stage: PartStage | None = None,
        *,
        parameters: Mapping[str, Any] = MappingProxyType({}),
        learns: bool = True,
    ) -> None:
        super().__init__(target, stage)
        entry = target.entry
        channel = channel_of(frozenset({"explanation" if entry.place == "explanation" else "probability"}))
        context = self.stage.owner(channel, self.random, entry.needs_data, self.networks)
        part = entry.call(context, given={**target.parameters, **parameters}, through=self.guard)
        wanted = PLACES[entry.place]
        require(isinstance(part, wanted), f"its target returned a {type(part).__name__}, not an {wanted.__name__}")
        self.part: Defence = part
        if learns:
            self._learn(part, parameters)
        self.defence = GuardedDefence(self.guard, part, target.name)
        self.defence.watch_state(self.random)

    def answers(self, material: Material, sizes: Sequence[int] = ()) -> Tensor:
        """What it makes of queries, answers or maps, in batches of the given sizes; all at once without."""
        bounds = [0, *torch.tensor(sizes or [len(material.queries)]).cumsum(0).tolist()]
        assert bounds[-1] == len(material.queries)
        return torch.cat([self._batch(material.rows(slice(*ends))) for ends in itertools.pairwise(bounds)])

    def _batch(self, given: Material) -> Tensor:
        if isinstance(self.part, AnswerDefence):
            return self.defence.perturb(given.queries, given.probabilities)
        if isinstance(self.part, ExplanationDefence):
            return self.defence.release(given.queries, given.maps, given.labels)
        return self.defence.receive(given.queries, self.stage.spec)

    def told(self) -> dict[str, Any]:
        """The state of the defence."""
        return self.defence.state_dict()

    def take(self, state: Mapping[str, Any]) -> None:
        """Give the defence a state."""
        self.defence.load_state_dict(state)


class RecoverySession(PartSession):
    """A recovery between an attack and a service.

    Args:
        target: the recovery under test.
        stage: where it is run.
        defence: what the service does to its probabilities; nothing without.
    """

    def __init__(
        self, target: RecoveryUnderTest, stage: PartStage | None = None, *, defence: Mechanism | None = None
    ) -> None:
        super().__init__(target, stage)
        entry, spec = target.entry, self.stage.spec
        self.channel, self.victim, self._defence = channel_of(entry.needs), self.stage.victim(), defence
        context = RecoveryContext(
            spec=spec,
            channel=ChannelDescription(self.channel),
            device=CPU,
            random=self.random,
            mechanism=None if entry.knows == "blind" else defence,
            keeps_argmax=True,
            pool=Stage(spec, pool_size=100).pool(),
            truth=self._truth if entry.oracle else None,
        )
        part = entry.call(context, given=target.parameters, through=self.guard)
        require(isinstance(part, Recovery), f"its target returned a {type(part).__name__}, not a Recovery")
        self.part: Recovery = part
        self.recovery = GuardedRecovery(self.guard, part, target.name)
        self.clone: nn.Module = Stage(spec, seed=3).initial_clone()

    def _truth(self, queries: Tensor) -> Tensor:
        with torch.no_grad():
            return torch.softmax(self.victim(queries), 1)

    def served(self, queries: Tensor, answered: Mechanism | None = None, explains: bool = True) -> Response:
        """What the service answers, with explanations if they are needed; ``answered`` makes other probabilities."""
        explain = explains and "explanation" in self.target.entry.needs
        response = replace(self.channel.answer(self.victim, queries, explain), progress=0.5)
        for change in (answered, self._defence):
            if change is not None and response.probabilities is not None:
                response = replace(response, probabilities=change(response.probabilities))
        return response

    def recovered(self, queries: Tensor, answered: Mechanism | None = None, explains: bool = True) -> Response:
        """What the attack gets for its queries."""
        asked = self.recovery.asked(queries)
        response = self.served(asked, answered, explains)
        recovered = self.recovery.recover(queries, response, self.clone, self.stage.spec.num_classes)
        self.recovery.worth_learning(queries, recovered)
        return recovered

    def told(self) -> dict[str, Any]:
        """The state of the recovery."""
        return self.recovery.state_dict()

    def take(self, state: Mapping[str, Any]) -> None:
        """Give the recovery a state."""
        self.recovery.load_state_dict(state)


class DetectorSession(PartSession):
    """A detector and one client's stream.

    Args:
        target: the detector under test.
        stage: where it is run.
        learns: whether it learns, or takes what was learnt before.
    """

    def __init__(self, target: DetectorUnderTest, stage: PartStage | None = None, *, learns: bool = True) -> None:
        super().__init__(target, stage)
        self.channel = channel_of(target.entry.needs)
        self.context = self.stage.owner(self.channel, self.random, target.entry.needs_data, self.networks)
        part = target.entry.call(self.context, given=target.parameters, through=self.guard)
        require(isinstance(part, Detector), f"its target returned a {type(part).__name__}, not a Detector")
        self.part: Detector = part
        if learns:
            self._learn(part, {})
        self.detector = GuardedDetector(self.guard, part, target.name)
        self.watch: GuardedWatch = self.detector.client() if learns else None  # type: ignore[assignment]
        self.queries = stream(self.stage)
        self.response = self.channel.answer(self.context.victim, self.queries, False)

    def scores(
        self, rows: Sequence[int] | range = range(STREAM), batch: int = STREAM, watch: GuardedWatch | None = None
    ) -> Tensor:
        """The scores after some queries of the stream, (n,) float64, in batches of one size."""
        parts = [self.batch(torch.tensor(rows[at : at + batch]), watch) for at in range(0, len(rows), batch)]
        return torch.cat(parts)

    def batch(self, rows: Tensor, watch: GuardedWatch | None = None) -> Tensor:
        """The scores after one batch of the stream's queries."""
        return (watch or self.watch).score(self.queries[rows], rows_of(self.response, rows))

    def told(self) -> dict[str, Any]:
        """The state of the client's watch."""
        return self.watch.state_dict()

    def take(self, state: Mapping[str, Any]) -> None:
        """Give the client's watch a state."""
        self.watch.load_state_dict(state)


def stream(stage: PartStage) -> Tensor:
    """Queries of a client, of which the last twelve repeat the first."""
    queries = smooth_images(stage.spec, STREAM - 12, seed=7)
    return torch.cat([queries, queries[:12]])


def each(make: Callable[[PartStage], Any], specs: Sequence[Any]) -> None:
    """Try something on other inputs than the usual ones, and say on which it fails."""
    for spec in specs:
        try:
            make(PartStage(spec))
        except Exception as error:
            words = f"{' x '.join(map(str, spec.shape))}, {spec.num_classes} classes"
            fail(f"{words}: {type(error).__name__}: {error}")
