"""How well a clone does: against the test labels, and against the victim."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field

import torch
from torch import Tensor, nn

from mebench.guard import Guard
from mebench.plugins import registry
from mebench.spec import Component
from mebench.strategies.generator import evaluating

EVALUATION_BATCH = 500


@dataclass(frozen=True)
class Scores:
    """What a clone scores on the test set. `mebench.cards` has a card for each.

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
    """All that a metric is computed from.

    Attributes:
        inputs: (N, \\*shape) of the test set.
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
class Examination:
    """A test set with the victim's answers to it; never seen by an attack, never counted.

    Args:
        inputs: (N, \\*shape).
        labels: (N,) true labels.
        victim_logits: (N, c) the victim's own, whatever its channel gives.
    """

    inputs: Tensor
    labels: Tensor
    victim_logits: Tensor

    @classmethod
    def of(cls, victim: nn.Module, inputs: Tensor, labels: Tensor) -> Examination:
        """Ask the victim once for all test inputs."""
        return cls(inputs, labels, logits_of(victim, inputs))

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
            extra: registered metrics to measure besides.

        Raises:
            PluginFaultError: a metric failed, or returned no number.
        """
        with evaluating(clone):
            evidence = Evidence(self.inputs, self.labels, self.victim_logits, logits_of(clone, self.inputs))
        counts = torch.bincount(evidence.clone_labels, minlength=evidence.clone_logits.shape[1])
        return Scores(
            accuracy=accuracy(evidence),
            fidelity=fidelity(evidence),
            finite=evidence.finite,
            largest_class=int(counts.max()) / len(self.inputs),
            fidelity_on_errors=fidelity_on_errors(evidence),
            kl=kl(evidence),
            total_variation=total_variation(evidence),
            extra={metric.name: measure(metric, evidence) for metric in extra},
        )


def measure(metric: Component, evidence: Evidence) -> float | None:
    """Compute a registered metric.

    Raises:
        PluginFaultError: it failed, or returned no finite number.
    """
    entry, guard = registry().get("metric", metric.name), Guard.of("metric", metric.name)
    value = guard.call("measuring", guard.call("loading", entry.load), evidence, **metric.parameters)
    if value is not None and (not isinstance(value, (int, float)) or not math.isfinite(value)):
        guard.fail(f"returned {value!r:.60}: it must return a finite number, or None where there is none")
    return None if value is None else float(value)


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


def logits_of(network: nn.Module, inputs: Tensor, batch: int = EVALUATION_BATCH) -> Tensor:
    """Return (N, c) logits, computed in batches without gradients."""
    with torch.no_grad():
        return torch.cat([network(part) for part in torch.split(inputs, batch)])


def _fraction(hits: Tensor) -> float:
    return int(hits.sum()) / len(hits)
