"""What can be named in a benchmark file: one class for each kind, and `KINDS`, the list of them. Imports no torch.

All else follows from that list: hooks, lookups, checks, ``mebench list`` and ``mebench info``.

Targets are written ``target(context, parameters)`` here: ``parameters`` is an object of the dataclass that declares
them. Where a tuple of `Parameter` declares them, it is a keyword for each; where there are none, nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from mebench.api.printable import numbered
from mebench.api.spec import Outputs
from mebench.registry.card import NO_CARD, Better, MetricCard, Number
from mebench.registry.defence_entries import DefenceEntry, DetectorEntry, RecoveryEntry
from mebench.registry.entry import Entry, Known

Medium = Literal["images", "texts"]
WORDS = frozenset({"label", "probability", "logit", "explanation", "gradient", "integrated"})
"""What an answer may hold: the words of ``needs`` and ``gives``."""
Family = Literal["generator", "pool"]
_FAMILIES = {"generator": "makes its queries", "pool": "chooses among unlabelled inputs; its run needs a pool"}


@dataclass(frozen=True)
class AttackEntry(Entry):
    """An attack. Its target is called as ``target(context, parameters)`` and returns an ``Attack``.

    Attributes:
        family: ``generator`` (makes inputs) or ``pool`` (chooses among unlabelled inputs).
        needs: what an answer must hold: ``label``, ``probability``, ``logit``, ``explanation``,
            ``gradient`` (since version 1.7), ``integrated``.
        paper: short reference with an arXiv or DOI number.
        minimum_budget: the smallest budget that makes sense, in queries.
        texts: whether a generator attack can also make texts, as ids of words; see ``spec.discrete``. Attacks of the
            pool family ask what is in the pool.
        images_only: whether it works on images alone, though it only chooses from a pool. Since version 1.8.
        float32: whether it lives on differences so small that only float32 has them; such an attack is refused where
            networks are trained in bfloat16. Since version 1.3.
    """

    kind, plural, phrase = "attack", "attacks", "an attack"

    family: Family = "generator"
    needs: frozenset[str] = frozenset({"probability"})
    paper: str = ""
    minimum_budget: int = 1
    texts: bool = False
    float32: bool = False
    images_only: bool = False

    def facts(self, known: Known) -> dict[str, str]:
        """Paper, family, needs, the channels that give them, and the smallest budget."""
        return {
            "paper": self.paper,
            "family": f"{self.family} ({_FAMILIES[self.family]})",
            "needs": ", ".join(sorted(self.needs)),
            "channels": ", ".join(known.channels_for(self.needs)) or "none that is installed",
            "smallest budget": f"{self.minimum_budget:,} queries" if self.minimum_budget > 1 else "",
        }


@dataclass(frozen=True)
class ChannelEntry(Entry):
    """A response channel. Its target is called as ``target(parameters)`` and returns a ``ResponseChannel``.

    Attributes:
        gives: what its answers hold: ``label``, ``probability``, ``logit``, ``explanation``,
            ``gradient`` (since version 1.7), ``integrated``.
    """

    kind, plural, phrase = "channel", "channels", "a channel"

    gives: frozenset[str] = frozenset({"label"})

    def facts(self, known: Known) -> dict[str, str]:
        """What its answers hold."""
        return {"gives": ", ".join(sorted(self.gives))}


@dataclass(frozen=True)
class NetworkEntry(Entry):
    """A network. Its target is called as ``target(spec, parameters)`` and returns an ``nn.Module`` of logits.

    Attributes:
        inputs: what it takes, ``images`` or ``texts``. The target of one for texts is called as
            ``target(spec, lexicon, parameters)``, with a `mebench.data.text.words.Lexicon`: the public word list, and
            how often each word occurs in what the network's owner has.
    """

    kind, plural, phrase = "network", "networks", "a network"

    inputs: Medium = "images"


@dataclass(frozen=True)
class DatasetEntry(Entry):
    """A data set. Its target is called as ``target(split, parameters)``; returns a ``Dataset`` or ``TextDataset``.

    Attributes:
        shape: shape of one input, channels first.
        num_classes: number of classes.
        train_rows: of its training split, so that a plan can tell rows that are beyond it; 0 where only its files tell.
        licence: as its publisher states it.
        source: where it comes from, and where mebench looks for it.
        inputs: what it holds, ``images`` or ``texts``. One of texts has the parameters ``length`` and ``words``; where
            a pool leaves them out, the victim's are taken.
        has_test: whether there is a ``test`` split; without, it can only be a pool.
        class_names: what its classes are called, in the order of the labels; or, where parameters decide that, a
            ``"module:function"``, which is called with them and returns the names. Readers see them beside the numbers;
            they are part of no result. Empty if they have no names. Since version 1.6.
        taken_from: name of another data set that has its inputs, too, if it is a part of that or the same at another
            size: as a pool, it tells no classes where the victim has them from there. Since version 1.8.
    """

    kind, plural, phrase = "dataset", "datasets", "a data set"
    doing = "reading"
    targets = ("target", "class_names")

    shape: tuple[int, ...] = ()
    num_classes: int = 0
    licence: str = ""
    source: str = ""
    inputs: Medium = "images"
    has_test: bool = True
    class_names: tuple[str, ...] | str = ()
    train_rows: int = 0
    taken_from: str = ""

    def facts(self, known: Known) -> dict[str, str]:
        """Shape, classes with their names, licence and source."""
        told = isinstance(self.class_names, str)
        return {
            "shape": " x ".join(map(str, self.shape)),
            "classes": str(self.num_classes or ""),
            "class names": "told by its parameters" if told else numbered(self.class_names),
            "licence": self.licence,
            "source": self.source,
        }


@dataclass(frozen=True)
class StrategyEntry(Entry):
    """A query strategy by itself. Its target is called as ``target(context, parameters)`` and returns a
    ``QueryStrategy``. Together with a learner it is the attack ``strategy+learner``.

    Attributes:
        family, needs, images_only: as of an attack; what the strategy needs for itself.
    """

    kind, plural, phrase = "strategy", "strategies", "a query strategy"

    family: Family = "generator"
    needs: frozenset[str] = frozenset({"label"})
    images_only: bool = False

    def facts(self, known: Known) -> dict[str, str]:
        """Family, needs, and the learners that make it an attack."""
        return {
            "family": f"{self.family} ({_FAMILIES[self.family]})",
            "needs": ", ".join(sorted(self.needs)),
            "as an attack": f"{self.name}+LEARNER, e.g. with {', '.join(known.names(LearnerEntry))}",
        }


@dataclass(frozen=True)
class LearnerEntry(Entry):
    """A learner by itself. Its target is called as ``target(context, parameters)`` and returns a ``Learner``.

    Attributes:
        needs: what an answer must hold for the learner.
        needs_pool: whether it learns of inputs that were never asked, so that its run needs a pool, whatever the
            strategy. Since version 1.8.
        images_only: whether it works on images alone. Since version 1.8.
    """

    kind, plural, phrase = "learner", "learners", "a learner"

    needs: frozenset[str] = frozenset({"label"})
    needs_pool: bool = False
    images_only: bool = False

    def facts(self, known: Known) -> dict[str, str]:
        """Needs, and the strategies that make it an attack."""
        return {
            "needs": ", ".join([*sorted(self.needs), *(["a pool"] if self.needs_pool else [])]),
            "as an attack": f"STRATEGY+{self.name}, e.g. with {', '.join(known.names(StrategyEntry))}",
        }


@dataclass(frozen=True)
class MetricOutput(Number):
    """One number of a metric that has several: its name is unique among the names and outputs of all metrics."""


@dataclass(frozen=True)
class MetricEntry(Entry):
    """One or more numbers about a clone. Its target is called as ``target(evidence, parameters)`` with a
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

    kind, plural, phrase = "metric", "metrics", "a metric"
    doing = "measuring"

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

    def facts(self, known: Known) -> dict[str, str]:
        """Direction, when it is measured, and its numbers."""
        return {
            "better": "" if self.outputs else self.better,
            "measured": "once, at the end of the trial" if self.when == "end" else "at every evaluation",
            "numbers": ", ".join(output.name for output in self.outputs),
        }


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
    """A victim that brings its weights. Its target is called as ``target(parameters)`` and returns an ``nn.Module``
    of logits (B, c) for inputs (B, \\*shape), on the CPU. Since version 1.2.

    Attributes:
        data: the data set on whose test split it is scored, if the benchmark file names none.
        image_size: height and width of what it takes; None for those of the data set.
        mean, std: per channel, put before it; empty for none. Inputs themselves are in [0, 1].
        outputs: what the module returns, if it is not logits: ``log-probabilities`` or ``probabilities``. Since
            version 1.6.
    """

    kind, plural, phrase = "victim", "victims", "a victim"

    data: str = ""
    image_size: tuple[int, int] | None = None
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    outputs: Outputs | None = None

    def facts(self, known: Known) -> dict[str, str]:
        """Data set, size of images, and normalisation."""
        return {
            "data": self.data,
            "image size": " x ".join(map(str, self.image_size or ())),
            "mean, std": "; ".join(", ".join(map(str, values)) for values in (self.mean, self.std) if values),
        }


