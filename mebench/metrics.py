"""How well a clone does: against the test labels, and against the victim."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn

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
    """

    accuracy: float
    fidelity: float
    finite: bool
    largest_class: float
    fidelity_on_errors: float | None = None
    kl: float | None = None
    total_variation: float | None = None

    def metrics(self) -> dict[str, float | None]:
        """What results and curves hold."""
        plain = asdict(self)
        return {key: plain[key] for key in plain if key not in ("finite", "largest_class")}


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

    def score(self, clone: nn.Module) -> Scores:
        """Score a clone in eval mode; its mode is left as it was."""
        with evaluating(clone):
            logits = logits_of(clone, self.inputs)
        predicted = logits.argmax(1)
        counts = torch.bincount(predicted, minlength=logits.shape[1])
        agrees, wrong = predicted == self.victim_labels, self.victim_labels != self.labels
        finite = bool(torch.isfinite(logits).all())
        kl, total_variation = divergences(self.victim_logits, logits) if finite else (None, None)
        return Scores(
            accuracy=_fraction(predicted == self.labels),
            fidelity=_fraction(agrees),
            finite=finite,
            largest_class=int(counts.max()) / len(predicted),
            fidelity_on_errors=_fraction(agrees[wrong]) if bool(wrong.any()) else None,
            kl=kl,
            total_variation=total_variation,
        )


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
