"""How well a clone does: against the test labels, and against the victim."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn

from mebench.api.contract import Victim
from mebench.api.random_streams import RandomStreams, derive_seed
from mebench.api.spec import Component
from mebench.guard.call import Guard
from mebench.models.modes import evaluating
from mebench.models.weights import logits_of
from mebench.registry.catalogue import registry
from mebench.registry.entries import MetricEntry
from mebench.trial.metrics.schedule import part_of

REHEARSED = 10
"""Test inputs on which metrics are tried before there is a clone to measure."""


@dataclass(frozen=True)
class Scores:
    """What a clone scores on the test set. `mebench.results.metric_cards` has a card for each.

    Attributes:
        accuracy: fraction of test inputs with the true label.
        fidelity: fraction with the victim's label (the papers: fidelity, agreement).
        finite: whether all logits are finite.
        largest_class: fraction of test inputs that get the clone's most frequent label.
        fidelity_on_errors: fidelity where the victim's label is wrong; None if it never is.
        kl: mean KL(victim || clone) of the class probabilities, in nats; None if a logit is not finite.
        total_variation: mean of half the summed absolute differences of the class probabilities, in [0, 1]; None
            if a logit is not finite.
        extra: the metrics that the benchmark asks for besides, by name.
    """

    accuracy: float
    fidelity: float
    finite: bool
    largest_class: float
    fidelity_on_errors: float | None = None
    kl: float | None = None
    total_variation: float | None = None
    extra: dict[str, float | None] = field(default_factory=dict)

    def metrics(self) -> dict[str, float | None]:
        """What results and curves hold."""
        plain = asdict(self)
        named = {key: plain[key] for key in plain if key not in ("finite", "largest_class", "extra")}
        return named | self.extra


@dataclass(frozen=True)
class Evidence:
    """What most metrics are computed from.

    Attributes:
        inputs: (N, \\*shape) of the test set, or of the part of it that an evaluation before the last looks at.
        labels: (N,) true labels.
        victim_logits: (N, c) the victim's own, whatever its channel gives.
        clone_logits: (N, c); may hold values that are not finite.
    """

    inputs: Tensor
    labels: Tensor
    victim_logits: Tensor
    clone_logits: Tensor

    @property
    def victim_labels(self) -> Tensor:
        """(N,) the victim's."""
        return self.victim_logits.argmax(1)

    @property
    def clone_labels(self) -> Tensor:
        """(N,) the clone's."""
        return self.clone_logits.argmax(1)

    @property
    def finite(self) -> bool:
        """Whether all of the clone's logits are finite."""
        return bool(torch.isfinite(self.clone_logits).all())


@dataclass(frozen=True)
class NetworkEvidence(Evidence):
    """All that a registered metric is called with: the evidence, and the networks that it is of.

    Attributes:
        victim: itself, which nobody counts the use of; ``victim.spec`` says what it takes. Not to be changed.
        clone: a frozen copy in eval mode; whatever is done to it, the trial goes on with its own.
        random: streams of this metric alone: the same at every evaluation, and others for every seed.
    """

    victim: Victim
    clone: nn.Module
    random: RandomStreams


@dataclass(frozen=True)
class Examination:
    """A test set with the victim's answers to it; never seen by an attack, never counted.

    Args:
        inputs: (N, \\*shape).
        labels: (N,) true labels.
        victim_logits: (N, c) the victim's own, whatever its channel gives.
        victim: a `Victim` wherever registered metrics are measured.
        seed: of the trial; metrics draw their random numbers by it.
    """

    inputs: Tensor
    labels: Tensor
    victim_logits: Tensor
    victim: nn.Module
    seed: int = 0

    @classmethod
    def of(cls, victim: nn.Module, inputs: Tensor, labels: Tensor, seed: int = 0) -> Examination:
        """Ask the victim once for all test inputs."""
        return cls(inputs, labels, logits_of(victim, inputs), victim, seed)

    def part(self, count: int) -> Examination:
        """Return the examination on ``count`` of the test inputs; see `mebench.trial.metrics.schedule.part_of`."""
        if count >= len(self):
            return self
        return self._on(part_of(len(self), count).to(self.inputs.device))

    def _on(self, rows: Tensor | slice) -> Examination:
        return replace(self, inputs=self.inputs[rows], labels=self.labels[rows], victim_logits=self.victim_logits[rows])

    def __len__(self) -> int:
        """Number of test inputs N."""
        return len(self.inputs)

    @property
    def victim_labels(self) -> Tensor:
        """(N,) the victim's."""
        return self.victim_logits.argmax(1)

    @property
    def victim_accuracy(self) -> float:
        """The victim's own accuracy."""
        return _fraction(self.victim_labels == self.labels)

    def score(self, clone: nn.Module, extra: Sequence[Component] = ()) -> Scores:
        """Score a clone in eval mode; its mode is left as it was.

        Args:
            clone: returns logits.
            extra: registered metrics; those that are for every evaluation are measured besides.

        Raises:
            PluginFaultError: a metric failed, or returned no number.
        """
        evidence = self._evidence(clone)
        counts = torch.bincount(evidence.clone_labels, minlength=evidence.clone_logits.shape[1])
        return Scores(
            accuracy=accuracy(evidence),
            fidelity=fidelity(evidence),
            finite=evidence.finite,
            largest_class=int(counts.max()) / len(self),
            fidelity_on_errors=fidelity_on_errors(evidence),
            kl=kl(evidence),
            total_variation=total_variation(evidence),
            extra=self._measured(clone, [metric for metric in extra if not at_end(metric)], evidence),
        )

    def complete(self, scores: Scores, clone: nn.Module, extra: Sequence[Component]) -> Scores:
        """Add the metrics that are measured once, of the clone that is scored.

        Args:
            scores: of that clone.
            clone: returns logits.
            extra: registered metrics, of which those for every evaluation are in the scores already.

        Raises:
            PluginFaultError: as for `score`.
        """
        asked = [metric for metric in extra if at_end(metric)]
        if not asked:
            return scores
        return replace(scores, extra=scores.extra | self._measured(clone, asked, self._evidence(clone)))

    def rehearse(self, clone: nn.Module, extra: Sequence[Component]) -> None:
        """Try on a few inputs what is else measured at the end only, so that a fault shows before the work is done.

        Raises:
            PluginFaultError: as for `score`.
        """
        if any(map(at_end, extra)):
            few = self._on(slice(REHEARSED))
            few.complete(few.score(clone), clone, extra)

    def _evidence(self, clone: nn.Module) -> Evidence:
        with evaluating(clone):
            return Evidence(self.inputs, self.labels, self.victim_logits, logits_of(clone, self.inputs))

    def _measured(self, clone: nn.Module, metrics: Sequence[Component], evidence: Evidence) -> dict[str, float | None]:
        found: dict[str, float | None] = {}
        for metric in metrics:
            assert isinstance(self.victim, Victim)
            copied = copy.deepcopy(clone).eval().requires_grad_(False)
            random = RandomStreams(derive_seed(self.seed, f"metric/{metric.name}"), self.inputs.device)
            found |= measure(metric, NetworkEvidence(**vars(evidence), victim=self.victim, clone=copied, random=random))
        return found


