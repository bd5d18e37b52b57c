"""From a benchmark file to the trials that it asks for. Imports no torch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path
from typing import Any

from mebench.api.errors import ConfigurationError
from mebench.api.spec import Component, TrialSpec, VictimSpec
from mebench.data.class_names import cleaned, names_of
from mebench.data.sizes import rows_held, size_note
from mebench.plan.file import Benchmark, Profile, select_profile
from mebench.plan.file.schema import MAX_SEEDS
from mebench.plan.grid import SUPERVISED, Grid, references
from mebench.plan.shard import Shard
from mebench.registry.catalogue import registry as installed
from mebench.registry.entries import DatasetEntry
from mebench.registry.registry import Registry
from mebench.results.leaderboard.write.labels import answered_by

MAX_TRIALS = 100_000


@dataclass(frozen=True)
class Plan:
    """The trials of one profile.

    Attributes:
        benchmark: the file.
        profile: the name of the profile.
        ids: the trials by id, supervised references first, then in the order of the file.
        registry: what the file was checked with.
        whole, shard: the plan that this one is a part of, and which part; None for a whole one.
    """

    benchmark: Benchmark
    profile: str
    ids: dict[str, TrialSpec]
    registry: Registry = field(repr=False)
    whole: Plan | None = field(default=None, repr=False)
    shard: Shard | None = None

    @property
    def trials(self) -> list[TrialSpec]:
        """The trials in their order."""
        return list(self.ids.values())

    @property
    def settings(self) -> Profile:
        """The profile: its ``scale``, ``note``, ``device``, ``needs_gpu`` and so on."""
        return self.benchmark.profiles[self.profile]

    def victims(self) -> list[VictimSpec]:
        """The victims that the trials need, each once."""
        return list({trial.victim.name: trial.victim for trial in self.trials}.values())

    def names(self, trial: TrialSpec) -> tuple[str, str, str, str]:
        """Attack, variant, victim and channel of a trial, as shown in tables and matched by ``--only``."""
        channel = answered_by(trial.channel, trial.defences, trial.on_alarm)
        return trial.attack.name, trial.variant, trial.victim.name, channel

    @cached_property
    def rows(self) -> list[dict[str, TrialSpec]]:
        """The trials by id, in groups that differ only by seed: the rows of the leaderboard."""
        groups: dict[tuple[object, ...], dict[str, TrialSpec]] = {}
        for name, trial in self.ids.items():
            key = (*self.names(trial), repr(trial.clone), repr(trial.pool), trial.data_prior, trial.budget, trial.track)
            groups.setdefault(key, {})[name] = trial
        return list(groups.values())

    def notes(self) -> list[str]:
        """What a reader must know before it runs: the scale above all; one sentence each."""
        return _notes(self)

    def metadata(self) -> dict[str, Any]:
        """What a run writes to ``benchmark.json`` in the results folder; the same for all shards."""
        if self.whole is not None:
            return self.whole.metadata()
        benchmark, settings = self.benchmark, self.settings
        return {
            "format": 1,
            "name": benchmark.name,
            "title": benchmark.title,
            "paper": benchmark.paper.model_dump(exclude_none=True) if benchmark.paper else {},
            "profile": self.profile,
            "scale": settings.scale,
            "note": settings.note,
            "references": references(settings),
            "reported": [row.model_dump() for row in benchmark.reported],
            "prices": benchmark.prices.model_dump() if benchmark.prices else None,
            "class_names": {one.name: list(names) for one in self.victims() if (names := self.class_names(one))},
            "trials": list(self.ids),
            "settings": {name: trial.settings_digest for name, trial in self.ids.items()},
            "file": benchmark.file.name,
        }

    def class_names(self, victim: VictimSpec) -> tuple[str, ...]:
        """What readers call the classes of a victim: as the file says, else as its data set does; empty for numbers."""
        said = self.benchmark.victims[victim.name].class_names
        data = self.registry.get(DatasetEntry, victim.data.name)
        return cleaned(said) if said else names_of(data, victim.data.parameters)

    def select(self, only: Sequence[str]) -> Plan:
        """Keep what matches a pattern, with the supervised references that belong to it.

        A pattern, in which ``*`` stands for anything, matches ``attack``, ``attack/variant``,
        ``attack/variant/victim/channel`` or the trial's id. One that starts with ``!`` drops what it matches,
        references too: ``!supervised``.

        Raises:
            ConfigurationError: a pattern matches nothing, or nothing is left.
        """
        matched = {pattern: self._matching(pattern.removeprefix("!")) for pattern in only}
        for pattern, found in matched.items():
            if not found:
                raise ConfigurationError(f"--only {pattern}: matches no trial{self._listing()}")
        wanted = [found for pattern, found in matched.items() if not pattern.startswith("!")]
        kept = set().union(*wanted) if wanted else set(self.ids)
        kept |= self._references_of(kept)
        kept = kept.difference(*(found for pattern, found in matched.items() if pattern.startswith("!")))
        if not kept:
            raise ConfigurationError(f"--only {' --only '.join(only)}: leaves no trial{self._listing()}")
        return Plan(self.benchmark, self.profile, {i: t for i, t in self.ids.items() if i in kept}, self.registry)

    def part(self, shard: Shard) -> Plan:
        """Keep the trials of a shard; there may be none."""
        kept = shard.of(self.ids)
        return replace(
            self, ids={name: trial for name, trial in self.ids.items() if name in kept}, whole=self, shard=shard
        )

    def _matching(self, pattern: str) -> set[str]:
        found = set()
        for name, trial in self.ids.items():
            attack, variant, victim, channel = self.names(trial)
            forms = (attack, f"{attack}/{variant}", f"{attack}/{variant}/{victim}/{channel}", name)
            if any(fnmatchcase(form, pattern) for form in forms):
                found.add(name)
        return found

    def _references_of(self, kept: set[str]) -> set[str]:
        def group(trial: TrialSpec) -> tuple[object, ...]:
            return trial.victim.name, repr(trial.clone), trial.seed

        groups = {group(self.ids[name]) for name in kept}
        return {name for name, t in self.ids.items() if t.kind == SUPERVISED and group(t) in groups}

    def _listing(self) -> str:
        known = list(dict.fromkeys("/".join(self.names(trial)) for trial in self.trials))
        return f". There is: {', '.join(known[:20])}{', ...' if len(known) > 20 else ''}"


def make_plan(
    benchmark: Benchmark,
    profile: str | None = None,
    *,
    seeds: int | Sequence[int] | None = None,
    only: Sequence[str] = (),
    shard: Shard | None = None,
    registry: Registry | None = None,
) -> Plan:
    """List the trials of a profile.

    Args:
        benchmark: a checked file.
        profile: its default profile without it.
        seeds: in place of the file's: a number n for 0 to n-1, or the seeds themselves.
        only: patterns; see `Plan.select`.
        shard: which part of what is selected.
        registry: what the file was checked with; that of the installed plugins without it.

    Raises:
        ConfigurationError: no such profile, no seeds, more than `MAX_TRIALS`, or nothing matches ``only``.
    """
    name = select_profile(benchmark, profile)
    if isinstance(seeds, int) and not 1 <= seeds <= MAX_SEEDS:
        raise ConfigurationError(f"--seeds {seeds}: must be at least 1 and at most {MAX_SEEDS:,}")
    chosen = list(range(seeds)) if isinstance(seeds, int) else seeds
    known = registry or installed()
    grid = Grid(benchmark, benchmark.profiles[name], known, chosen)
    if grid.size > MAX_TRIALS:
        most = f"at most {MAX_TRIALS:,} can be planned at once"
        raise ConfigurationError(f"{benchmark.file}: profile {name!r} makes {grid.size:,} trials; {most}")
    trials = grid.trials()
    plan = Plan(benchmark, name, {trial.id: trial for trial in trials}, known)
    plan = plan.select(only) if only else plan
    return plan.part(shard) if shard else plan


def default_out(benchmark: Benchmark, profile: str) -> Path:
    """The results folder of a profile where none is given: ``runs/NAME/PROFILE``."""
    return Path("runs") / benchmark.name / profile


def _notes(plan: Plan) -> list[str]:
    """What a reader must know before a run, one sentence each: scale, the file's note, GPU, curves, sizes, overlaps."""
    settings = plan.settings
    scale = "The paper's own scale" if settings.scale == "paper" else "Reduced scale: not the paper's"
    notes = [f"{scale}. {settings.note}".strip().removesuffix(".") + "."]
    if settings.needs_gpu:
        notes.append("This profile needs a GPU to end in reasonable time.")
    notes += _points_left_out(plan)
    notes += [note for victim in plan.victims() if (note := size_note(victim))]
    return [*notes, *_small_pools(plan), *dict.fromkeys(_overlaps(plan))]


