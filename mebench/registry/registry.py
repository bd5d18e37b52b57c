"""All that can be named in a benchmark file, by kind and name, with where each comes from. Imports no torch."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from mebench.api.errors import PluginError, UnknownNameError
from mebench.api.suggestions import did_you_mean
from mebench.registry.entries import (
    KINDS,
    AttackEntry,
    ChannelEntry,
    DatasetEntry,
    Kind,
    LearnerEntry,
    MetricEntry,
    MetricOutput,
    NetworkEntry,
    StrategyEntry,
    VictimEntry,
)
from mebench.registry.entry import Entry
from mebench.registry.parameter import Parameter

JOIN = "+"
"""Between the names of a strategy and a learner that a benchmark puts together: ``random-pool+fit``."""


@dataclass(frozen=True)
class ComposedEntry(AttackEntry):
    """A strategy and a learner as one attack; parameters are named ``strategy.NAME`` and ``learner.NAME``.

    Attributes:
        strategy, learner: the parts.
    """

    strategy: StrategyEntry | None = None
    learner: LearnerEntry | None = None

    def load(self) -> Callable[..., Any]:
        """Import both parts; return a function that builds the attack.

        Raises:
            PluginError: a part cannot be imported.
        """
        assert self.strategy is not None
        assert self.learner is not None
        strategy, learner = self.strategy, self.learner
        make_strategy, make_learner = strategy.load(), learner.load()

        def build(context: Any, **parameters: Any) -> Any:
            from mebench.api.contract import Attack

            return Attack(
                strategy.with_parameters(make_strategy, _part("strategy", parameters))(context),
                learner.with_parameters(make_learner, _part("learner", parameters))(context),
            )

        return build


def compose(strategy: Entry, learner: Entry) -> ComposedEntry:
    """Make the attack of a strategy and a learner."""
    assert isinstance(strategy, StrategyEntry)
    assert isinstance(learner, LearnerEntry)
    return ComposedEntry(
        name=f"{strategy.name}{JOIN}{learner.name}",
        summary=f"{strategy.summary.rstrip('.')}; and for the clone: {learner.summary}",
        target=strategy.target,
        parameters=(*_named("strategy", strategy), *_named("learner", learner)),
        family=strategy.family,
        needs=strategy.needs | learner.needs,
        paper="none: put together in the benchmark file",
        strategy=strategy,
        learner=learner,
    )


@dataclass
class Registry:
    """Entries of every kind by name, with the distribution that each came from."""

    _entries: dict[Kind, dict[str, Entry]] = field(default_factory=lambda: {kind: {} for kind in KINDS})
    _origins: dict[tuple[Kind, str], str] = field(default_factory=dict)
    _conflicts: dict[tuple[Kind, str], str] = field(default_factory=dict)

    def add(self, entries: Iterable[tuple[Kind, Entry]], origin: str) -> None:
        """Add the entries of one plugin: all of them, or none.

        Raises:
            PluginError: a name is taken; the message names both distributions.
        """
        entries = list(entries)
        new: dict[tuple[Kind, str], str] = {}
        for kind, name in [(kind, name) for kind, entry in entries for name in _names(entry)]:
            key = (kind, name)
            taken_by = self._origins.get(key, new.get(key))
            if taken_by is not None:
                problem = f"{kind} {name!r} is registered twice, by {taken_by} and by {origin}: uninstall one"
                self._conflicts[key] = problem
                raise PluginError(problem)
            new[key] = origin
        for kind, entry in entries:
            self._entries[kind][entry.name] = entry
        self._origins.update(new)

    def names(self, kind: Kind) -> list[str]:
        """The names of one kind, sorted."""
        return sorted(self._entries[kind])

    def entries(self, kind: Kind) -> list[Entry]:
        """The entries of one kind, by name."""
        return [self._entries[kind][name] for name in self.names(kind)]

    def origin(self, kind: Kind, name: str) -> str:
        """The distribution, with its version, that registered a name; both where a strategy and a learner make it."""
        if kind == "attack" and JOIN in name:
            strategy, _, learner = name.partition(JOIN)
            return " and ".join(dict.fromkeys((self.origin("strategy", strategy), self.origin("learner", learner))))
        return self._origins[(kind, name)]

    def ships(self, kind: Kind, name: str) -> bool:
        """Whether something ships with mebench."""
        return all(origin.startswith("mebench ") for origin in self.origin(kind, name).split(" and "))

    def get(self, kind: Kind, name: str) -> Entry:
        """Look a name up.

        Raises:
            UnknownNameError: no such name; the message suggests the nearest.
            PluginError: two distributions have registered it, so that it is not clear which is meant.
        """
        if kind == "attack" and JOIN in name:
            strategy, _, learner = name.partition(JOIN)
            return compose(self.get("strategy", strategy), self.get("learner", learner))
        if (kind, name) in self._conflicts:
            raise PluginError(self._conflicts[kind, name])
        try:
            return self._entries[kind][name]
        except KeyError:
            known = self.names(kind)
            raise UnknownNameError(f"unknown {kind} {name!r}{did_you_mean(name, known)}") from None

    def attack(self, name: str) -> AttackEntry:
        """The attack of that name; see ``get``."""
        entry = self.get("attack", name)
        assert isinstance(entry, AttackEntry)
        return entry

    def channel(self, name: str) -> ChannelEntry:
        """The channel of that name; see ``get``."""
        entry = self.get("channel", name)
        assert isinstance(entry, ChannelEntry)
        return entry

    def channels_for(self, attack: AttackEntry) -> list[str]:
        """The channels that give all that an attack needs."""
        channels = self.entries("channel")
        return [one.name for one in channels if isinstance(one, ChannelEntry) and attack.needs <= one.gives]

    def metric(self, name: str) -> MetricEntry:
        """The metric of that name; see ``get``."""
        entry = self.get("metric", name)
        assert isinstance(entry, MetricEntry)
        return entry

    def measured(self) -> dict[str, tuple[MetricEntry, MetricOutput]]:
        """Every number that a metric may measure, by its key in results, with its metric."""
        entries = (entry for entry in self.entries("metric") if isinstance(entry, MetricEntry))
        return {output.name: (entry, output) for entry in entries for output in entry.numbers}

    def victim(self, name: str) -> VictimEntry:
        """The victim of that name; see ``get``."""
        entry = self.get("victim", name)
        assert isinstance(entry, VictimEntry)
        return entry

    def network(self, name: str) -> NetworkEntry:
        """The network of that name; see ``get``."""
        entry = self.get("network", name)
        assert isinstance(entry, NetworkEntry)
        return entry

    def dataset(self, name: str) -> DatasetEntry:
        """The data set of that name; see ``get``."""
        entry = self.get("dataset", name)
        assert isinstance(entry, DatasetEntry)
        return entry


def _names(entry: Entry) -> list[str]:
    """The names that nothing else of its kind may have: an entry's own, and those of a metric's outputs."""
    outputs = entry.outputs if isinstance(entry, MetricEntry) else ()
    return list(dict.fromkeys([entry.name, *(output.name for output in outputs)]))


def composed(registry: Registry) -> list[ComposedEntry]:
    """Every strategy with every learner."""
    return [
        compose(strategy, learner)
        for strategy in registry.entries("strategy")
        for learner in registry.entries("learner")
    ]


def _named(part: str, entry: Entry) -> list[Parameter]:
    return [replace(parameter, name=f"{part}.{parameter.name}") for parameter in entry.declared]


def _part(part: str, parameters: dict[str, Any]) -> dict[str, Any]:
    start = f"{part}."
    return {name.removeprefix(start): value for name, value in parameters.items() if name.startswith(start)}
