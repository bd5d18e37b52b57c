"""What can be named in a benchmark file: metadata, parameters, and a lazy ``"module:object"``.

Nothing here imports torch. An entry's target is imported when a trial needs it, never when names are listed.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from mebench.errors import ConfigurationError, PluginError, UnknownNameError
from mebench.parameter import Parameter as Parameter
from mebench.spec import Component
from mebench.suggestions import did_you_mean

Kind = Literal["attack", "channel", "network", "dataset", "strategy", "learner", "metric", "victim", "report"]
KINDS: tuple[Kind, ...] = get_args(Kind)
Medium = Literal["images", "texts"]
WORDS = frozenset({"label", "probability", "logit", "explanation", "integrated"})
"""What an answer may hold: the words of ``needs`` and ``gives``."""

_OWN_NAMES = re.compile(r"\bmebench_plugin_[0-9a-f]{8}_")
"""What `mebench.plugin_sources` puts before the names of modules in plugin folders; nobody has written it."""


@dataclass(frozen=True)
class Entry:
    """What every registered thing has.

    Attributes:
        name: unique within its kind; lower case, digits and hyphens.
        summary: one sentence.
        target: ``"module:object"``, imported only when it is used.
        parameters: what a benchmark file may set.
    """

    name: str
    summary: str
    target: str
    parameters: tuple[Parameter, ...] = ()

    def load(self) -> Any:
        """Import and return the target.

        Raises:
            PluginError: the module cannot be imported, or has no such object.
        """
        module_name, _, attribute = self.target.partition(":")
        try:
            return getattr(importlib.import_module(module_name), attribute)
        except Exception as error:
            said = f"{self.name}: cannot load {self.target!r}: {type(error).__name__}: {error}"
            raise PluginError(_OWN_NAMES.sub("", said)) from error

    def resolve(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return all parameters with defaults filled in, in the order of their declaration.

        Raises:
            ConfigurationError: with one ``key: problem`` line per unknown or unfit value.
        """
        problems: list[str] = []
        known = [parameter.name for parameter in self.parameters]
        for key in given:
            if key not in known:
                problems.append(f"{key}: {self.name} has no such parameter{did_you_mean(key, known)}")
        resolved: dict[str, Any] = {}
        for parameter in self.parameters:
            value = given.get(parameter.name, parameter.default)
            try:
                resolved[parameter.name] = parameter.check(value)
            except ValueError as error:
                problems.append(f"{parameter.name}: {error}")
        if problems:
            raise ConfigurationError(*problems)
        return resolved

    def component(self, given: Mapping[str, Any]) -> Component:
        """Return what a spec keeps: name and resolved parameters, less late ones that have their default.

        Raises:
            ConfigurationError: as `resolve`.
        """
        resolved = self.resolve(given)
        default = [one.name for one in self.parameters if one.late and resolved[one.name] == one.default]
        return Component(self.name, {name: value for name, value in resolved.items() if name not in default})

    def variant(self, parameters: Mapping[str, Any]) -> str:
        """Name the variant that parameters make; ``"default"`` where nothing tells it apart.

        Parameters that are left out have their defaults.
        """
        words = []
        for parameter in self.parameters:
            value = parameters.get(parameter.name, parameter.default)
            changed = parameter.in_variant == "changed" and value != parameter.default
            if parameter.in_variant == "always" or changed:
                words.append(value if isinstance(value, str) else f"{parameter.name}={value}")
        return ",".join(words) or "default"

    def label(self, parameters: Mapping[str, Any]) -> str:
        """The name and, in brackets, what differs from the defaults or is always shown: ``probability(decimals=2)``.

        Parameters that are left out have their defaults.
        """
        values = [(parameter, parameters.get(parameter.name, parameter.default)) for parameter in self.parameters]
        changed = [
            f"{parameter.name}={_word(value)}"
            for parameter, value in values
            if parameter.in_variant == "always" or value != parameter.default
        ]
        return f"{self.name}({','.join(changed)})" if changed else self.name


