import pytest
import torch
from mebench_megex.attack import contraction, contraction_as_printed
from toys import SPEC, build_attack, context_of, convolutional, one_turn, oracle_of, perceptron, spend_all

from mebench.api.contract import InputSpec
from mebench.api.errors import ConfigurationError, OracleError
from mebench.oracle.channels.answers import ProbabilityChannel
from mebench.oracle.channels.entries import ExplainedParameters
from mebench.oracle.channels.explanations import VanillaGradientChannel
from mebench.toolkit.losses import make_loss
from mebench.toolkit.strategies.generator import squash

COLOUR = InputSpec((3, 8, 8), 7)


def autograd_reference(name, victim, clone, inputs):
    """d L / d x in float64 from the victim's *logits*, a path that shares nothing with the attack."""
    inputs = inputs.double().requires_grad_()
    victim_log = torch.log_softmax(victim.double()(inputs), 1)
    clone_log = torch.log_softmax(clone.double()(inputs), 1)
    if name == "kl":
        total = (victim_log.exp() * (victim_log - clone_log)).sum()
    else:
        centre = lambda values: values - values.mean(1, keepdim=True)  # noqa: E731
        total = (centre(victim_log) - centre(clone_log)).abs().mean(1).sum()
    (gradient,) = torch.autograd.grad(total, inputs)
    victim.float(), clone.float()
    return gradient.float()


@pytest.mark.parametrize("score", ["probability", "logit"])
@pytest.mark.parametrize("name", ["l1", "kl"])
@pytest.mark.parametrize("scale", [1.0, 20.0])
@pytest.mark.parametrize("spec", [SPEC, COLOUR])
def test_the_generator_gradient_is_the_gradient_through_the_victim(name, score, scale, spec):
    victim, clone = perceptron(spec, seed=1, scale=scale), perceptron(spec, seed=2)
    inputs = torch.rand(16, *spec.shape)
    oracle, _ = oracle_of(victim, VanillaGradientChannel(ExplainedParameters(score=score)), spec=spec)
    ours = contraction(make_loss(name, 1e-37), oracle.query(inputs, explain=True), clone, inputs)
    expected = autograd_reference(name, victim, clone, inputs)
    assert (ours - expected).norm() / expected.norm() < 1e-5


def test_the_gradient_holds_for_a_victim_with_batch_norm():
    victim, clone = convolutional(COLOUR, seed=1).eval(), convolutional(COLOUR, seed=2).eval()
    inputs = torch.rand(9, *COLOUR.shape)
    oracle, _ = oracle_of(victim, VanillaGradientChannel(), spec=COLOUR)
    ours = contraction(make_loss("l1", 1e-37), oracle.query(inputs, explain=True), clone, inputs)
    expected = autograd_reference("l1", victim, clone, inputs)
    assert (ours - expected).norm() / expected.norm() < 1e-4


@pytest.mark.parametrize("score", ["probability", "logit"])
@pytest.mark.parametrize("name", ["l1", "kl"])
@pytest.mark.parametrize("scale", [200, 300, 400, 3000])  # from 1e-30 over subnormal numbers to exact zeros
def test_a_saturated_victim_gives_no_nan(name, score, scale):
    victim, clone = perceptron(seed=1, scale=scale), perceptron(seed=2)
    inputs = torch.rand(64, *SPEC.shape)
    oracle, _ = oracle_of(victim, VanillaGradientChannel(ExplainedParameters(score=score)))
    response = oracle.query(inputs, explain=True)
    assert response.probabilities.min() < 1e-30
    gradient = contraction(make_loss(name, 1e-37), response, clone, inputs)
    assert torch.isfinite(gradient).all()
    assert gradient.abs().sum() > 0


def test_where_nothing_underflows_saturation_does_not_spoil_the_gradient():
    victim, clone = perceptron(seed=1, scale=60), perceptron(seed=2)
    inputs = torch.rand(64, *SPEC.shape)
    oracle, _ = oracle_of(victim, VanillaGradientChannel())
    response = oracle.query(inputs, explain=True)
    assert 1e-37 < response.probabilities.min() < 1e-15
    ours = contraction(make_loss("l1", 1e-37), response, clone, inputs)
    expected = autograd_reference("l1", victim, clone, inputs)
    assert (ours - expected).norm() / expected.norm() < 1e-5


