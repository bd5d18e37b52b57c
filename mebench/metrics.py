"""How well a clone does: against the test labels, and against the victim."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mebench.strategies.generator import evaluating

EVALUATION_BATCH = 500


@dataclass(frozen=True)
class Scores:
    """What a clone scores on the test set.

    Attributes:
        accuracy: fraction of test inputs with the true label.
        fidelity: fraction with the victim's label (the papers: fidelity, agreement).
        finite: whether all logits are finite.
        largest_class: fraction of test inputs that get the clone's most frequent label.
    """

    accuracy: float
    fidelity: float
    finite: bool
    largest_class: float


@dataclass(frozen=True)
class Examination:
    """A test set with the victim's answers to it; never seen by an attack, never counted.

    Args:
        inputs: (N, \\*shape).
        labels: (N,) true labels.
        victim_labels: (N,) the victim's.
    """

    inputs: Tensor
    labels: Tensor
    victim_labels: Tensor

    @classmethod
    def of(cls, victim: nn.Module, inputs: Tensor, labels: Tensor) -> Examination:
        """Ask the victim once for all test inputs."""
        return cls(inputs, labels, logits_of(victim, inputs).argmax(1))

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
        return Scores(
            accuracy=_fraction(predicted == self.labels),
            fidelity=_fraction(predicted == self.victim_labels),
            finite=bool(torch.isfinite(logits).all()),
            largest_class=int(counts.max()) / len(predicted),
        )


def logits_of(network: nn.Module, inputs: Tensor, batch: int = EVALUATION_BATCH) -> Tensor:
    """Return (N, c) logits, computed in batches without gradients."""
    with torch.no_grad():
        return torch.cat([network(part) for part in inputs.split(batch)])


def _fraction(hits: Tensor) -> float:
    return int(hits.sum()) / len(hits)