def _word(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return "/".join(map(_word, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


@dataclass(frozen=True)
class AttackEntry(Entry):
    """An attack. Its target is called as ``target(context, **parameters)`` and returns an ``Attack``.

    Attributes:
        family: ``generator`` (makes inputs) or ``pool`` (chooses among unlabelled inputs).
        needs: what an answer must hold: ``label``, ``probability``, ``logit``, ``explanation``, ``integrated``.
        paper: short reference with an arXiv or DOI number.
        minimum_budget: the smallest budget that makes sense, in queries.
        texts: whether a generator attack can also make texts, as ids of words; see ``spec.discrete``. Attacks of the
            pool family ask what is in the pool.
        float32: whether it lives on differences so small that only float32 has them; such an attack is refused where
            networks are trained in bfloat16. Since version 1.3.
    """

    family: Literal["generator", "pool"] = "generator"
    needs: frozenset[str] = frozenset({"probability"})
    paper: str = ""
    minimum_budget: int = 1
    texts: bool = False
    float32: bool = False


@dataclass(frozen=True)
class ChannelEntry(Entry):
    """A response channel. Its target is called as ``target(**parameters)`` and returns a ``ResponseChannel``.

    Attributes:
        gives: what its answers hold: ``label``, ``probability``, ``logit``, ``explanation``, ``integrated``.
    """

    gives: frozenset[str] = frozenset({"label"})


@dataclass(frozen=True)
class NetworkEntry(Entry):
    """A network. Its target is called as ``target(spec, **parameters)`` and returns an ``nn.Module`` of logits.

    Attributes:
        inputs: what it takes, ``images`` or ``texts``. The target of one for texts is called as
            ``target(spec, lexicon, **parameters)``, with a `mebench.data.text.words.Lexicon`: the public word list, and
            how often each word occurs in what the network's owner has.
    """

    inputs: Medium = "images"


@dataclass(frozen=True)
class DatasetEntry(Entry):
    """A data set. Its target is called as ``target(split, **parameters)``; returns a ``Dataset`` or ``TextDataset``.

    Attributes:
        shape: shape of one input, channels first.
        num_classes: number of classes.
        licence: as its publisher states it.
        source: where it comes from, and where mebench looks for it.
        inputs: what it holds, ``images`` or ``texts``. One of texts has the parameters ``length`` and ``words``; where
            a pool leaves them out, the victim's are taken.
        has_test: whether there is a ``test`` split; without, it can only be a pool.
    """

    shape: tuple[int, ...] = ()
    num_classes: int = 0
    licence: str = ""
    source: str = ""
    inputs: Medium = "images"
    has_test: bool = True


@dataclass(frozen=True)
class StrategyEntry(Entry):
    """A query strategy by itself. Its target is called as ``target(context, **parameters)`` and returns a
    ``QueryStrategy``. Together with a learner it is the attack ``strategy+learner``.

    Attributes:
        family, needs: as of an attack; what the strategy needs for itself.
    """

    family: Literal["generator", "pool"] = "generator"
    needs: frozenset[str] = frozenset({"label"})


@dataclass(frozen=True)
class LearnerEntry(Entry):
    """A learner by itself. Its target is called as ``target(context, **parameters)`` and returns a ``Learner``.

    Attributes:
        needs: what an answer must hold for the learner.
    """

    needs: frozenset[str] = frozenset({"label"})


Better = Literal["higher", "lower", "neither"]


@dataclass(frozen=True)
class MetricOutput:
    """One number of a metric that has several.

    Attributes:
        name: its key in results; unique among the names and outputs of all metrics.
        summary: one sentence.
        better: the direction in which the attack is stronger.
    """

    name: str
    summary: str
    better: Better = "higher"


@dataclass(frozen=True)
class MetricEntry(Entry):
    """One or more numbers about a clone. Its target is called as ``target(evidence, **parameters)`` with a
    `mebench.metrics.NetworkEvidence`. It returns a finite number, or None where there is none; or, if there are
    ``outputs``, a mapping of some of their names to such values.

    Attributes:
        better: the direction in which the attack is stronger: ``higher``, ``lower`` or ``neither``.
        always: measured in every trial; only mebench's own are.
        outputs: all that the target may return; empty if that is one number, whose key is the metric's name.
        when: ``evaluation``: at every one; ``end``: once, of the clone that is scored. What is measured at the end only
            is tried at the start of the trial, on a few inputs, so that its faults cost no more.
    """

    better: Better = "higher"
    always: bool = False
    outputs: tuple[MetricOutput, ...] = ()
    when: Literal["evaluation", "end"] = "evaluation"

    @property
    def numbers(self) -> tuple[MetricOutput, ...]:
        """What it may measure: its outputs, or the one number that has its own name."""
        return self.outputs or (MetricOutput(self.name, self.summary, self.better),)


@dataclass(frozen=True)
class VictimEntry(Entry):
    """A victim that brings its weights. Its target is called as ``target(**parameters)`` and returns an ``nn.Module``
    of logits (B, c) for inputs (B, \\*shape), on the CPU.

    Attributes:
        data: the data set on whose test split it is scored, if the benchmark file names none.
        image_size: height and width of what it takes; None for those of the data set.
        mean, std: per channel, put before it; empty for none. Inputs themselves are in [0, 1].
    """

    data: str = ""
    image_size: tuple[int, int] | None = None
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()


@dataclass(frozen=True)
class ReportEntry(Entry):
    """A report. Its target is called as ``target(results, output, **parameters)`` with a `mebench.report.Results` and a
    path, writes that file, and returns lines to tell the user, or None.

    Attributes:
        suffix: of the file, without a dot.
    """

    suffix: str = "txt"


ENTRY_TYPES: dict[Kind, type[Entry]] = {
    "attack": AttackEntry,
    "channel": ChannelEntry,
    "network": NetworkEntry,
    "dataset": DatasetEntry,
    "strategy": StrategyEntry,
    "learner": LearnerEntry,
    "metric": MetricEntry,
    "victim": VictimEntry,
    "report": ReportEntry,
}


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
        if kind == "attack" and "+" in name:
            strategy, _, learner = name.partition("+")
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
        if kind == "attack" and "+" in name:
            from mebench.composition import compose

            strategy, _, learner = name.partition("+")
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
