import pytest
import torch
from toys import convolutional, oracle_of, perceptron

from mebench.api.contract import InputSpec, Victim
from mebench.oracle.channels.entries import ExplainedParameters
from mebench.oracle.channels.explanations import VanillaGradientChannel

CASES = [
    (perceptron, InputSpec((1, 8, 8), 10)),
    (perceptron, InputSpec((1, 8, 8), 2)),
    (convolutional, InputSpec((3, 7, 9), 3)),
    (convolutional, InputSpec((3, 8, 8), 100)),
]


def explained(make, spec, **parameters):
    network = make(spec)
    oracle, _ = oracle_of(network, VanillaGradientChannel(ExplainedParameters(**parameters)), spec=spec)
    inputs = torch.rand(5, *spec.shape)
    return network, inputs, oracle.query(inputs, explain=True)


def jacobian(network, inputs, score):
    """Every class of every sample on its own, in float64, as (B, c, *shape)."""
    network = Victim(network.double(), InputSpec(inputs.shape[1:], 1))

    def scores(x):
        logits = network(x[None])[0]
        return torch.softmax(logits, 0) if score == "probability" else logits

    return torch.stack([torch.autograd.functional.jacobian(scores, x, vectorize=True) for x in inputs.double()])


@pytest.mark.parametrize("score", ["probability", "logit"])
@pytest.mark.parametrize(("make", "spec"), CASES)
def test_dense_equals_the_jacobian_of_autograd(make, spec, score):
    network, inputs, response = explained(make, spec, score=score)
    dense = response.explanation.dense()
    torch.testing.assert_close(dense, jacobian(network, inputs, score).float(), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("score", ["probability", "logit"])
@pytest.mark.parametrize(("make", "spec"), CASES)
def test_vjp_equals_the_contraction_of_dense(make, spec, score):
    _, inputs, response = explained(make, spec, score=score)
    weights = torch.randn(len(inputs), spec.num_classes)
    expected = torch.einsum("bc,bc...->b...", weights, response.explanation.dense())
    torch.testing.assert_close(response.explanation.vjp(weights), expected, rtol=1e-5, atol=1e-6)


def test_vjp_can_be_asked_again():
    _, inputs, response = explained(*CASES[0])
    weights = torch.ones(len(inputs), 10)
    assert torch.equal(response.explanation.vjp(weights), response.explanation.vjp(weights))


def test_top_1_explains_the_predicted_class_only():
    _, inputs, response = explained(*CASES[0], classes="top-1")
    full = oracle_of(perceptron(), VanillaGradientChannel())[0].query(inputs, explain=True)
    dense = response.explanation.dense()
    for row, (label, maps) in enumerate(zip(response.labels, full.explanation.dense(), strict=True)):
        assert torch.equal(dense[row, label], maps[label])
        assert dense[row].abs().sum() == dense[row, label].abs().sum()


def test_an_answer_without_explanation_is_the_same_answer():
    network, inputs, response = explained(*CASES[0])
    oracle, _ = oracle_of(network, VanillaGradientChannel())
    plain = oracle.query(inputs)
    assert plain.explanation is None
    torch.testing.assert_close(plain.probabilities, response.probabilities)


def test_a_saturated_victim_gives_finite_explanations():
    network = perceptron(scale=1000)
    oracle, _ = oracle_of(network, VanillaGradientChannel())
    response = oracle.query(torch.rand(5, 1, 8, 8), explain=True)
    assert response.probabilities.min() < 1e-30
    assert torch.isfinite(response.explanation.dense()).all()


def test_vanilla_gradients_equal_captums_saliency():
    captum = pytest.importorskip("captum.attr")
    network, inputs, response = explained(*CASES[0], score="logit")
    saliency = captum.Saliency(network.eval())
    dense = response.explanation.dense()
    for label in range(10):
        expected = saliency.attribute(inputs.clone().requires_grad_(), target=label, abs=False)
        torch.testing.assert_close(dense[:, label], expected, rtol=1e-5, atol=1e-6)
