import math

import numpy as np
import pytest
import torch
from scipy.spatial.distance import cityblock
from scipy.stats import entropy
from torch import nn

from mebench.trial.metrics.examination import Examination, divergences


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


def test_kl_and_total_variation_are_those_of_scipy():
    torch.manual_seed(0)
    victim, clone = 4 * torch.randn(50, 7), 4 * torch.randn(50, 7)
    p, q = softmax(victim.double().numpy()), softmax(clone.double().numpy())
    kl, total_variation = divergences(victim, clone)
    assert kl == pytest.approx(np.mean([entropy(a, b) for a, b in zip(p, q, strict=True)]), rel=1e-9)
    assert total_variation == pytest.approx(np.mean([cityblock(a, b) / 2 for a, b in zip(p, q, strict=True)]), rel=1e-9)


def test_a_victim_measured_against_itself_has_fidelity_1_and_no_divergence():
    torch.manual_seed(1)
    victim = torch.randn(40, 5)
    scores = exam_of(victim, torch.randint(5, (40,))).score(Fixed(victim))
    assert (scores.fidelity, scores.fidelity_on_errors, scores.total_variation) == (1.0, 1.0, 0.0)
    assert scores.kl == pytest.approx(0, abs=1e-12)


def test_kl_is_finite_however_sure_both_sides_are():
    victim, clone = torch.tensor([[1e30, -1e30]]), torch.tensor([[-3e38, 3e38]])
    kl, total_variation = divergences(victim, clone)
    assert math.isfinite(kl)
    assert kl > 1e30
    assert total_variation == 1.0


def test_fidelity_on_errors_counts_the_victims_mistakes_only():
    one_hot = torch.eye(3)
    victim, labels = one_hot[[0, 1, 2, 0]], torch.tensor([0, 1, 0, 1])  # wrong on the last two
    scores = exam_of(victim, labels).score(Fixed(one_hot[[1, 1, 2, 1]]))
    assert (scores.accuracy, scores.fidelity, scores.fidelity_on_errors) == (0.5, 0.5, 0.5)


def test_a_victim_that_never_errs_has_no_fidelity_on_errors():
    one_hot = torch.eye(3)
    exam = exam_of(one_hot, torch.arange(3))
    assert exam.score(Fixed(one_hot)).fidelity_on_errors is None


def test_a_diverged_clone_has_no_divergence():
    scores = exam_of(torch.eye(2), torch.arange(2)).score(Fixed(torch.tensor([[0.0, float("nan")], [0.0, 1.0]])))
    assert (scores.finite, scores.kl, scores.total_variation) == (False, None, None)
