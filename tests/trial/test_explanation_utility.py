"""What released explanations are worth: against sums by hand and independent libraries."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from mebench.trial.metrics.explanation_utility import changes, overlap, spearman, structural_similarity


class Bright(nn.Module):
    """Is the surer of class 1 the brighter the first pixel is."""

    def forward(self, inputs):
        first = inputs[:, 0, 0, 0]
        return torch.stack([-first, first], 1)


def test_a_map_that_points_at_the_pixel_deletes_it_first_and_one_that_points_away_last():
    inputs, labels = torch.ones(1, 1, 2, 14), torch.tensor([1])
    right, wrong = torch.zeros(1, 1, 2, 14), torch.zeros(1, 1, 2, 14)
    right[0, 0, 0, 0], wrong[0, 0, 0, 0] = 1.0, -1.0
    sure, half = torch.sigmoid(torch.tensor(2.0)).item(), 0.5
    deletion, insertion = changes(Bright(), inputs, labels, right)
    assert deletion.item() == pytest.approx(half)  # gone after the first of 28 parts
    assert insertion.item() == pytest.approx(sure)
    deletion, insertion = changes(Bright(), inputs, labels, wrong)
    assert deletion.item() == pytest.approx((27 * sure + half) / 28)
    assert insertion.item() == pytest.approx((27 * half + sure) / 28)


def test_rank_correlation_is_scipys_with_ties():
    from scipy.stats import spearmanr

    generator = torch.Generator().manual_seed(0)
    first = torch.rand(3, 50, generator=generator).mul(5).round()
    second = first + torch.rand(3, 50, generator=generator).mul(3).round()
    expected = [spearmanr(a, b).statistic for a, b in zip(first.numpy(), second.numpy(), strict=True)]
    assert spearman(first, second).tolist() == pytest.approx(expected)
    assert spearman(torch.zeros(1, 5), torch.arange(5.0)[None]).isnan().all()


def test_overlap_is_the_share_of_the_largest_tenth():
    first = torch.arange(20.0)[None]
    assert overlap(first, first).item() == 1
    assert overlap(first, -first).item() == 0
    assert overlap(first, first.roll(1, 1)).item() == 0.5  # 18 and 19 against 19 and 0, whose values moved by one


def test_structural_similarity_is_one_of_equals_and_that_of_its_formula():
    generator = torch.Generator().manual_seed(0)
    first, second = torch.rand(1, 1, 7, 7, generator=generator), torch.rand(1, 1, 7, 7, generator=generator)
    assert structural_similarity(first, first).item() == pytest.approx(1)
    a, b = first.double().flatten(), second.double().flatten()
    covariance = torch.cov(torch.stack([a, b]))
    expected = (2 * a.mean() * b.mean() + 1e-4) * (2 * covariance[0, 1] + 9e-4)
    expected /= (a.mean() ** 2 + b.mean() ** 2 + 1e-4) * (covariance[0, 0] + covariance[1, 1] + 9e-4)
    assert structural_similarity(first, second).item() == pytest.approx(expected.item())
