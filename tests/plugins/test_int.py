import copy

import pytest
import torch
from mebench_xai.reconstructions import RECONSTRUCTIONS, Best
from mebench_xai.softmax_path import Way, logarithmic_mean, path_weights
from toys import SPEC, build_attack, context_of, one_turn, oracle_of, perceptron, spend_all

from mebench.api.contract import InputSpec
from mebench.api.errors import ConfigurationError
from mebench.oracle.channels.entries import IntegratedGradientsParameters
from mebench.oracle.channels.explanations import IntegratedGradientsChannel, VanillaGradientChannel
from mebench.toolkit.losses import loss_derivatives, make_loss

SMALL = {"batch_size": 4, "generator_width": 4, "noise_dim": 5}
GREY = InputSpec((1, 8, 8), 10, low=-1.0, high=1.0)


def bent(spec=SPEC, seed=1, scale=4.0):
    """A victim whose logits are not linear, with confident and improbable classes."""
    return perceptron(spec, seed, scale)


def reconstructed(name, channel, victim, clone, inputs, loss="kl", alpha=None, spec=SPEC):
    """The victim's part of d L / d x from an attack's reconstruction, and the exact one in float64."""
    reconstruction = RECONSTRUCTIONS[name](context_of(channel, clone, spec=spec), alpha)
    oracle, _ = oracle_of(victim, channel, spec=spec)
    reconstruction.prepare(oracle, inputs)
    asked = reconstruction.first(inputs)
    first = oracle.query(asked, explain=True)
    second = oracle.query(reconstruction.second(asked), explain=True)
    weights, _ = loss_derivatives(make_loss(loss, 1e-37), first.probabilities, clone, asked)
    x = inputs.double().requires_grad_()
    probabilities = torch.softmax(copy.deepcopy(victim).double()(x), 1)
    (exact,) = torch.autograd.grad((probabilities * weights.double()).sum(), x)
    return reconstruction.gradient(first, second, asked, weights), exact.float()


def cosine(ours, exact):
    return torch.cosine_similarity(ours.flatten(1), exact.flatten(1)).median().item()


@pytest.mark.parametrize("loss", ["l1", "kl"])
@pytest.mark.parametrize("score", ["probability", "logit"])
def test_as_printed_the_victims_part_is_exactly_zero_in_float32(score, loss):
    channel = IntegratedGradientsChannel(IntegratedGradientsParameters(score=score))
    ours, exact = reconstructed("as-printed", channel, bent(), perceptron(), torch.rand(8, 1, 8, 8), loss)
    assert exact.abs().max() > 0
    assert ours.abs().max() == 0


def test_as_printed_with_a_larger_alpha_is_the_quotient_without_a_division_by_x():
    channel, inputs = (
        IntegratedGradientsChannel(IntegratedGradientsParameters(20, score="logit")),
        torch.rand(8, 1, 8, 8) * 0.9,
    )
    ours, exact = reconstructed("as-printed", channel, bent(), perceptron(), inputs, alpha=0.05)
    assert cosine(ours / inputs, exact) > 0.98
    assert cosine(ours, exact) < 0.95


def test_as_printed_clips_what_would_leave_the_input_range():
    channel = IntegratedGradientsChannel()
    second = RECONSTRUCTIONS["as-printed"](context_of(channel, perceptron()), 0.5).second(torch.tensor([0.2, 0.8, 1.0]))
    torch.testing.assert_close(second, torch.tensor([0.3, 1.0, 1.0]))


