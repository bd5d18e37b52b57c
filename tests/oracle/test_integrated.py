import pytest
import torch
from cases import NETWORKS, explained, points_of
from toys import SPEC, oracle_of, perceptron

from mebench.oracle.channels.entries import IntegratedGradientsParameters
from mebench.oracle.channels.explanations import IntegratedGradientsChannel


@pytest.mark.parametrize("score", ["probability", "logit"])
@pytest.mark.parametrize("baseline", [0.0, 0.5, 1.0])
@pytest.mark.parametrize(("make", "spec"), NETWORKS)
def test_attributions_sum_to_what_the_score_gains_over_the_baseline(make, spec, baseline, score):
    network, inputs, response = explained(
        make, spec, IntegratedGradientsChannel(IntegratedGradientsParameters(100, baseline, "midpoint", score))
    )

    def scores(x):
        return torch.softmax(network(x), 1) if score == "probability" else network(x)

    gained = scores(inputs) - scores(torch.full_like(inputs, baseline))
    found = response.explanation.dense().flatten(2).sum(2)
    torch.testing.assert_close(found, gained, rtol=5e-3, atol=3e-4)


def test_the_right_rule_converges_to_the_midpoint_rule_at_first_order():
    def dense(steps, rule):
        return explained(perceptron, SPEC, IntegratedGradientsChannel(IntegratedGradientsParameters(steps, 0.0, rule)))[
            2
        ].explanation.dense()

    limit = dense(500, "midpoint")
    errors = [(dense(steps, "right") - limit).norm() for steps in (10, 20, 40)]
    assert errors[0] / errors[1] == pytest.approx(2, rel=0.1)
    assert errors[1] / errors[2] == pytest.approx(2, rel=0.1)
    assert (dense(10, "midpoint") - limit).norm() < errors[2]


def test_the_right_rule_visits_the_input_itself_and_not_the_baseline():
    inputs = torch.rand(2, 1, 8, 8)
    channel = IntegratedGradientsChannel(IntegratedGradientsParameters(4, baseline=0.5))
    points = points_of(channel, perceptron(), SPEC, inputs)
    for k, point in enumerate(points, start=1):
        torch.testing.assert_close(point, 0.5 + k / 4 * (inputs - 0.5))


def test_the_midpoint_rule_visits_the_middles():
    inputs = torch.rand(2, 1, 8, 8)
    points = points_of(
        IntegratedGradientsChannel(IntegratedGradientsParameters(4, rule="midpoint")), perceptron(), SPEC, inputs
    )
    for k, point in enumerate(points):
        torch.testing.assert_close(point, (2 * k + 1) / 8 * inputs)


def test_pixels_at_the_baseline_are_attributed_nothing():
    _, inputs, _ = explained(perceptron, SPEC, IntegratedGradientsChannel())
    inputs[:, :, :4] = 0.5
    channel = IntegratedGradientsChannel(IntegratedGradientsParameters(baseline=0.5))
    dense = oracle_of(perceptron(), channel)[0].query(inputs, explain=True).explanation.dense()
    assert dense[:, :, :, :4].abs().max() == 0
    assert dense[:, :, :, 4:].abs().min() > 0