@dataclass(frozen=True)
class ReportEntry(Entry):
    """A report. Its target is called as ``target(results, output, parameters)`` with a
    `mebench.report.page.Results` and a path, writes that file, and returns lines to tell the user, or None. Since
    version 1.2.

    Attributes:
        suffix: of the file, without a dot.
    """

    kind, plural, phrase = "report", "reports", "a report"
    doing = "writing"

    suffix: str = "txt"

    def facts(self, known: Known) -> dict[str, str]:
        """The name of its file."""
        return {"file": f"report.{self.suffix}"}


@dataclass(frozen=True)
class LoggerEntry(Entry):
    """A logger, for ``mebench run --log NAME``. Its target is called as ``target(run, parameters)`` with a `LoggedRun`
    and returns a `RunLogger`, in a process of its own. Since version 1.7.

    Attributes:
        packages: modules that must be importable, such as ``mlflow``.
        install: what ``pip install`` is given where they are not.
    """

    kind, plural, phrase = "logger", "loggers", "a logger"
    doing = "its constructor"

    packages: tuple[str, ...] = ()
    install: str = ""

    def facts(self, known: Known) -> dict[str, str]:
        """What it needs."""
        return {"needs": ", ".join(self.packages), "pip install": self.install}


KINDS: tuple[type[Entry], ...] = (
    AttackEntry,
    ChannelEntry,
    NetworkEntry,
    DatasetEntry,
    StrategyEntry,
    LearnerEntry,
    MetricEntry,
    VictimEntry,
    ReportEntry,
    LoggerEntry,
    DefenceEntry,
    RecoveryEntry,
    DetectorEntry,
)
"""Every kind, in the order in which they are shown; one that is added here is a kind everywhere."""
