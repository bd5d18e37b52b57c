"""Explanations of one's own network beside those that the channel makes of the same network."""

from __future__ import annotations

import pytest
import torch
from toys import SPEC, context_of, oracle_of, perceptron

from mebench.api.contract import ResponseChannel
from mebench.api.errors import ConfigurationError
from mebench.oracle.channels.answers import ProbabilityChannel
from mebench.oracle.channels.entries import (
    ExplainedParameters,
    IntegratedGradientsParameters,
    SmoothGradParameters,
)
from mebench.oracle.channels.explanations import (
    IntegratedGradientsChannel,
    SmoothGradChannel,
    VanillaGradientChannel,
    WhiteBoxChannel,
)
from mebench.toolkit import explained_score, logit_jacobian, own_explanation

QUERIES = torch.rand(6, *SPEC.shape, generator=torch.Generator().manual_seed(4))
CHANNELS = [
    VanillaGradientChannel(),
    VanillaGradientChannel(ExplainedParameters(score="logit")),
    IntegratedGradientsChannel(IntegratedGradientsParameters(steps=6)),
    IntegratedGradientsChannel(IntegratedGradientsParameters(steps=6, rule="midpoint", score="logit", baseline=0.5)),
    WhiteBoxChannel(),
]


def contractions(channel, points=0, samples=3):
    """Of the channel's explanation and of the own one of the same network, and the coefficients."""
    network = perceptron(seed=1, scale=5)
    own = own_explanation(context_of(channel, network), points)
    response = oracle_of(perceptron(seed=1, scale=5), channel)[0].query(QUERIES, explain=True)
    coefficients = torch.randn(samples, 6, SPEC.num_classes, generator=torch.Generator().manual_seed(5))
    pairs = [own.contraction(one, response.probabilities) for one in coefficients]
    theirs = torch.stack([response.explanation.vjp(victims) for _, victims in pairs], 1)
    found = own.contracted(network, QUERIES, torch.stack([mine for mine, _ in pairs], 1))
    return theirs, found, network


@pytest.mark.parametrize("channel", CHANNELS, ids=lambda channel: channel.name)
def test_of_the_same_network_both_contractions_are_the_same(channel):
    theirs, found, _ = contractions(channel)
    assert found.shape == (6, 3, *SPEC.shape)
    torch.testing.assert_close(found, theirs, rtol=1e-3, atol=1e-4 * float(theirs.abs().max()))


def test_smoothgrad_of_the_same_network_differs_by_the_noise():
    theirs, found, _ = contractions(SmoothGradChannel(SmoothGradParameters(samples=60, sigma=0.05)))
    assert (found - theirs).square().mean() < 0.02 * theirs.square().mean()


def test_points_of_ones_own_are_taken_by_the_midpoint_rule():
    exact, _, _ = contractions(IntegratedGradientsChannel(IntegratedGradientsParameters(steps=3, rule="midpoint")))
    _, found, _ = contractions(IntegratedGradientsChannel(IntegratedGradientsParameters(steps=9)), points=3)
    torch.testing.assert_close(found, exact, rtol=1e-3, atol=1e-4 * float(exact.abs().max()))


def test_a_contraction_has_a_graph_to_the_weights():
    _, found, network = contractions(VanillaGradientChannel())
    found.square().sum().backward()
    assert float(network[1].weight.grad.abs().max()) > 0


def test_the_quotient_of_a_probability_without_digits_counts_for_nothing():
    own = own_explanation(context_of(VanillaGradientChannel(), perceptron()))
    mine, victims = own.contraction(torch.ones(1, 3), torch.tensor([[1.0, 1e-30, 1e-40]]))
    assert mine.tolist() == [[1, 1, 0]]
    assert victims[0].tolist() == pytest.approx([1, 1e30, 0])


@pytest.mark.parametrize(
    ("channel", "score", "top"),
    [
        (VanillaGradientChannel(), "probability", False),
        (SmoothGradChannel(SmoothGradParameters(score="logit", classes="top-1")), "logit", True),
        (WhiteBoxChannel(), "logit", False),
    ],
)
def test_score_and_classes_are_the_channels(channel, score, top):
    own = own_explanation(context_of(channel, perceptron()))
    assert (own.score, own.top) == (score, top)
    assert explained_score(channel) == score


def test_an_unknown_kind_of_explanation_is_refused_by_name():
    class Blurred(ResponseChannel):
        name, gives = "blurred", ProbabilityChannel.gives | {"explanation"}

        def answer(self, victim, inputs, explain):
            raise AssertionError

    with pytest.raises(ConfigurationError, match="vg, sg, ig and white-box, not blurred"):
        own_explanation(context_of(Blurred(), perceptron()))


@pytest.mark.parametrize("channel", [*CHANNELS[:2], WhiteBoxChannel()], ids=lambda channel: channel.name)
def test_the_jacobian_of_the_logits_is_that_of_autograd_whatever_score_is_explained(channel):
    network = perceptron(seed=1, scale=5)
    response = oracle_of(network, channel)[0].query(QUERIES, explain=True)
    whole = torch.stack([torch.func.jacrev(lambda x: network(x[None])[0])(query).flatten(1) for query in QUERIES])
    expected = whole - whole.mean(1, keepdim=True)
    found = logit_jacobian(response, channel.probability_floor)
    assert found.dtype == torch.float64
    torch.testing.assert_close(found.float(), expected.detach(), rtol=1e-3, atol=1e-4 * float(expected.abs().max()))