def _points_left_out(plan: Plan) -> Iterator[str]:
    """One sentence for each budget that allows fewer evaluations than are asked for."""
    asked = {(trial.evaluations, trial.budget) for trial in plan.trials if trial.kind != SUPERVISED}
    for evaluations, budget in sorted(asked):
        if evaluations > budget:
            yield f"A curve of a budget of {budget:,} has at most {budget:,} evaluations, and not {evaluations:,}."


def _small_pools(plan: Plan) -> Iterator[str]:
    """One sentence for each pool that is known to hold fewer inputs than a budget that is spent on it."""
    largest: dict[tuple[str, int], int] = {}
    for trial in plan.trials:
        if trial.pool is None:
            continue
        held = rows_held(plan.registry.get(DatasetEntry, trial.pool.name), trial.pool.parameters)
        if held is not None and held < trial.budget:
            key = trial.pool.name, held
            largest[key] = max(trial.budget, largest.get(key, 0))
    for (name, held), budget in largest.items():
        yield (
            f"The pool {name} holds {held:,} inputs, and the budget is {budget:,}: attacks that ask nothing twice"
            " end when it is empty."
        )


def _overlaps(plan: Plan) -> Iterator[str]:
    for trial in plan.trials:
        for recovery in trial.recoveries:
            asked = _asked_besides(recovery, plan.registry)
            if asked and trial.victim.training and _share_rows(asked, trial.victim.data):
                yield (
                    f"{recovery.name} asks images that {trial.victim.name} was trained on: give it rows that do not"
                    " overlap, unless this is what you want to measure."
                )
        if trial.pool and trial.victim.training and _share_rows(trial.pool, trial.victim.data):
            yield (
                f"The pool of {trial.attack.name} holds images that {trial.victim.name} was trained on:"
                " give both of them rows that do not overlap, unless this is what you want to measure."
            )


def _asked_besides(recovery: Component, registry: Registry) -> Component | None:
    """The data set of which a recovery asks inputs of its own, if it names one."""
    name, rows = recovery.parameters.get("data"), recovery.parameters.get("rows")
    if not isinstance(name, str) or not name:
        return None
    return registry.get(DatasetEntry, name).as_component({"rows": list(rows)} if rows else {})


def _share_rows(first: Component, second: Component) -> bool:
    """Whether two data sets are the same, with rows in common."""
    places = [{**data.parameters, "rows": None, "name": data.name} for data in (first, second)]
    (start, stop), (other_start, other_stop) = (
        data.parameters.get("rows") or (0, float("inf")) for data in (first, second)
    )
    return places[0] == places[1] and start < other_stop and other_start < stop
