"""All that can be named in a benchmark file, by kind and name, with where each comes from. Imports no torch."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar, cast

from mebench.api.errors import PluginError, UnknownNameError
from mebench.api.suggestions import did_you_mean
from mebench.registry.code import OWN, Code, package_digest
from mebench.registry.entries import (
    KINDS,
    AttackEntry,
    BuiltinMetric,
    ChannelEntry,
    LearnerEntry,
    MetricEntry,
    MetricOutput,
    StrategyEntry,
)
from mebench.registry.entry import Entry
from mebench.registry.parameter import Parameter

Named = TypeVar("Named", bound=Entry)

JOIN = "+"
"""Between the names of a strategy and a learner that a benchmark puts together: ``random-pool+fit``."""


@dataclass(frozen=True, kw_only=True)
class ComposedEntry(AttackEntry):
    """A strategy and a learner as one attack; parameters are named ``strategy.NAME`` and ``learner.NAME``.

    Attributes:
        strategy, learner: the parts.
    """

    strategy: StrategyEntry
    learner: LearnerEntry

    def load(self) -> Callable[..., Any]:
        """Import both parts; return a function that builds the attack.

        Raises:
            PluginError: a part cannot be imported.
        """
        strategy, learner = self.strategy.load(), self.learner.load()

        def build(context: Any, **parameters: Any) -> Any:
            from mebench.api.contract import Attack

            return Attack(
                self.strategy.with_parameters(strategy, _part("strategy", parameters))(context),
                self.learner.with_parameters(learner, _part("learner", parameters))(context),
            )

        return build


def compose(strategy: StrategyEntry, learner: LearnerEntry) -> ComposedEntry:
    """Make the attack of a strategy and a learner."""
    return ComposedEntry(
        name=f"{strategy.name}{JOIN}{learner.name}",
        summary=f"{strategy.summary.rstrip('.')}; and for the clone: {learner.summary}",
        target=strategy.target,
        parameters=(*_named("strategy", strategy), *_named("learner", learner)),
        family="pool" if learner.needs_pool else strategy.family,
        images_only=strategy.images_only or learner.images_only or strategy.family == "generator",
        needs=strategy.needs | learner.needs,
        paper="none: put together in the benchmark file",
        strategy=strategy,
        learner=learner,
    )


@dataclass(eq=False)
class Registry:
    """Entries of every kind by name, with the distribution that each came from.

    A kind is the class of its entries: ``registry.get(AttackEntry, "megex")``.
    """

    _entries: dict[str, dict[str, Entry]] = field(default_factory=lambda: {kind.kind: {} for kind in KINDS})
    _origins: dict[tuple[str, str], str] = field(default_factory=dict)
    _conflicts: dict[tuple[str, str], str] = field(default_factory=dict)
    _codes: dict[tuple[str, str], Code] = field(default_factory=dict)

    def add(self, entries: Iterable[Entry], origin: str, code: Code | None = None) -> None:
        """Add the entries of one plugin: all of them, or none.

        Args:
            entries: what the plugin registers.
            origin: its distribution and version, in words.
            code: of the plugin; None for mebench's own rooms.

        Raises:
            PluginError: a name is taken; the message names both distributions.
        """
        entries = list(entries)
        new: dict[tuple[str, str], str] = {}
        for key in [(entry.kind, name) for entry in entries for name in _names(entry)]:
            taken_by = self._origins.get(key, new.get(key))
            if taken_by is not None:
                kind, name = key
                problem = f"{kind} {name!r} is registered twice, by {taken_by} and by {origin}: uninstall one"
                self._conflicts[key] = problem
                raise PluginError(problem)
            new[key] = origin
        for entry in entries:
            self._entries[entry.kind][entry.name] = entry
            if code is not None:
                self._codes[entry.kind, entry.name] = code
        self._origins.update(new)

    def names(self, kind: type[Entry]) -> list[str]:
        """The names of one kind, sorted."""
        return sorted(self._entries[kind.kind])

    def entries(self, kind: type[Named]) -> list[Named]:
        """The entries of one kind, by name."""
        return [cast(Named, self._entries[kind.kind][name]) for name in self.names(kind)]

    def get(self, kind: type[Named], name: str) -> Named:
        """Look a name up.

        Raises:
            UnknownNameError: no such name; the message suggests the nearest.
            PluginError: two distributions have registered it, so that it is not clear which is meant.
        """
        if parts := _parts(kind, name):
            return cast(Named, compose(self.get(StrategyEntry, parts[0]), self.get(LearnerEntry, parts[1])))
        if (kind.kind, name) in self._conflicts:
            raise PluginError(self._conflicts[kind.kind, name])
        try:
            return cast(Named, self._entries[kind.kind][name])
        except KeyError:
            known = self.names(kind)
            raise UnknownNameError(f"unknown {kind.kind} {name!r}{did_you_mean(name, known)}") from None

    def origin(self, kind: type[Entry], name: str) -> str:
        """The distribution, with its version, that registered a name; both where a strategy and a learner make it."""
        if parts := _parts(kind, name):
            return " and ".join(dict.fromkeys(map(self.origin, (StrategyEntry, LearnerEntry), parts)))
        return self._origins[(kind.kind, name)]

    def described(self, kind: type[Entry], name: str) -> str:
        """Something registered in words: ``attack megex (mebench 0.1.0)``."""
        return f"{kind.kind} {name} ({self.origin(kind, name)})"

    def ships(self, kind: type[Entry], name: str) -> bool:
        """Whether something ships with mebench."""
        return all(origin.startswith("mebench ") for origin in self.origin(kind, name).split(" and "))

    def code(self, kind: type[Entry], name: str) -> dict[str, Code]:
        """The code behind a name, by kind and name; of both where a strategy and a learner make it.

        It is that of the plugin that registers it, and of the package of its target, where that is another. Empty for
        what is in mebench's own rooms.

        Raises:
            UnknownNameError, PluginError: as `get`.
        """
        if parts := _parts(kind, name):
            return self.code(StrategyEntry, parts[0]) | self.code(LearnerEntry, parts[1])
        entry, code = self.get(kind, name), self._codes.get((kind.kind, name))
        if code is None:
            return {}
        target = entry.target.partition(":")[0]
        elsewhere = "" if target.partition(".")[0] == OWN else package_digest(target)
        digests = dict.fromkeys(filter(None, (code.digest, elsewhere)))
        return {f"{entry.kind} {entry.name}": replace(code, digest="+".join(digests))}

    def channels_for(self, needs: frozenset[str]) -> list[str]:
        """The channels that give all of what an attack needs."""
        return [one.name for one in self.entries(ChannelEntry) if needs <= one.gives]

    def builtin_metrics(self) -> list[BuiltinMetric]:
        """What every trial is measured by, by name."""
        return [entry for entry in self.entries(MetricEntry) if isinstance(entry, BuiltinMetric)]

    def measured(self) -> dict[str, tuple[MetricEntry, MetricOutput]]:
        """Every number that a metric may measure, by its key in results, with its metric."""
        return {output.name: (entry, output) for entry in self.entries(MetricEntry) for output in entry.numbers}


def _parts(kind: type[Entry], name: str) -> tuple[str, str] | None:
    """The strategy and the learner that make an attack; None for what is registered as it is."""
    strategy, join, learner = name.partition(JOIN)
    return (strategy, learner) if join and issubclass(kind, AttackEntry) else None


def _names(entry: Entry) -> list[str]:
    """The names that nothing else of its kind may have: an entry's own, and those of a metric's outputs."""
    outputs = entry.outputs if isinstance(entry, MetricEntry) else ()
    return list(dict.fromkeys([entry.name, *(output.name for output in outputs)]))


def composed(registry: Registry) -> list[ComposedEntry]:
    """Every strategy with every learner."""
    return [
        compose(strategy, learner)
        for strategy in registry.entries(StrategyEntry)
        for learner in registry.entries(LearnerEntry)
    ]


def _named(part: str, entry: Entry) -> list[Parameter]:
    return [replace(parameter, name=f"{part}.{parameter.name}") for parameter in entry.declared]


def _part(part: str, parameters: dict[str, Any]) -> dict[str, Any]:
    start = f"{part}."
    return {name.removeprefix(start): value for name, value in parameters.items() if name.startswith(start)}
