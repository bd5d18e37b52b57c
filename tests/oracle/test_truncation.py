import torch

from mebench.oracle.channels.truncation import only_largest, rounded


def test_of_equal_probabilities_the_lowest_classes_are_kept():
    rows = torch.tensor([[0.1, 0.3, 0.3, 0.3], [0.25, 0.25, 0.25, 0.25]])
    assert torch.equal(only_largest(rows, 2), torch.tensor([[0, 0.3, 0.3, 0], [0.25, 0.25, 0, 0]]))


def test_without_equal_ones_it_is_what_topk_keeps():
    rows = torch.softmax(torch.randn(200, 30, generator=torch.Generator().manual_seed(0)), dim=1)
    values, indices = rows.topk(5, dim=1)
    assert torch.equal(only_largest(rows, 5), torch.zeros_like(rows).scatter(1, indices, values))


def test_as_many_as_there_are_changes_nothing():
    rows = torch.rand(3, 4)
    assert only_largest(rows, 4) is rows
    assert only_largest(rows, 9) is rows


def test_rows_are_rounded_and_not_renormalised():
    assert torch.equal(rounded(torch.tensor([[0.46, 0.06, 0.04]]), 1), torch.tensor([[0.5, 0.1, 0.0]]))