@pytest.mark.parametrize("name", ["corrected", "best"])
@pytest.mark.parametrize("loss", ["l1", "kl"])
@pytest.mark.parametrize("baseline", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("rule", ["right", "midpoint"])
def test_from_explained_logits_the_gradient_comes_out(name, loss, baseline, rule):
    channel = IntegratedGradientsChannel(IntegratedGradientsParameters(50, baseline, rule, "logit"))
    ours, exact = reconstructed(name, channel, bent(), perceptron(), torch.rand(16, 1, 8, 8), loss)
    assert cosine(ours, exact) > 0.99
    assert (ours.norm() / exact.norm()).item() == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("loss", ["l1", "kl"])
@pytest.mark.parametrize("baseline", [0.0, 0.5])
@pytest.mark.parametrize("rule", ["right", "midpoint"])
def test_from_explained_probabilities_best_undoes_the_softmax(loss, baseline, rule):
    channel = IntegratedGradientsChannel(IntegratedGradientsParameters(50, baseline, rule))
    victim, inputs = bent(scale=20), torch.rand(16, 1, 8, 8)
    best, exact = reconstructed("best", channel, victim, perceptron(), inputs, loss)
    assert cosine(best, exact) > 0.97
    assert (best.norm() / exact.norm()).item() == pytest.approx(1, abs=0.1)


def test_where_a_class_is_improbable_the_corrected_quotient_fails_and_best_does_not():
    victim, inputs = bent(scale=40), torch.rand(32, 1, 8, 8)
    best, exact = reconstructed("best", IntegratedGradientsChannel(), victim, perceptron(), inputs, "l1")
    corrected, _ = reconstructed("corrected", IntegratedGradientsChannel(), victim, perceptron(), inputs, "l1")
    assert cosine(corrected, exact) < 0.5
    assert cosine(best, exact) > 0.8


def test_pixels_at_the_baseline_are_masked_by_corrected_and_recovered_by_best():
    inputs = torch.rand(16, 1, 8, 8)
    inputs[:, :, :4] = 0.0
    channel = IntegratedGradientsChannel(IntegratedGradientsParameters(score="logit"))
    corrected, exact = reconstructed("corrected", channel, bent(), perceptron(), inputs)
    best, _ = reconstructed("best", channel, bent(), perceptron(), inputs)
    assert corrected[:, :, :4].abs().max() == 0
    assert cosine(best[:, :, :4], exact[:, :, :4]) > 0.99


@pytest.mark.parametrize("baseline", [-1.0, 0.0, 1.0])
def test_best_asks_nothing_outside_the_range_and_moves_pixels_by_a_millionth_of_it(baseline):
    reconstruction = Best(
        context_of(
            IntegratedGradientsChannel(IntegratedGradientsParameters(baseline=baseline)), perceptron(GREY), spec=GREY
        ),
        None,
    )
    images = torch.tensor([-1.0, -0.5, 0.0, 0.5, 1.0]).view(1, 1, 1, 5)
    asked = reconstruction.first(images)
    assert (asked - images).abs().max() <= 2.1e-6
    assert (asked == baseline).sum() == 0
    for query in (asked, reconstruction.second(asked)):
        assert query.min() >= -1
        assert query.max() <= 1


def test_a_baseline_that_cannot_be_asked_is_a_clear_error():
    context = context_of(IntegratedGradientsChannel(IntegratedGradientsParameters(baseline=-1.0)), perceptron())
    with pytest.raises(ConfigurationError, match=r"asks the baseline, and -1 is outside the input range \[0, 1\]"):
        build_attack("int", context, reconstruction="best", **SMALL)
    build_attack("int", context, reconstruction="corrected", **SMALL)


def test_where_one_class_is_explained_only_comparable_rows_count():
    channel, victim, inputs = (
        IntegratedGradientsChannel(IntegratedGradientsParameters(classes="top-1")),
        bent(scale=20),
        torch.rand(64, 1, 8, 8),
    )
    inputs = inputs * torch.rand(64, 1, 1, 1)
    with torch.no_grad():  # the classes that win at zero and far from it must differ
        victim[-1].bias.copy_(-victim[-2:](torch.tanh(victim[:2](0.4 * inputs))).mean(0))
    labels = victim(inputs).argmax(1), victim(0.3 * inputs).argmax(1)
    assert 0 < (labels[0] == labels[1]).float().mean() < 1
    for name in ("corrected", "best"):
        ours, _ = reconstructed(name, channel, victim, perceptron(), inputs, alpha=0.7)
        assert torch.equal(ours.flatten(1).abs().sum(1) > 0, labels[0] == labels[1])


def test_without_a_victim_that_bends_the_softmax_is_undone_exactly():
    torch.manual_seed(0)
    spec, bias = InputSpec((1, 8, 8), 5), torch.randn(5)
    linear = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 5))
    with torch.no_grad():
        linear[1].weight.mul_(8)
        linear[1].bias.copy_(bias)
    ours, exact = reconstructed(
        "best",
        IntegratedGradientsChannel(IntegratedGradientsParameters(9)),
        linear,
        perceptron(spec),
        torch.rand(8, 1, 8, 8),
        "l1",
        spec=spec,
    )
    assert cosine(ours, exact) > 0.999
    assert (ours - exact).norm() < 0.05 * exact.norm()


def test_the_mean_softmax_jacobian_is_that_of_the_channels_points():
    torch.manual_seed(0)
    knots = torch.randn(2, 3, 4, dtype=torch.float64)
    way = Way((0.0, 1.0), torch.log_softmax(knots, 2), steps=70)
    total = torch.zeros(3, 4, 4, dtype=torch.float64)
    for k in range(1, 71):
        at = 0.7 * k / 70
        f = torch.softmax((1 - at) * knots[0] + at * knots[1], 1)
        for b in range(3):
            total[b] += torch.diag(f[b]) - torch.outer(f[b], f[b])
    torch.testing.assert_close(way.softmax_jacobian(0.7), total / 70)


