from dataclasses import replace

import pytest
import torch
from mebench_matching.contraction import as_long_as_any
from torch import nn
from toys import SPEC, build_attack, context_of, oracle_of, perceptron, pool_of, spend_all

from mebench.api.contract import Explanation, ResponseChannel
from mebench.api.errors import ConfigurationError
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


class Maps(Explanation):
    """Maps of probabilities as they are."""

    score = "probability"

    def __init__(self, maps):
        self._maps = maps

    def dense(self):
        return self._maps

    def vjp(self, weights):
        return torch.einsum("bc,bc...->b...", weights, self._maps)


FIT = {"rounds": 1, "epochs": 4, "batch_size": 8}


def learner_of(channel, clone, **parameters):
    """The learner of `gradient-matching`, and its context."""
    context = context_of(channel, clone, pool=pool_of(40), budget=24)
    return build_attack("gradient-matching", context, **{**FIT, **parameters}).learner


def distance(channel, victim, clone, **parameters):
    """The mean square of the clone's contractions less the victim's, over that of the victim's, for 24 rows."""
    learner, (oracle, _) = learner_of(channel, clone, **parameters), oracle_of(victim, channel)
    queries = torch.rand(24, *SPEC.shape, generator=torch.Generator().manual_seed(4))
    learner.remember(queries, oracle.query(queries, explain=True))
    ((maps, coefficients),) = learner.kept
    return (learner.matching.distance(clone, queries, maps, coefficients) / maps.square().mean()).item()


EXACT = [
    VanillaGradientChannel(),
    VanillaGradientChannel(ExplainedParameters(score="logit")),
    VanillaGradientChannel(ExplainedParameters(classes="top-1")),
    VanillaGradientChannel(ExplainedParameters(score="logit", classes="top-1")),
    IntegratedGradientsChannel(IntegratedGradientsParameters(steps=6)),
    IntegratedGradientsChannel(IntegratedGradientsParameters(steps=6, rule="midpoint", score="logit", baseline=0.5)),
    WhiteBoxChannel(),
]


@pytest.mark.parametrize("channel", EXACT, ids=lambda channel: channel.name)
def test_the_distance_of_the_victim_from_itself_is_rounding(channel):
    victim = perceptron(seed=1, scale=5)
    assert distance(channel, victim, victim, directions=3) < 1e-8
    assert distance(channel, victim, perceptron(seed=2, scale=5), directions=3) > 0.1


@pytest.mark.parametrize("channel", EXACT, ids=lambda channel: channel.name)
def test_the_angle_of_the_victim_to_itself_is_rounding(channel):
    victim = perceptron(seed=1, scale=5)
    assert distance(channel, victim, victim, directions=3, compare="angles") < 1e-8
    assert distance(channel, victim, perceptron(seed=2, scale=5), directions=3, compare="angles") > 0.1


@pytest.mark.parametrize("channel", EXACT, ids=lambda channel: channel.name)
def test_the_magnitudes_of_the_victim_are_its_own(channel):
    victim = perceptron(seed=1, scale=5)
    assert distance(channel, victim, victim, directions=3, compare="magnitudes") < 1e-8
    assert distance(channel, victim, perceptron(seed=2, scale=5), directions=3, compare="magnitudes") > 0.03


def test_angles_are_compared_by_twice_one_less_the_cosine():
    random = torch.Generator().manual_seed(0)
    first, second = torch.randn(2, 5, 3, *SPEC.shape, generator=random)
    distance = (as_long_as_any(first) - as_long_as_any(second)).square().flatten(2).mean(2)
    cosine = torch.cosine_similarity(first.flatten(2), second.flatten(2), dim=2)
    assert torch.allclose(distance, 2 * (1 - cosine), atol=1e-5)


