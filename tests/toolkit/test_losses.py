import math

import pytest
import torch

from mebench.toolkit.losses import KLLoss, L1LogitLoss, entropy, loss_derivatives, make_loss, recovered_logits

GENERATOR = torch.Generator().manual_seed(0)
LOGITS = torch.randn(7, 5, generator=GENERATOR) * 3
CLONE = torch.randn(7, 5, generator=GENERATOR)
PROBABILITIES = torch.softmax(LOGITS, 1)


def test_l1_is_the_mean_distance_of_logits_centred_on_both_sides():
    expected = [
        sum(abs((a - sum(row) / 5) - (b - sum(other) / 5)) for a, b in zip(row, other, strict=True)) / 5
        for row, other in zip(LOGITS.tolist(), CLONE.tolist(), strict=True)
    ]
    assert L1LogitLoss().per_query(PROBABILITIES, CLONE).tolist() == pytest.approx(expected, rel=1e-4)


def test_l1_with_raw_clone_logits_does_not_centre_the_clone():
    loss = L1LogitLoss(clone_logits="raw")
    assert not torch.allclose(loss.per_query(PROBABILITIES, CLONE), loss.per_query(PROBABILITIES, CLONE + 1))
    loss = L1LogitLoss()
    torch.testing.assert_close(loss.per_query(PROBABILITIES, CLONE), loss.per_query(PROBABILITIES, CLONE + 1))


def test_kl_is_the_divergence_from_victim_to_clone():
    q = torch.softmax(CLONE, 1).tolist()
    expected = [
        sum(p * math.log(p / r) for p, r in zip(row, other, strict=True))
        for row, other in zip(PROBABILITIES.tolist(), q, strict=True)
    ]
    assert KLLoss().per_query(PROBABILITIES, CLONE).tolist() == pytest.approx(expected, rel=1e-4)


def test_kl_of_equal_distributions_is_zero():
    assert KLLoss().per_query(PROBABILITIES, LOGITS).abs().max() < 1e-6


@pytest.mark.parametrize("name", ["l1", "kl"])
def test_returned_zeros_count_as_the_floor_and_give_finite_losses_and_weights(name):
    probabilities = torch.tensor([[1.0, 0.0, 0.0], [1 - 1e-30, 1e-30, 1e-45]])
    network = torch.nn.Linear(3, 3)
    weights, through_clone = loss_derivatives(make_loss(name, 1e-37), probabilities, network, torch.rand(2, 3))
    assert torch.isfinite(weights).all()
    assert torch.isfinite(through_clone).all()


def test_the_weights_of_l1_are_the_corrected_form_of_example_3():
    network = torch.nn.Linear(4, 5)
    inputs = torch.rand(7, 4)
    weights, _ = loss_derivatives(L1LogitLoss(), PROBABILITIES, network, inputs)
    recovered = PROBABILITIES.log() - PROBABILITIES.log().mean(1, keepdim=True)
    logits = network(inputs)
    sign = torch.sign(recovered - (logits - logits.mean(1, keepdim=True)))
    expected = (sign - sign.mean(1, keepdim=True)) / PROBABILITIES / 5  # the loss is a mean over classes
    torch.testing.assert_close(weights, expected.detach())


def test_entropy_is_that_of_softmaxes_along_an_axis():
    logits = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
    for axis in (0, 1):
        expected = torch.distributions.Categorical(logits=logits.movedim(axis, -1)).entropy()
        torch.testing.assert_close(entropy(logits, axis), expected)


def test_a_certain_row_has_no_entropy_and_a_finite_gradient():
    logits = torch.tensor([[200.0, 0.0, 0.0]], requires_grad=True)
    total = entropy(logits).sum()
    total.backward()
    assert total.item() == 0
    assert logits.grad.isfinite().all()


def test_recovered_logits_are_the_victims_less_their_mean_and_finite_where_an_answer_is_0():
    expected = LOGITS - LOGITS.mean(1, keepdim=True)
    torch.testing.assert_close(recovered_logits(PROBABILITIES, 1e-37), expected, rtol=1e-4, atol=1e-4)
    assert recovered_logits(torch.tensor([[1.0, 0.0]]), 1e-37).isfinite().all()
