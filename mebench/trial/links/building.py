"""Building what plugins bring into the chain: defences, detectors and recoveries of a trial, ready to be used."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch

from mebench.api.contract import Pool, ResponseChannel
from mebench.api.defence import (
    AnswerDefence,
    Defence,
    Detector,
    ExplanationDefence,
    InputDefence,
    Mechanism,
    OwnersContext,
    Recovery,
    RecoveryContext,
)
from mebench.api.errors import ConfigurationError
from mebench.api.progress import ShouldStop, never
from mebench.api.random_streams import RandomStreams
from mebench.api.spec import Component
from mebench.guard.call import Guard
from mebench.guard.defences import GuardedDefence, GuardedDetector, GuardedRecovery
from mebench.models.victims.outputs import all_answers
from mebench.registry.catalogue import registry
from mebench.registry.defence_entries import OPERATING_POINT, DefenceEntry, DetectorEntry, RecoveryEntry
from mebench.results.leaderboard.write.labels import component_label
from mebench.trial.links.calibration import BENIGN_ROWS, FEWEST_BENIGN_ROWS, calibrated, mean_distance
from mebench.trial.links.defended import DefendedChannel
from mebench.trial.links.honest import false_alarms
from mebench.trial.links.learnt import learnt_once
from mebench.trial.links.owner import Owner
from mebench.trial.links.sentry import Armed
from mebench.trial.links.thresholds import calibrated_threshold, stream_length

_log = logging.getLogger(__name__)
_KINDS = {"answer": AnswerDefence, "explanation": ExplanationDefence, "input": InputDefence}


class Defences:
    """The defences of a trial, each learnt and calibrated; `ready` makes them anew, in their first state.

    Args:
        owner: of the victim.
        channel: the service's, as it is described to them.
        should_stop: asked while one learns, here or in another process.
    """

    def __init__(self, owner: Owner, channel: ResponseChannel, should_stop: ShouldStop = never) -> None:
        self._owner, self._channel, self._should_stop = owner, channel, should_stop
        self.knobs: dict[str, dict[str, float]] = {}
        self._given = [self._operating(one) for one in owner.spec.defences]

    def ready(self, random: RandomStreams) -> list[GuardedDefence]:
        """Make every defence, which draws from these streams.

        Raises:
            PluginFaultError: one cannot be made.
        """
        labels = map(_label, self._owner.spec.defences)
        return [
            self._made(self._owner.context(self._channel, random, place), component, label)
            for place, (component, label) in enumerate(zip(self._given, labels, strict=True))
        ]

    def mechanism(self, random: RandomStreams) -> Mechanism | None:
        """What an attacker who knows the mechanism can compute at home; None if an answer tells more than that."""
        told = [
            defence.guard.call("mechanism", defence.part.mechanism)
            for defence in self.ready(random)
            if isinstance(defence.part, AnswerDefence)
        ]
        known = [one for one in told if one is not None]
        if not told or len(known) < len(told):
            return None

        def defended(probabilities: torch.Tensor) -> torch.Tensor:
            for one in known:
                probabilities = one(probabilities)
            return probabilities

        return defended

    def _made(self, context: OwnersContext, component: Component, label: str) -> GuardedDefence:
        entry, guard = registry().get(DefenceEntry, component.name), Guard.of(DefenceEntry, component.name)
        defence = entry.call(context, given=component.parameters, through=guard)
        if not isinstance(defence, _KINDS[entry.place]):
            guard.fail(f"its target returned a {type(defence).__name__}, not an {_KINDS[entry.place].__name__}")
        learn_and_use(DefenceEntry, component.without(entry.knob), guard, defence, self._owner, self._should_stop)
        return GuardedDefence(guard, defence, label)

    def _operating(self, component: Component) -> Component:
        """A defence with its knob in place of its operating point."""
        target = component.parameters.get(OPERATING_POINT.name)
        plain = component.without(OPERATING_POINT.name)
        entry = registry().get(DefenceEntry, component.name)
        if target is None or not entry.knob:
            return plain

        def learn() -> dict[str, Any]:
            value, reached = self._calibrated(entry, plain, float(target))
            return {entry.knob: value, "reached": reached}

        depends_on = {**self._owner.depends_on(DefenceEntry), OPERATING_POINT.name: target}
        found = learnt_once(DefenceEntry, component, depends_on, learn, self._should_stop)
        self.knobs[_label(component)] = found
        _log.info(
            "defence %s: %s %.6g moves benign answers by %.3f",
            entry.name,
            entry.knob,
            found[entry.knob],
            found["reached"],
        )
        return replace(plain, parameters={**plain.parameters, entry.knob: found[entry.knob]})

    def _calibrated(self, entry: DefenceEntry, plain: Component, target: float) -> tuple[float, float]:
        data = self._owner.benign
        if data is None:
            raise ConfigurationError(f"defence {entry.name}: an operating point needs the owner's data: `reserve`")
        if len(data) < FEWEST_BENIGN_ROWS:
            raise ConfigurationError(
                f"defence {entry.name}: an operating point needs {FEWEST_BENIGN_ROWS} benign inputs, and half of the "
                f"`reserve` is {len(data)}: give a larger one"
            )
        queries = data.inputs[:BENIGN_ROWS]
        probabilities = torch.softmax(all_answers(self._owner.prepared.victim, queries), dim=1)
        context = self._owner.context(self._channel, RandomStreams(0, self._owner.device))

        def distance_at(value: float) -> float:
            at_value = replace(plain, parameters={**plain.parameters, entry.knob: value})
            defence = self._made(context, at_value, entry.name)
            keeps = isinstance(defence.part, AnswerDefence) and defence.part.keeps_argmax
            return mean_distance(defence.perturb, queries, probabilities, keeps)

        return calibrated(distance_at, entry.knob_range, target, entry.name)


def learn_and_use(
    kind: type[DefenceEntry] | type[DetectorEntry],
    component: Component,
    guard: Guard,
    part: Defence | Detector,
    owner: Owner,
    should_stop: ShouldStop,
) -> None:
    """Let a defence or a detector learn, or take what it has learnt before."""
    if type(part).fit in (Defence.fit, Detector.fit):
        return
    learnt = learnt_once(kind, component, owner.depends_on(kind), lambda: guard.call("fit", part.fit), should_stop)
    guard.call("use", part.use, learnt)


def armed_detectors(owner: Owner, channel: ResponseChannel, should_stop: ShouldStop = never) -> list[Armed]:
    """The detectors of a trial with their thresholds.

    Raises:
        ConfigurationError: one has no threshold, or lacks data for it.
        PluginFaultError: one cannot be made.
    """
    armed = []
    for component in owner.spec.detectors:
        entry, guard = registry().get(DetectorEntry, component.name), Guard.of(DetectorEntry, component.name)
        own = component.without("threshold", "false_positives")
        context = owner.context(channel, RandomStreams(0, owner.device))
        detector = entry.call(context, given=own.parameters, through=guard)
        if not isinstance(detector, Detector):
            guard.fail(f"its target returned a {type(detector).__name__}, not a Detector")
        learn_and_use(DetectorEntry, own, guard, detector, owner, should_stop)
        guarded = GuardedDetector(guard, detector, component_label(DetectorEntry, component))
        armed.append(Armed(guarded, _threshold(entry, component, guarded, owner, should_stop)))
    return armed


def _threshold(
    entry: DetectorEntry, component: Component, detector: GuardedDetector, owner: Owner, should_stop: ShouldStop
) -> float:
    given, rate = component.parameters.get("threshold"), component.parameters.get("false_positives")
    if given is not None:
        return float(given)
    if rate is None:
        if entry.threshold is None:
            raise ConfigurationError(f"detector {entry.name}: give it a threshold, or false_positives to calibrate it")
        return entry.threshold
    if owner.benign is None:
        raise ConfigurationError(f"detector {entry.name}: false_positives needs the owner's data: `reserve`")
    data, victim = owner.benign, owner.prepared.victim
    length = stream_length(len(data), owner.spec.budget, float(rate))

    def learn() -> dict[str, Any]:
        return {"threshold": calibrated_threshold(detector, victim, data, length, float(rate), entry.name)}

    found = learnt_once(
        DetectorEntry, component, {**owner.depends_on(DetectorEntry), "length": length}, learn, should_stop
    )
    return float(found["threshold"])


def honest_alarms(
    owner: Owner, armed: Sequence[Armed], streams: int, others: str | None, should_stop: ShouldStop = never
) -> list[dict[str, dict[str, int]]]:
    """Of how many honest streams of the test set each detector is alarmed, by kind; counted once for a victim.

    Args:
        owner: of the victim.
        armed: the trial's detectors, in its order.
        streams: of each kind.
        others: name of a data set of other things, of which some clients ask; None for no such clients.
        should_stop: asked while they are counted, here or in another process.

    Raises:
        ConfigurationError: ``others`` is no data for the victim.
    """
    foreign = None if others is None else owner.others(others)
    found = []
    for component, one in zip(owner.spec.detectors, armed, strict=True):
        rate = component.parameters.get("false_positives") or 0.0
        rows = len(owner.test) if owner.benign is None else len(owner.benign)
        length = min(stream_length(rows, owner.spec.budget, float(rate)), len(owner.test))
        told = {"length": length, "streams": streams, "others": others or "", "threshold": one.threshold}

        def count(one: Armed = one, length: int = length) -> dict[str, Any]:
            victim = owner.prepared.victim
            return false_alarms(one.detector, one.threshold, victim, owner.test, length, streams, foreign)

        depends_on = {**owner.depends_on(DetectorEntry), **told, "test": owner.prepared.data_hash}
        found.append(learnt_once(DetectorEntry, component, depends_on, count, should_stop))
    return found


def recoveries(
    components: tuple[Component, ...],
    seen: ResponseChannel,
    defended: DefendedChannel | None,
    mechanism: Mechanism | None,
    random: RandomStreams,
    owner: Owner,
    pool: Pool | None,
) -> list[GuardedRecovery]:
    """The recoveries of a trial, each told what it declares to know.

    Raises:
        PluginFaultError: one cannot be made.
    """
    made = []
    for component in components:
        entry, guard = registry().get(RecoveryEntry, component.name), Guard.of(RecoveryEntry, component.name)
        context = RecoveryContext(
            spec=owner.prepared.spec,
            channel=seen,
            device=random.device,
            random=random,
            mechanism=None if entry.knows == "blind" else mechanism,
            keeps_argmax=defended is None or defended.keeps_argmax,
            pool=pool,
            truth=_truth(owner) if entry.oracle else None,
            inputs_of=owner.inputs_of,
        )
        recovery = entry.call(context, given=component.parameters, through=guard)
        if not isinstance(recovery, Recovery):
            guard.fail(f"its target returned a {type(recovery).__name__}, not a Recovery")
        made.append(GuardedRecovery(guard, recovery, component_label(RecoveryEntry, component)))
    return made


def _truth(owner: Owner) -> Mechanism:
    """What no attacker has: the victim's probabilities for inputs, uncounted."""
    return lambda queries: torch.softmax(all_answers(owner.prepared.victim, queries), dim=1)


def _label(component: Component) -> str:
    return component_label(DefenceEntry, component)
