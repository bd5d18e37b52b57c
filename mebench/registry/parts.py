"""What a trial names in the registry, and which code that is. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from mebench.api.errors import PluginError, UnknownNameError
from mebench.api.spec import TrialSpec, VictimSpec
from mebench.registry.code import Code, file_digest
from mebench.registry.defence_entries import DefenceEntry, DetectorEntry, RecoveryEntry
from mebench.registry.entries import AttackEntry, ChannelEntry, DatasetEntry, MetricEntry, NetworkEntry, VictimEntry
from mebench.registry.entry import Entry
from mebench.registry.registry import Registry


def components(trials: Sequence[TrialSpec]) -> Iterator[tuple[type[Entry], str]]:
    """Kind and name of attacks, channels and networks."""
    for trial in trials:
        if trial.kind == "attack":
            yield AttackEntry, trial.attack.name
            yield ChannelEntry, trial.channel.name
        for network in (trial.clone, trial.victim.network):
            if network is not None:
                yield NetworkEntry, network.name


def victim_parts(victim: VictimSpec) -> Iterator[tuple[type[Entry], str]]:
    """Kind and name of all that a victim is made of."""
    yield DatasetEntry, victim.data.name
    if victim.network is not None:
        yield NetworkEntry, victim.network.name
    if victim.registered is not None:
        yield VictimEntry, victim.registered.name


def trial_parts(trial: TrialSpec) -> Iterator[tuple[type[Entry], str]]:
    """Kind and name of all that a trial names; some come twice."""
    yield from components([trial])
    yield from victim_parts(trial.victim)
    if trial.pool is not None:
        yield DatasetEntry, trial.pool.name
    if trial.reserve is not None:
        yield DatasetEntry, trial.reserve.name
    for metric in trial.metrics:
        yield MetricEntry, metric.name
    for kind, links in (
        (DefenceEntry, trial.defences),
        (RecoveryEntry, trial.recoveries),
        (DetectorEntry, trial.detectors),
    ):
        for link in links:
            yield kind, link.name


def plugin_code(trial: TrialSpec, known: Registry) -> dict[str, Code]:
    """The code of each part of a trial that is not mebench's own, by kind and name; without what is not installed."""
    found: dict[str, Code] = {}
    for kind, name in trial_parts(trial):
        try:
            found |= known.code(kind, name)
        except (UnknownNameError, PluginError):
            continue
    return found


def trial_code(trial: TrialSpec, known: Registry) -> dict[str, Code]:
    """All code that a trial runs: `plugin_code`, and the files of the user's own victim."""
    return plugin_code(trial, known) | {
        part: Code(file.name, digest=digest)
        for part, file in _victim_files(trial.victim)
        if (digest := file_digest(file))
    }


def _victim_files(victim: VictimSpec) -> Iterator[tuple[str, Path]]:
    """The files that a user's own victim is read from. What a factory's file imports is not looked at."""
    if victim.factory is not None:
        module = Path(*victim.factory.partition(":")[0].split("."))
        files = (module.with_name(f"{module.name}.py"), module / "__init__.py")
        if file := next((file for file in files if file.is_file()), None):
            yield f"the factory of victim {victim.name}", file
    for kind, written in (("weights", victim.weights), ("TorchScript", victim.torchscript)):
        if written is not None:
            yield f"the {kind} file of victim {victim.name}", Path(written)