def test_the_printed_contraction_is_not_the_gradient():
    victim, clone = perceptron(seed=1, scale=5), perceptron(seed=2)
    inputs = torch.rand(64, *SPEC.shape)
    oracle, _ = oracle_of(victim, VanillaGradientChannel())
    printed = contraction_as_printed(make_loss("l1", 1e-37), oracle.query(inputs, explain=True), clone, inputs)
    expected = autograd_reference("l1", victim, clone, inputs)
    cosine = torch.cosine_similarity(printed.flatten(1), expected.flatten(1))
    assert cosine.median() < 0.3


def test_the_printed_contraction_is_example_3_term_by_term():
    victim, clone = perceptron(seed=1, scale=3), perceptron(seed=2)
    inputs = torch.rand(3, *SPEC.shape)
    oracle, _ = oracle_of(victim, VanillaGradientChannel())
    response = oracle.query(inputs, explain=True)
    ours = contraction_as_printed(make_loss("l1", 1e-37), response, clone, inputs)
    oracle, _ = oracle_of(clone, VanillaGradientChannel())
    other = oracle.query(inputs, explain=True)
    f, g = response.probabilities, other.probabilities
    v, s = f.log() - f.log().mean(1, keepdim=True), g.log() - g.log().mean(1, keepdim=True)
    jf, jg = response.explanation.dense(), other.explanation.dense()
    expected = torch.zeros_like(inputs)
    for b in range(3):
        for i in range(10):
            factor_f = 1 / f[b, i] - (1 / f[b]).mean()
            factor_g = 1 / g[b, i] - (1 / g[b]).mean()
            expected[b] += torch.sign(v[b, i] - s[b, i]) * (factor_f * jf[b, i] - factor_g * jg[b, i])
    torch.testing.assert_close(ours, expected / 10, rtol=1e-3, atol=1e-4)


def test_the_generator_ascends_the_disagreement():
    victim, clone = perceptron(seed=1, scale=5), perceptron(seed=2)
    context = context_of(VanillaGradientChannel(), clone)
    parameters = {"batch_size": 64, "generator_width": 8, "noise_dim": 16, "generator_lr": 1e-3, "milestones": []}
    strategy = build_attack("megex", context, **parameters).strategy
    oracle, _ = oracle_of(victim, VanillaGradientChannel(), budget=10**6)
    noise = torch.randn(64, 16)

    def disagreement():
        with torch.no_grad():
            images = squash(strategy.generator(noise), SPEC)
            return make_loss("l1", 1e-37).mean(torch.softmax(victim(images), 1), clone(images)).item()

    before = disagreement()
    for _ in range(20):
        strategy.generator_step(oracle, clone)
    assert disagreement() > before * 1.05


def test_an_iteration_at_batch_256_costs_1536():
    context = context_of(VanillaGradientChannel(), perceptron())
    attack = build_attack("megex", context, generator_width=2, noise_dim=3)
    oracle, ledger = oracle_of(perceptron(seed=1), VanillaGradientChannel())
    for _ in range(5):
        one_turn(attack, oracle)
    assert ledger.spent == 1536
    assert (ledger.explanations, ledger.explained_classes) == (256, 2560)


@pytest.mark.parametrize("budget", [1, 4, 5, 24, 25, 99])
def test_every_query_is_spent_and_none_beyond_at_any_budget(budget):
    context = context_of(VanillaGradientChannel(), perceptron(), budget=budget)
    attack = build_attack("megex", context, batch_size=4, generator_width=4, noise_dim=5)
    oracle, ledger = oracle_of(perceptron(seed=1), VanillaGradientChannel(), budget=budget)
    spend_all(attack, oracle)
    assert (ledger.spent, ledger.refusals) == (budget, 0)


def test_a_channel_without_explanations_is_a_clear_error():
    context = context_of(ProbabilityChannel(), perceptron())
    attack = build_attack("megex", context, batch_size=4, generator_width=4, noise_dim=5)
    oracle, _ = oracle_of(perceptron(seed=1), ProbabilityChannel())
    with pytest.raises(OracleError, match="gives no explanations"):
        one_turn(attack, oracle)


def test_only_l1_has_a_printed_variant():
    context = context_of(VanillaGradientChannel(), perceptron())
    with pytest.raises(ConfigurationError, match="use loss: l1"):
        build_attack("megex", context, loss="kl", contraction="as-printed")
