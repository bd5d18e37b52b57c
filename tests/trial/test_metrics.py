import math

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cityblock
from scipy.stats import entropy
from torch import nn

from mebench.registry.catalogue import registry
from mebench.trial.metrics.builtin import kl, total_variation
from mebench.trial.metrics.evidence import Evidence
from mebench.trial.metrics.examination import Examination


class Fixed(nn.Module):
    """Answers with given logits, whatever it is asked."""

    def __init__(self, logits):
        super().__init__()
        self.logits = logits

    def forward(self, inputs):
        return self.logits[inputs.long().flatten()]


def softmax(logits):
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def exam_of(victim_logits, labels):
    rows = torch.arange(len(victim_logits)).float()[:, None]
    return Examination.of(Fixed(victim_logits), rows, labels)


def divergences(victim, clone):
    evidence = Evidence(torch.zeros(len(victim)), torch.zeros(len(victim)).long(), victim, clone)
    return kl(evidence), total_variation(evidence)


def test_kl_and_total_variation_are_those_of_scipy():
    torch.manual_seed(0)
    victim, clone = 4 * torch.randn(50, 7), 4 * torch.randn(50, 7)
    p, q = softmax(victim.double().numpy()), softmax(clone.double().numpy())
    nats, variation = divergences(victim, clone)
    assert nats == pytest.approx(np.mean([entropy(a, b) for a, b in zip(p, q, strict=True)]), rel=1e-9)
    assert variation == pytest.approx(np.mean([cityblock(a, b) / 2 for a, b in zip(p, q, strict=True)]), rel=1e-9)


def test_a_victim_measured_against_itself_has_fidelity_1_and_no_divergence():
    torch.manual_seed(1)
    victim = torch.randn(40, 5)
    found = exam_of(victim, torch.randint(5, (40,))).score(Fixed(victim)).metrics()
    assert (found["fidelity"], found["fidelity_on_errors"], found["total_variation"]) == (1.0, 1.0, 0.0)
    assert found["kl"] == pytest.approx(0, abs=1e-12)


def test_kl_is_finite_however_sure_both_sides_are():
    victim, clone = torch.tensor([[1e30, -1e30]]), torch.tensor([[-3e38, 3e38]])
    nats, variation = divergences(victim, clone)
    assert math.isfinite(nats)
    assert nats > 1e30
    assert variation == 1.0


def test_fidelity_on_errors_counts_the_victims_mistakes_only():
    one_hot = torch.eye(3)
    victim, labels = one_hot[[0, 1, 2, 0]], torch.tensor([0, 1, 0, 1])  # wrong on the last two
    found = exam_of(victim, labels).score(Fixed(one_hot[[1, 1, 2, 1]])).metrics()
    assert (found["accuracy"], found["fidelity"], found["fidelity_on_errors"]) == (0.5, 0.5, 0.5)


def test_a_victim_that_never_errs_has_no_fidelity_on_errors():
    one_hot = torch.eye(3)
    exam = exam_of(one_hot, torch.arange(3))
    assert exam.score(Fixed(one_hot)).metrics()["fidelity_on_errors"] is None


def test_a_diverged_clone_has_no_divergence():
    scores = exam_of(torch.eye(2), torch.arange(2)).score(Fixed(torch.tensor([[0.0, float("nan")], [0.0, 1.0]])))
    assert (scores.finite, scores.numbers["kl"], scores.numbers["total_variation"]) == (False, None, None)


class Counted(Fixed):
    """Counts how often it is asked, and cannot be copied."""

    asked = 0

    def forward(self, inputs):
        self.asked += 1
        return super().forward(inputs)

    def __deepcopy__(self, memo):
        raise AssertionError("copied")


def test_a_clone_is_asked_once_and_not_copied_for_what_every_trial_is_measured_by():
    clone = Counted(torch.eye(3))
    scores = exam_of(torch.eye(3), torch.arange(3)).score(clone)
    assert clone.asked == 1
    assert list(scores.metrics()) == [entry.name for entry in registry().builtin_metrics()]


def test_a_fault_of_a_clone_is_not_called_a_metrics():
    exam = exam_of(torch.eye(3), torch.arange(3))
    with pytest.raises(RuntimeError, match="must match"):
        exam.score(Fixed(torch.eye(4)[:3]))