def test_angles_do_not_see_how_long_a_map_is_and_nothing_pulls_at_one_that_was_withheld():
    maps = torch.randn(4, 2, *SPEC.shape, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(as_long_as_any(maps), as_long_as_any(1e-9 * maps), atol=1e-5)
    mine = maps.clone().requires_grad_()
    (as_long_as_any(mine) - as_long_as_any(torch.zeros_like(maps))).square().mean().backward()
    assert mine.grad is not None
    assert mine.grad.abs().max() < 1e-6


def without_length(maps):
    return maps / maps.flatten(2).norm(dim=2).view(24, -1, 1, 1, 1)


@pytest.mark.parametrize(
    ("compare", "released"),
    [("angles", without_length), ("magnitudes", torch.abs), ("magnitudes", lambda maps: without_length(maps.abs()))],
)
def test_angles_and_magnitudes_teach_the_same_by_maps_without_length_or_signs_as_by_whole_ones(compare, released):
    victim = perceptron(seed=1, scale=5)
    kept = []
    for whole in (True, False):
        channel = VanillaGradientChannel()
        learner = learner_of(channel, perceptron(seed=2), compare=compare)
        oracle, _ = oracle_of(victim, channel)
        queries = torch.rand(24, *SPEC.shape, generator=torch.Generator().manual_seed(4))
        response = oracle.query(queries, explain=True)
        if not whole:
            response = replace(response, explanation=Maps(released(response.explanation.dense())))
        learner.remember(queries, response)
        kept.append(learner.kept[0][0])
    assert torch.allclose(*kept, atol=1e-4)


def test_the_distance_under_smoothgrad_is_that_of_the_noise():
    channel = SmoothGradChannel(SmoothGradParameters(samples=40, sigma=0.1))
    victim = perceptron(seed=1, scale=5)
    assert distance(channel, victim, victim) < 0.02 < distance(channel, victim, perceptron(seed=2, scale=5))


def test_a_contraction_is_a_row_of_the_jacobian_of_the_logits_though_probabilities_are_explained():
    victim, channel = perceptron(seed=1, scale=40), VanillaGradientChannel()
    learner, (oracle, _) = learner_of(channel, perceptron()), oracle_of(victim, channel)
    queries = torch.rand(24, *SPEC.shape, generator=torch.Generator().manual_seed(4))
    response = oracle.query(queries, explain=True)
    assert response.probabilities.max(1).values.median() > 0.99  # the victim is sure
    learner.remember(queries, response)
    maps, coefficients = (part[:, 0] for part in learner.kept[0])
    inputs = queries.double().requires_grad_()
    logits = victim.double()(inputs)
    centred = logits - logits.mean(1, keepdim=True)
    (expected,) = torch.autograd.grad((coefficients * centred).sum(), inputs)
    torch.testing.assert_close(maps.double(), expected, rtol=1e-3, atol=1e-4 * float(expected.abs().max()))
    victim.float()


def test_signs_see_the_whole_jacobian_in_the_mean():
    channel = VanillaGradientChannel(ExplainedParameters(score="logit"))
    victim = perceptron(seed=1)
    learner, (oracle, _) = learner_of(channel, perceptron(), directions=400), oracle_of(victim, channel)
    queries = torch.rand(3, *SPEC.shape, generator=torch.Generator().manual_seed(4))
    response = oracle.query(queries, explain=True)
    learner.remember(queries, response)
    jacobian = response.explanation.dense().flatten(2)
    whole = (jacobian - jacobian.mean(1, keepdim=True)).square().sum((1, 2))
    assert torch.allclose(learner.kept[0][0].flatten(2).square().sum(2).mean(1), whole, rtol=0.15)


def test_the_loss_and_its_gradient_are_those_of_a_plain_program():
    channel, clone = VanillaGradientChannel(), perceptron(seed=2, scale=3)
    victim = perceptron(seed=1, scale=3)
    learner, (oracle, _) = learner_of(channel, clone, gradient_weight=0.7, ramp=0.0), oracle_of(victim, channel)
    queries = torch.rand(6, *SPEC.shape, generator=torch.Generator().manual_seed(4))
    response = oracle.query(queries, explain=True)
    learner.remember(queries, response)
    maps, coefficients = (part[:, 0] for part in learner.kept[0])
    learner.scale = float(maps.square().mean())
    learner.explained_loss(queries, response.probabilities, learner.kept[0], 0.5).backward()
    ours = [weight.grad.clone() for weight in clone.parameters()]
    clone.zero_grad()
    inputs = queries.clone().requires_grad_()
    log_q = torch.log_softmax(clone(inputs), 1)
    value = -(response.probabilities * log_q).sum(1).mean()
    (gradient,) = torch.autograd.grad((coefficients * log_q).sum(), inputs, create_graph=True)
    (value + 0.7 * (gradient - maps).square().mean() / maps.square().mean()).backward()
    for mine, weight in zip(ours, clone.parameters(), strict=True):
        torch.testing.assert_close(mine, weight.grad, rtol=1e-4, atol=1e-6)


def test_the_control_asks_for_no_explanations_and_learns_as_a_fit_does():
    channel, victim = VanillaGradientChannel(), perceptron(seed=1, scale=5)
    clones = [perceptron(seed=2), perceptron(seed=2)]
    oracle, ledger = oracle_of(victim, channel, 24)
    control = build_attack(
        "gradient-matching", context_of(channel, clones[0], 24, pool=pool_of(40)), **FIT, gradient_weight=0.0
    )
    spend_all(control, oracle)
    assert ledger.explanations == 0
    plain = {"optimizer": "adam", "learning_rate": 1e-3, "weight_decay": 0.0}
    other = build_attack("random-pool", context_of(channel, clones[1], 24, pool=pool_of(40)), **FIT, **plain)
    spend_all(other, oracle_of(victim, channel, 24)[0])
    assert all(map(torch.equal, clones[0].state_dict().values(), clones[1].state_dict().values()))


def test_every_training_query_is_explained_and_charged_once():
    channel = VanillaGradientChannel()
    oracle, ledger = oracle_of(perceptron(seed=1), channel, 24)
    spend_all(build_attack("gradient-matching", context_of(channel, perceptron(), 24, pool=pool_of(40)), **FIT), oracle)
    assert (ledger.spent, ledger.explanations) == (24, 24)


def test_gradients_teach_what_few_answers_do_not():
    channel, victim = VanillaGradientChannel(), perceptron(seed=1, scale=5)
    fresh = torch.rand(300, *SPEC.shape, generator=torch.Generator().manual_seed(8))
    told = torch.softmax(victim(fresh), 1)
    losses, fast = [], {"rounds": 1, "epochs": 60, "batch_size": 8, "learning_rate": 1e-2}
    for weight in (0.0, 1.0):
        clone = perceptron(seed=2)
        context = context_of(channel, clone, 24, pool=pool_of(40))
        attack = build_attack("gradient-matching", context, **fast, gradient_weight=weight)
        spend_all(attack, oracle_of(victim, channel, 24)[0])
        losses.append((told - torch.softmax(clone(fresh), 1)).abs().sum(1).mean().item() / 2)
    assert losses[1] < 0.5 * losses[0]


def test_batch_norm_keeps_its_statistics_while_gradients_are_matched():
    channel = VanillaGradientChannel()
    clone = nn.Sequential(nn.Flatten(), nn.BatchNorm1d(SPEC.size), nn.Linear(SPEC.size, SPEC.num_classes))
    learner, (oracle, _) = learner_of(channel, clone), oracle_of(perceptron(seed=1), channel)
    queries = torch.rand(8, *SPEC.shape)
    response = oracle.query(queries, explain=True)
    learner.remember(queries, response)
    clone.train()
    learner.explained_loss(queries, response.probabilities, learner.kept[0], 0.5)
    assert int(clone[1].num_batches_tracked) == 1
    assert clone.training


class Blurred(ResponseChannel):
    """Explanations of a kind that nobody has told the attack of."""

    name = "blurred"
    gives = frozenset({"label", "probability", "explanation"})

    def answer(self, victim, inputs, explain):
        raise AssertionError


def test_an_unknown_kind_of_explanation_is_refused_by_name():
    with pytest.raises(ConfigurationError, match="knows the channels vg, sg, ig and white-box, not blurred"):
        learner_of(Blurred(), perceptron())
