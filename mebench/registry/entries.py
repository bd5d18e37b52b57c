"""What can be named in a benchmark file: metadata, parameters, and a lazy ``"module:object"``.

Nothing here imports torch. An entry's target is imported when a trial needs it, never when names are listed.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from mebench.api.errors import ConfigurationError, PluginError
from mebench.api.spec import Component
from mebench.api.suggestions import did_you_mean
from mebench.registry.card import NO_CARD, Better, MetricCard, Number
from mebench.registry.parameter import Parameter

Kind = Literal["attack", "channel", "network", "dataset", "strategy", "learner", "metric", "victim", "report"]
KINDS: tuple[Kind, ...] = get_args(Kind)
Medium = Literal["images", "texts"]
WORDS = frozenset({"label", "probability", "logit", "explanation", "integrated"})
"""What an answer may hold: the words of ``needs`` and ``gives``."""

_OWN_NAMES = re.compile(r"\bmebench_plugin_[0-9a-f]{8}_")
"""What `mebench.registry.sources` puts before the names of modules in plugin folders; nobody has written it."""


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


@dataclass(frozen=True)
class MetricOutput(Number):
    """One number of a metric that has several: its name is unique among the names and outputs of all metrics."""


@dataclass(frozen=True)
class MetricEntry(Entry):
    """One or more numbers about a clone. Its target is called as ``target(evidence, **parameters)`` with a
    `mebench.trial.metrics.evidence.NetworkEvidence`. It returns a finite number, or None where there is none; or,
    if there are ``outputs``, a mapping of some of their names to such values.

    Attributes:
        better: the direction in which the attack is stronger: ``higher``, ``lower`` or ``neither``.
        always: measured in every trial; only mebench's own are.
        outputs: all that the target may return; empty if that is one number, whose key is the metric's name.
        when: ``evaluation``: at every one; ``end``: once, of the clone that is scored. What is measured at the end only
            is tried at the start of the trial, on a few inputs, so that its faults cost no more.
        card: how its one number is read, written and compared; those of ``outputs`` have their own. Since version 1.5.
        networks: whether it runs the victim or the clone, or draws random numbers. One that does not is called with an
            `mebench.trial.metrics.evidence.Evidence`, and no copy of the clone is made for it. Since version 1.5.
    """

    better: Better = "higher"
    always: bool = False
    outputs: tuple[MetricOutput, ...] = ()
    when: Literal["evaluation", "end"] = "evaluation"
    card: MetricCard = NO_CARD
    networks: bool = True

    @property
    def numbers(self) -> tuple[MetricOutput, ...]:
        """What it may measure: its outputs, or the one number that has its own name."""
        return self.outputs or (MetricOutput(self.name, self.summary, self.better, self.card),)


@dataclass(frozen=True)
class BuiltinMetric(MetricEntry):
    """One number that is measured at every evaluation of every trial, from the evidence alone. Only mebench has such.

    Attributes:
        of_victim: what the victim itself would have, by its accuracy; None where that is not known.
        contradiction: says what in a result cannot be, by its metrics and the victim's accuracy; empty if nothing is.
    """

    always: bool = True
    networks: bool = False
    of_victim: Callable[[float], float | None] = lambda accuracy: None
    contradiction: Callable[[Mapping[str, float | None], float], str] = lambda metrics, accuracy: ""


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
    """A report. Its target is called as ``target(results, output, **parameters)`` with a
    `mebench.report.page.Results` and a path, writes that file, and returns lines to tell the user, or None.

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
