import pytest
import torch
from cases import CHANNELS, NETWORKS, explained, jacobian, points_of
from torch import nn
from toys import SPEC, perceptron

from mebench.api.contract import InputSpec, Victim
from mebench.oracle.channels.entries import IntegratedGradientsParameters, SmoothGradParameters
from mebench.oracle.channels.explanations import IntegratedGradientsChannel, SmoothGradChannel


class Watched(nn.Module):
    """Notes the rows of every forward and of every backward pass."""

    def __init__(self, network):
        super().__init__()
        self.network, self.forwards, self.backwards = network, [], []

    def forward(self, inputs):
        if not inputs.requires_grad:
            return self.network(inputs)
        self.forwards.append(len(inputs))
        logits = self.network(inputs)
        logits.register_hook(lambda gradient: self.backwards.append(len(gradient)))
        return logits


def watched(channel, classes=10, rows=4):
    network = Watched(perceptron(InputSpec((1, 8, 8), classes)))
    spec = InputSpec((1, 8, 8), classes)
    response = channel.answer(Victim(network, spec), torch.rand(rows, 1, 8, 8), True)
    return network, response.explanation, torch.randn(rows, classes)


@pytest.mark.parametrize("score", ["probability", "logit"])
@pytest.mark.parametrize(("make", "spec"), NETWORKS)
@pytest.mark.parametrize("kind", CHANNELS)
def test_dense_equals_a_float64_loop_over_points_and_classes(kind, make, spec, score):
    channel = CHANNELS[kind](score=score)
    network, inputs, response = explained(make, spec, channel)
    mean = torch.stack([jacobian(network, x, score) for x in points_of(channel, network, spec, inputs)]).mean(0)
    if kind != "sg":
        mean = mean * (inputs - channel.baseline).double().unsqueeze(1)
    scale = mean.abs().max()
    torch.testing.assert_close(response.explanation.dense() / scale, (mean / scale).float(), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("score", ["probability", "logit"])
@pytest.mark.parametrize("classes", ["all", "top-1"])
@pytest.mark.parametrize(("make", "spec"), NETWORKS)
@pytest.mark.parametrize("kind", CHANNELS)
def test_vjp_equals_the_contraction_of_dense(kind, make, spec, classes, score):
    _, inputs, response = explained(make, spec, CHANNELS[kind](score=score, classes=classes))
    weights = torch.randn(len(inputs), spec.num_classes)
    expected = torch.einsum("bc,bc...->b...", weights, response.explanation.dense())
    torch.testing.assert_close(response.explanation.vjp(weights), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("kind", CHANNELS)
def test_the_answer_itself_is_the_answer_without_explanation(kind):
    network, inputs, response = explained(*NETWORKS[0], CHANNELS[kind]())
    expected = torch.softmax(network(inputs), 1)
    assert torch.equal(response.probabilities, expected)
    assert torch.equal(response.labels, expected.argmax(1))
    assert CHANNELS[kind]().answer(Victim(network, SPEC), inputs, False).explanation is None


@pytest.mark.parametrize("kind", CHANNELS)
def test_an_explanation_asked_again_is_the_same_to_the_bit(kind):
    _, inputs, response = explained(*NETWORKS[0], CHANNELS[kind]())
    weights = torch.randn(len(inputs), 10)
    first = response.explanation.vjp(weights)
    response.explanation.dense()
    assert torch.equal(response.explanation.vjp(weights), first)


@pytest.mark.parametrize("kind", CHANNELS)
def test_top_1_explains_the_class_predicted_for_the_query_itself(kind):
    _, _, response = explained(*NETWORKS[0], CHANNELS[kind](classes="top-1"))
    _, _, full = explained(*NETWORKS[0], CHANNELS[kind]())
    for row, (label, maps) in enumerate(zip(response.labels, full.explanation.dense(), strict=True)):
        dense = response.explanation.dense()[row]
        assert torch.equal(dense[label], maps[label])
        assert dense.abs().sum() == dense[label].abs().sum() > 0


@pytest.mark.parametrize("classes", [10, 100])
@pytest.mark.parametrize(
    "channel",
    [SmoothGradChannel(SmoothGradParameters(25)), IntegratedGradientsChannel(IntegratedGradientsParameters(50))],
)
def test_a_vjp_costs_m_backward_passes_whatever_the_number_of_classes(channel, classes):
    network, explanation, weights = watched(channel, classes)
    assert network.forwards == network.backwards == []
    explanation.vjp(weights)
    assert sum(network.forwards) == sum(network.backwards) == channel.count * len(weights)


def test_dense_costs_m_backward_passes_for_each_class_but_m_forward_passes_in_all():
    network, explanation, _ = watched(IntegratedGradientsChannel(IntegratedGradientsParameters(50)))
    explanation.dense()
    assert sum(network.forwards) == 50 * 4
    assert sum(network.backwards) == 50 * 4 * 10


@pytest.mark.parametrize(("rows", "passes"), [(4, 1), (7, 1), (100, 4), (256, 10), (300, 20), (1000, 40)])
def test_the_network_never_sees_more_than_256_rows_at_once(rows, passes):
    network, explanation, weights = watched(SmoothGradChannel(SmoothGradParameters(10)), rows=rows)
    explanation.vjp(weights)
    assert max(network.forwards) <= 256
    assert sum(network.forwards) == 10 * rows
    assert len(network.forwards) <= passes + 1


def test_the_largest_chunk_does_not_grow_with_the_number_of_points():
    largest = []
    for count in (10, 1000):
        network, explanation, weights = watched(
            IntegratedGradientsChannel(IntegratedGradientsParameters(count)), rows=30
        )
        explanation.vjp(weights)
        largest.append(max(network.forwards))
    assert largest == [240, 240]


@pytest.mark.parametrize("kind", CHANNELS)
@pytest.mark.parametrize("rows", [1, 2, 3, 5, 8, 64])
def test_the_chunk_size_changes_rounding_only(kind, rows):
    whole, parts = CHANNELS[kind](), CHANNELS[kind]()
    parts.rows = rows
    _, inputs, one = explained(*NETWORKS[1], whole)
    _, _, other = explained(*NETWORKS[1], parts)
    weights = torch.randn(len(inputs), 3)
    torch.testing.assert_close(one.explanation.vjp(weights), other.explanation.vjp(weights), rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("kind", CHANNELS)
def test_no_rows_are_explained_by_nothing(kind):
    _, _, response = explained(*NETWORKS[0], CHANNELS[kind](), rows=0)
    assert response.explanation.vjp(torch.zeros(0, 10)).shape == (0, 1, 8, 8)
    assert response.explanation.dense().shape == (0, 10, 1, 8, 8)


@pytest.mark.parametrize("kind", CHANNELS)
def test_a_saturated_victim_gives_finite_explanations(kind):
    _, _, response = explained(lambda spec: perceptron(spec, scale=3000), SPEC, CHANNELS[kind]())
    assert response.probabilities.min() == 0
    assert torch.isfinite(response.explanation.dense()).all()


@pytest.mark.parametrize("kind", CHANNELS)
def test_explaining_leaves_no_gradients_in_the_victim(kind):
    network, inputs, response = explained(*NETWORKS[0], CHANNELS[kind]())
    response.explanation.vjp(torch.ones(len(inputs), 10))
    assert all(parameter.grad is None for parameter in network.parameters())
