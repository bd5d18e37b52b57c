"""How well a clone does: the test set, the victim's answers to it, and all that a clone scores on them."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace

from torch import Tensor, nn

from mebench.api.contract import Victim
from mebench.api.random_streams import RandomStreams, derive_seed
from mebench.api.spec import Component
from mebench.models.modes import evaluating
from mebench.models.weights import logits_of
from mebench.registry.catalogue import registry
from mebench.registry.entries import MetricEntry
from mebench.trial.links.service import Service
from mebench.trial.metrics.evidence import Evidence, NetworkEvidence
from mebench.trial.metrics.measure import at_end, measure, measure_builtin
from mebench.trial.metrics.schedule import part_of

__all__ = ["REHEARSED", "Examination", "Scores", "at_end"]

REHEARSED = 10
"""Test inputs on which metrics are tried before there is a clone to measure."""


@dataclass(frozen=True)
class Scores:
    """What a clone scores on the test set.

    Attributes:
        numbers: by their keys in results: what every trial is measured by, and what the benchmark asks for besides.
        finite: whether all logits are finite.
    """

    numbers: dict[str, float | None]
    finite: bool

    @property
    def accuracy(self) -> float:
        """The fraction of test inputs with the true label."""
        return self._known("accuracy")

    @property
    def fidelity(self) -> float:
        """The fraction with the victim's label."""
        return self._known("fidelity")

    def metrics(self) -> dict[str, float | None]:
        """What results and curves hold."""
        return dict(self.numbers)

    def _known(self, name: str) -> float:
        value = self.numbers[name]
        assert value is not None
        return value


@dataclass(frozen=True)
class Examination:
    """A test set with the victim's answers to it; never seen by an attack, never counted.

    Args:
        inputs: (N, \\*shape).
        labels: (N,) true labels.
        victim_logits: (N, c) the victim's own, whatever its channel gives.
        victim: a `Victim` wherever registered metrics are measured.
        seed: of the trial; metrics draw their random numbers by it.
        service: the victim behind defences and detectors; None where there are none.
    """

    inputs: Tensor
    labels: Tensor
    victim_logits: Tensor
    victim: nn.Module
    seed: int = 0
    service: Service | None = None

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
        return int((self.victim_labels == self.labels).sum()) / len(self)

    def score(self, clone: nn.Module, extra: Sequence[Component] = ()) -> Scores:
        """Score a clone in eval mode; its mode is left as it was.

        Args:
            clone: returns logits; it is asked once, however many metrics there are.
            extra: registered metrics; those that are for every evaluation are measured besides.

        Raises:
            PluginFaultError: a metric failed, or returned no number.
        """
        evidence = self._evidence(clone)
        numbers = {entry.name: measure_builtin(entry, evidence) for entry in registry().builtin_metrics()}
        return Scores(
            numbers | self._measured(clone, [metric for metric in extra if not at_end(metric)], evidence),
            finite=evidence.finite,
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
        return replace(scores, numbers=scores.numbers | self._measured(clone, asked, self._evidence(clone)))

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
            networks = registry().get(MetricEntry, metric.name).networks
            found |= measure(metric, self._with_networks(metric, clone, evidence) if networks else replace(evidence))
        return found

    def _with_networks(self, metric: Component, clone: nn.Module, evidence: Evidence) -> NetworkEvidence:
        """The evidence with the victim, a copy of the clone and random streams, the last two for one metric alone."""
        assert isinstance(self.victim, Victim)
        copied = copy.deepcopy(clone).eval().requires_grad_(False)
        random = RandomStreams(derive_seed(self.seed, f"metric/{metric.name}"), self.inputs.device)
        return evidence.with_networks(self.victim, copied, random, self.service)
