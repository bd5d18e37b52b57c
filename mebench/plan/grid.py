"""The grid of a benchmark's profile: attacks x victims x budgets x seeds as resolved trials."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from mebench.api.spec import Component, TrialSpec, VictimSpec
from mebench.plan.file.schema import AttackSection, Benchmark, Named, Profile, Run, VictimSection
from mebench.plan.links import with_links
from mebench.registry.defence_entries import DefenceEntry, DetectorEntry, RecoveryEntry
from mebench.registry.entries import AttackEntry, ChannelEntry, DatasetEntry, MetricEntry, NetworkEntry, VictimEntry
from mebench.registry.entry import Entry
from mebench.registry.registry import Registry

SUPERVISED: Literal["supervised"] = "supervised"


def references(profile: Profile) -> list[str]:
    """The reference rows that a profile or any of its runs asks for."""
    asked = [profile.references if run.references is None else run.references for run in profile.runs]
    return list(dict.fromkeys(name for names in asked for name in names))


class Grid:
    """Makes the trials of a profile.

    Args:
        benchmark: a checked file.
        profile: one of its profiles.
        registry: what the file was checked with.
        seeds: in place of the file's.
    """

    def __init__(
        self, benchmark: Benchmark, profile: Profile, registry: Registry, seeds: Sequence[int] | None = None
    ) -> None:
        self._profile = profile
        self._registry = registry
        self._seeds = seeds
        self._metrics = tuple(self._component(MetricEntry, metric) for metric in [*benchmark.metrics, *profile.metrics])
        self._victims = {name: self._victim(name, section) for name, section in benchmark.victims.items()}

    def trials(self) -> list[TrialSpec]:
        """All trials, supervised references first, in the order of the file; each once."""
        runs = self._profile.runs
        supervised = {}
        for run in runs:
            asked = self._profile.references if run.references is None else run.references
            for trial in self._supervised(run) if SUPERVISED in asked else ():
                supervised[trial.id] = trial
        return [*supervised.values(), *(trial for run in runs for trial in self._attacks(run))]

    @property
    def size(self) -> int:
        """How many trials there are, references left out; known before any of them is made."""
        return sum(
            len(run.attacks)
            * len(run.victims)
            * len(run.budgets)
            * len(run.tracks or self._profile.tracks)
            * len(run.defences)
            * len(run.recoveries)
            * len(self._seeds_of(run))
            for run in self._profile.runs
        )

    def _attacks(self, run: Run) -> Iterator[TrialSpec]:
        clone = self._component(NetworkEntry, run.clone)
        for section in run.attacks:
            for victim in run.victims:
                for budget in run.budgets:
                    trial = self._trial(run, section, self._victims[victim], clone, budget)
                    for track in run.tracks or self._profile.tracks:
                        alike = list(self._behind_links(run, replace(trial, track=track)))
                        for seed in self._seeds_of(run):
                            yield from (replace(one, seed=seed) for one in alike)

    def _behind_links(self, run: Run, trial: TrialSpec) -> Iterator[TrialSpec]:
        """The trial behind every chain of defences, with every chain of recoveries."""
        detectors = self._components(DetectorEntry, run.detectors)
        watched = replace(
            trial,
            detectors=detectors,
            reserve=self._component(DatasetEntry, run.reserve) if run.reserve else None,
            clients=run.clients,
            on_alarm=run.on_alarm,
        )
        for defences in run.defences:
            behind = replace(watched, defences=self._components(DefenceEntry, defences))
            for recoveries in run.recoveries:
                whole = replace(behind, recoveries=self._components(RecoveryEntry, recoveries))
                yield with_links(whole, self._registry)

    def _components(self, kind: type[Entry], chain: Sequence[Named]) -> tuple[Component, ...]:
        return tuple(self._component(kind, one) for one in chain)

    def _trial(self, run: Run, section: AttackSection, victim: VictimSpec, clone: Component, budget: int) -> TrialSpec:
        """A trial before it has a seed of its own: those that differ by seed alone are made of one."""
        entry = self._registry.get(AttackEntry, section.attack)
        attack = entry.as_component(section.parameters)
        pool = run.pool if entry.family == "pool" else None
        return TrialSpec(
            victim=victim,
            channel=self._component(ChannelEntry, section.channel),
            attack=attack,
            variant=section.variant or entry.variant(attack.parameters),
            clone=clone,
            budget=budget,
            seed=0,
            pool=self._component(DatasetEntry, pool) if pool else None,
            data_prior=pool.prior if pool else "none",
            evaluations=run.evaluations or self._profile.evaluations,
            tf32=self._profile.tf32,
            compile=self._profile.compile,
            evaluation_share=self._profile.evaluation_share,
            bf16=self._profile.bf16,
            metrics=self._metrics,
        )

    def _supervised(self, run: Run) -> Iterator[TrialSpec]:
        clone = self._component(NetworkEntry, run.clone)
        for victim in run.victims:
            for seed in self._seeds_of(run):
                yield TrialSpec(
                    kind=SUPERVISED,
                    victim=self._victims[victim],
                    channel=Component("none"),
                    attack=Component(SUPERVISED),
                    variant="default",
                    clone=clone,
                    budget=0,
                    seed=seed,
                    evaluations=1,
                    tf32=self._profile.tf32,
                    metrics=self._metrics,
                )

    def _seeds_of(self, run: Run) -> Sequence[int]:
        return self._seeds or run.seeds or self._profile.seeds

    def _component(self, kind: type[Entry], named: Named) -> Component:
        return self._registry.get(kind, named.name).as_component(named.parameters)

    def _victim(self, name: str, section: VictimSection) -> VictimSpec:
        if section.victim is not None:
            return self._registered_victim(name, section, section.victim)
        assert section.data is not None
        return VictimSpec(
            name=name,
            data=self._component(DatasetEntry, section.data),
            image_size=(section.image_size[0], section.image_size[1]) if section.image_size else None,
            network=self._component(NetworkEntry, section.network) if section.network else None,
            training=section.training.recipe() if section.training else None,
            seed=section.seed,
            factory=section.factory,
            weights=section.weights,
            torchscript=section.torchscript,
            mean=tuple(section.mean) if section.mean else None,
            std=tuple(section.std) if section.std else None,
            outputs=section.outputs,
        )

    def _registered_victim(self, name: str, section: VictimSection, named: Named) -> VictimSpec:
        entry = self._registry.get(VictimEntry, named.name)
        data = self._component(DatasetEntry, section.data or Named(name=entry.data))
        return registered_victim(name, entry, named.parameters, data, section.seed)


def registered_victim(
    name: str, entry: VictimEntry, parameters: Mapping[str, Any], data: Component, seed: int = 0
) -> VictimSpec:
    """The description of a registered victim.

    Args:
        name: shown in results.
        entry: of the victim.
        parameters: of the victim; those that are left out have their defaults.
        data: the data set that it is scored on.
        seed: of what its code draws at random.
    """
    return VictimSpec(
        name=name,
        data=data,
        image_size=(entry.image_size[0], entry.image_size[1]) if entry.image_size else None,
        seed=seed,
        mean=tuple(entry.mean) or None,
        std=tuple(entry.std) or None,
        outputs=entry.outputs,
        registered=entry.as_component(parameters),
    )
