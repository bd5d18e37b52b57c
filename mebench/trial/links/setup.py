"""The links that a trial names: made once, and handed to the chain and to the metrics."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from mebench.api.contract import Pool, ResponseChannel
from mebench.api.progress import ShouldStop
from mebench.api.random_streams import RandomStreams, derive_seed
from mebench.api.spec import TrialSpec
from mebench.guard.defences import GuardedRecovery
from mebench.guard.wrappers import guarded_channel
from mebench.models.victims.loading import PreparedVictim
from mebench.trial.links.building import Defences, armed_detectors, honest_alarms, recoveries
from mebench.trial.links.defended import DefendedChannel
from mebench.trial.links.owner import Owner
from mebench.trial.links.sentry import Alarm
from mebench.trial.links.service import AttackSeen, Service


class Links:
    """All links of a trial that plugins bring.

    Args:
        spec: of the trial.
        prepared: the victim.
        service: the channel.
        random: the trial's streams.
        should_stop: asked while defences and detectors learn, here or in another process.
    """

    def __init__(
        self,
        spec: TrialSpec,
        prepared: PreparedVictim,
        service: ResponseChannel,
        random: RandomStreams,
        should_stop: ShouldStop,
    ) -> None:
        self._spec, self._random = spec, random
        self._owner = Owner.of(spec, prepared, random.device)
        self._should_stop = should_stop
        self._defences = Defences(self._owner, service, should_stop)
        self._armed = armed_detectors(self._owner, service, should_stop)
        self.owners: dict[str, Any] = {
            "defences": self._defences.ready(random),
            "armed": self._armed,
            "clients": spec.clients,
            "on_alarm": spec.on_alarm,
        }

    def recoveries(
        self, described: ResponseChannel, defended: DefendedChannel | None, pool: Pool | None
    ) -> list[GuardedRecovery]:
        """The attacker's recoveries, who sees what the attack sees of the channel."""
        if not self._spec.recoveries:
            return []
        attackers = RandomStreams(derive_seed(self._spec.seed, "attacker's mechanism"), self._random.device)
        mechanism = self._defences.mechanism(attackers)
        return recoveries(self._spec.recoveries, described, defended, mechanism, self._random, self._owner, pool)

    def service(self, seen: Callable[[], AttackSeen], fidelity_after: Callable[[int], float | None]) -> Service:
        """The victim behind its defences, for metrics: a service of its own state and its own noise."""

        def fresh() -> DefendedChannel:
            streams = RandomStreams(derive_seed(self._spec.seed, "honest users"), self._random.device)
            channel = DefendedChannel(guarded_channel(self._spec.channel), self._defences.ready(streams))
            channel.use_randomness(streams)
            return channel

        return Service(self._owner.prepared.victim, fresh, seen, fidelity_after, self._false_alarms)

    def _false_alarms(self, streams: int, others: str | None) -> list[dict[str, dict[str, int]]]:
        return honest_alarms(self._owner, self._armed, streams, others, self._should_stop) if streams else []

    def record(self, seen: AttackSeen, fidelity_after: Callable[[int], float | None]) -> dict[str, Any]:
        """What a result keeps of the links: knobs that were calibrated, and what became of every client.

        Empty where there is neither.
        """
        alarms = [asdict(alarm) for alarm in seen.alarms]
        asked = next((one.parameters for one in self._spec.metrics if one.name == "detection"), {})
        honest = self._false_alarms(int(asked.get("streams", 0)), asked.get("others"))
        detectors = [
            watched(one.detector.label, seen.alarms, fidelity_after, honest[place] if honest else {})
            for place, one in enumerate(self._armed)
        ]
        kept = {"operating_points": self._defences.knobs, "clients": alarms, "detectors": detectors}
        return {key: value for key, value in kept.items() if value}


def watched(
    detector: str,
    alarms: Sequence[Alarm],
    fidelity_after: Callable[[int], float | None],
    honest: Mapping[str, Mapping[str, int]],
) -> dict[str, Any]:
    """What one detector saw of an attack, and of honest clients by their kind; as results keep it for tables."""
    own = [one for one in alarms if one.detector == detector]
    first = min((one.alarm for one in own if one.alarm is not None), default=None)
    return {
        "detector": detector,
        "threshold": own[0].threshold,
        "clients": len(own),
        "alarmed": sum(one.alarm is not None for one in own),
        "first_alarm": first,
        "own_alarm": min((one.own_alarm for one in own if one.own_alarm is not None), default=None),
        "fidelity_at_alarm": None if first is None else fidelity_after(first),
        "honest": {kind: dict(told) for kind, told in honest.items()},
    }