@pytest.mark.parametrize("scale", [0.3, 0.6, 0.9])
def test_path_weights_recover_gradients_that_are_constant_on_the_way(scale):
    torch.manual_seed(0)
    way = Way((0.0, scale, 1.0), torch.log_softmax(torch.randn(3, 6, 5, dtype=torch.float64), 2), steps=50)
    wanted, constant = torch.randn(6, 5), torch.randn(6, 5, 17)
    wanted -= wanted.mean(1, keepdim=True)
    here = way.softmax_jacobian(1.0).float() @ constant
    there = scale * way.softmax_jacobian(scale).float() @ constant
    one, other = path_weights(way, wanted, scale)
    ours = torch.einsum("bc,bcd->bd", one, here) + torch.einsum("bc,bcd->bd", other, there)
    torch.testing.assert_close(ours, torch.einsum("bc,bcd->bd", wanted, constant), rtol=1e-2, atol=1e-2)


def test_the_logarithmic_mean_lies_between_and_has_no_hole():
    a = torch.tensor([0.5, 0.5, 1e-30, 0.3])
    b = torch.tensor([0.1, 0.5, 1e-10, 0.3 * (1 + 1e-5)])
    mean = logarithmic_mean(a, b)
    assert ((torch.minimum(a, b) <= mean) & (mean <= torch.maximum(a, b))).all()
    assert mean[0].item() == pytest.approx(0.4 / torch.log(torch.tensor(5.0)).item())


@pytest.mark.parametrize(("name", "spent"), [("as-printed", 1792), ("corrected", 1792), ("best", 1793)])
def test_an_iteration_at_batch_256_costs_two_queries_for_each_gradient(name, spent):
    channel = IntegratedGradientsChannel(IntegratedGradientsParameters(2))
    attack = build_attack("int", context_of(channel, perceptron()), reconstruction=name, generator_width=2, noise_dim=3)
    oracle, ledger = oracle_of(perceptron(seed=1), channel)
    for _ in range(5):
        one_turn(attack, oracle)
    assert ledger.spent == spent
    assert ledger.explanations == 512
    assert ledger.by_purpose["explore"] == spent - 5 * 256


@pytest.mark.parametrize("name", RECONSTRUCTIONS)
@pytest.mark.parametrize("budget", [1, 8, 9, 10, 28, 29, 30, 99])
def test_every_query_is_spent_and_none_beyond_at_any_budget(name, budget):
    channel = IntegratedGradientsChannel(IntegratedGradientsParameters(2))
    attack = build_attack("int", context_of(channel, perceptron(), budget=budget), reconstruction=name, **SMALL)
    oracle, ledger = oracle_of(perceptron(seed=1), channel, budget=budget)
    spend_all(attack, oracle)
    assert (ledger.spent, ledger.refusals) == (budget, 0)


@pytest.mark.parametrize("name", RECONSTRUCTIONS)
@pytest.mark.parametrize("score", ["probability", "logit"])
@pytest.mark.parametrize("classes", ["all", "top-1"])
@pytest.mark.parametrize("loss", ["l1", "kl"])
def test_a_saturated_victim_gives_no_nan(name, score, classes, loss):
    channel, victim = (
        IntegratedGradientsChannel(IntegratedGradientsParameters(5, score=score, classes=classes)),
        bent(scale=3000),
    )
    ours, _ = reconstructed(name, channel, victim, perceptron(), torch.rand(8, 1, 8, 8), loss)
    assert torch.isfinite(ours).all()


def test_the_baseline_is_asked_once_and_survives_a_stop():
    channel = IntegratedGradientsChannel(IntegratedGradientsParameters(2))
    attack = build_attack("int", context_of(channel, perceptron()), reconstruction="best", clone_steps=1, **SMALL)
    oracle, ledger = oracle_of(perceptron(seed=1), channel)
    one_turn(attack, oracle)
    assert ledger.spent == 1 + 8 + 4
    again = build_attack("int", context_of(channel, perceptron()), reconstruction="best", clone_steps=1, **SMALL)
    again.strategy.load_state_dict(attack.strategy.state_dict())
    one_turn(again, oracle)
    assert ledger.spent == 1 + 2 * (8 + 4)


def test_another_channel_is_a_clear_error():
    with pytest.raises(ConfigurationError, match="use channel ig instead of vg"):
        build_attack("int", context_of(VanillaGradientChannel(), perceptron()), **SMALL)