def at_end(metric: Component) -> bool:
    """Whether a registered metric is measured only at the end of a trial."""
    return registry().get(MetricEntry, metric.name).when == "end"


def measure(metric: Component, evidence: NetworkEvidence) -> dict[str, float | None]:
    """Compute a registered metric: its numbers by their keys in results.

    Raises:
        PluginFaultError: it failed, wrote to what it was given, or returned something else than finite numbers.
    """
    entry, guard = registry().get(MetricEntry, metric.name), Guard.of(MetricEntry, metric.name)
    before = _writes(evidence)
    value = entry.call(evidence, given=metric.parameters, through=guard)
    if _writes(evidence) != before:
        guard.fail("measuring wrote to the victim's weights or to the test set")
    return {name: _number(one, guard) for name, one in _by_name(value, entry, guard).items()}


def _by_name(value: Any, entry: MetricEntry, guard: Guard) -> Mapping[str, Any]:
    """What a metric returned, by the names that it has declared."""
    if not entry.outputs:
        return {entry.name: value}
    known = [output.name for output in entry.outputs]
    if not isinstance(value, Mapping) or not value or not set(value) <= set(known):
        guard.fail(f"returned {value!r:.60}: it must return a mapping of numbers by some of {', '.join(known)}")
    return value


def _finite(value: Any) -> bool:
    try:
        return isinstance(value, (int, float)) and math.isfinite(value)
    except OverflowError:
        return False


def _number(value: Any, guard: Guard) -> float | None:
    if value is not None and not _finite(value):
        guard.fail(f"returned {value!r:.60}: it must return a finite number, or None where there is none")
    return None if value is None else float(value)


def _writes(evidence: NetworkEvidence) -> list[int]:
    """Counts, torch's own, of how often each tensor was written to that later evaluations need."""
    tests = (evidence.inputs, evidence.labels, evidence.victim_logits)
    return [tensor._version for tensor in (*tests, *evidence.victim.parameters())]


def accuracy(evidence: Evidence) -> float:
    """Return the fraction of test inputs with the true label."""
    return _fraction(evidence.clone_labels == evidence.labels)


def fidelity(evidence: Evidence) -> float:
    """Return the fraction of test inputs with the victim's label."""
    return _fraction(evidence.clone_labels == evidence.victim_labels)


def fidelity_on_errors(evidence: Evidence) -> float | None:
    """Return the fidelity where the victim's label is wrong; None if it never is."""
    wrong = evidence.victim_labels != evidence.labels
    agrees = evidence.clone_labels == evidence.victim_labels
    return _fraction(agrees[wrong]) if bool(wrong.any()) else None


def kl(evidence: Evidence) -> float | None:
    """Return the mean KL(victim || clone) in nats; None if a logit is not finite."""
    return divergences(evidence.victim_logits, evidence.clone_logits)[0] if evidence.finite else None


def total_variation(evidence: Evidence) -> float | None:
    """Return the mean total variation in [0, 1]; None if a logit is not finite."""
    return divergences(evidence.victim_logits, evidence.clone_logits)[1] if evidence.finite else None


def divergences(victim_logits: Tensor, clone_logits: Tensor) -> tuple[float, float]:
    """Return the means of KL(victim || clone) in nats and of the total variation of (N, c) finite logits.

    In double precision, in which no finite float32 logits make an infinite logarithm. KL is cut off at 0, below which
    only rounding can bring it.
    """
    log_p, log_q = (torch.log_softmax(logits.double(), dim=1) for logits in (victim_logits, clone_logits))
    p, q = log_p.exp(), log_q.exp()
    kl = (torch.special.xlogy(p, p) - p * log_q).sum(1).mean()
    return max(0.0, float(kl)), min(1.0, float((p - q).abs().sum(1).mean() / 2))


def _fraction(hits: Tensor) -> float:
    return int(hits.sum()) / len(hits)
