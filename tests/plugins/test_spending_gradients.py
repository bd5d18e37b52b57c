"""Explanations in the generator, in the clone, or in both: what each combination asks, and what a step descends."""

from __future__ import annotations

import copy

import pytest
import torch
from toys import SPEC, context_of, convolutional, one_turn, oracle_of, perceptron, spend_all

from mebench.api.errors import ConfigurationError
from mebench.oracle.channels.explanations import VanillaGradientChannel
from mebench.registry.catalogue import registry
from mebench.registry.entries import AttackEntry

SMALL = {"strategy.batch_size": 8, "strategy.generator_width": 4, "strategy.noise_dim": 5}
CLONE = {"learner.clone_lr": 0.01, "learner.ramp": 0.0}
SHARED = {**SMALL, **CLONE, "strategy.answers": "training", "strategy.clone_steps": 1}


def built(name, given, budget=80, clone=None):
    channel = VanillaGradientChannel()
    context = context_of(channel, clone or perceptron(seed=2), budget)
    attack = registry().get(AttackEntry, name).call(context, given=given)
    return attack, *oracle_of(perceptron(seed=1, scale=3), channel, budget)


@pytest.mark.parametrize(
    ("name", "given", "purposes", "explained"),
    [
        ("random-generator+online", {}, (80, 0), 0),
        ("random-generator+online-gradients", {}, (80, 0), 80),
        ("megex+online", {"strategy.clone_steps": 4}, (64, 16), 16),
        ("megex+online-gradients", {"strategy.clone_steps": 4}, (64, 16), 80),
        ("megex+online-gradients", {"strategy.answers": "training"}, (80, 0), 80),
        ("megex+online-gradients", {"strategy.clone_steps": 4, "learner.gradient_weight": 0.0}, (64, 16), 16),
    ],
)
def test_an_explanation_is_counted_once_whoever_uses_it(name, given, purposes, explained):
    attack, oracle, ledger = built(name, SMALL | given)
    spend_all(attack, oracle)
    assert (ledger.by_purpose["train"], ledger.by_purpose["explore"]) == purposes
    assert ledger.explanations == explained


def test_the_control_is_the_plain_learner_to_the_byte():
    clones = []
    for name, given in [("online", {}), ("online-gradients", {"learner.gradient_weight": 0.0})]:
        attack, oracle, _ = built(f"megex+{name}", {**SMALL, "learner.clone_lr": 0.01, **given})
        spend_all(attack, oracle)
        clones.append(attack.learner.clone.state_dict())
    assert all(map(torch.equal, clones[0].values(), clones[1].values()))


def test_the_strategy_alone_with_its_learner_is_the_attack_to_the_byte():
    attack, oracle, _ = built("megex+online", SMALL | {"learner.clone_lr": 0.01})
    spend_all(attack, oracle)
    whole, asked, _ = built("megex", {**{key.split(".")[1]: value for key, value in SMALL.items()}, "clone_lr": 0.01})
    spend_all(whole, asked)
    assert all(map(torch.equal, attack.learner.clone.state_dict().values(), whole.learner.clone.state_dict().values()))


def test_a_step_descends_the_loss_and_the_distance_of_gradients():
    attack, oracle, _ = built("random-generator+online-gradients", {**SMALL, **CLONE, "learner.gradient_weight": 0.7})
    learner, queries = attack.learner, attack.strategy.propose(oracle, attack.learner.clone)
    response = oracle.query(queries, explain=True)
    drawn = learner.matching.signs.get_state()
    maps, coefficients = learner.matching.of_victim(response)
    learner.matching.signs.set_state(drawn)
    inputs = queries.clone().requires_grad_()
    log_q = torch.log_softmax(learner.clone(inputs), 1)
    told = response.probabilities.log()
    centred = (told - told.mean(1, keepdim=True)) - (log_q - log_q.mean(1, keepdim=True))
    (gradient,) = torch.autograd.grad((coefficients[:, 0] * log_q).sum(), inputs, create_graph=True)
    distance = (gradient - maps[:, 0]).square().mean() / maps.square().mean()
    (centred.abs().mean() + 0.7 * distance).backward()
    expected = [weight.grad.clone() for weight in learner.clone.parameters()]
    learner.learn(queries, response)
    for mine, theirs in zip(learner.clone.parameters(), expected, strict=True):
        torch.testing.assert_close(mine.grad, theirs, rtol=1e-3, atol=1e-6)


def test_the_square_of_the_victims_maps_is_a_running_mean():
    attack, oracle, _ = built("random-generator+online-gradients", {**SMALL, **CLONE})
    squares, keep = [], attack.learner.matching.of_victim

    def noted(*given):
        found = keep(*given)
        squares.append(float(found[0].square().mean()))
        return found

    attack.learner.matching.of_victim = noted
    for _ in range(3):
        one_turn(attack, oracle)
    weights = [0.99**age for age in (2, 1, 0)]
    mean = sum(w * s for w, s in zip(weights, squares, strict=True)) / sum(weights)
    assert attack.learner._square / attack.learner._share == pytest.approx(mean)


def test_a_step_on_training_answers_ascends_what_a_step_on_own_answers_would():
    attack, oracle, ledger = built("megex+online-gradients", SHARED)
    before = copy.deepcopy(attack.strategy.generator.state_dict())
    one_turn(attack, oracle)
    shared = attack.strategy._last_step[1]
    own, asked, _ = built("megex+online-gradients", {**SHARED, "strategy.answers": "own"})
    own.strategy.generator.load_state_dict(before)
    own.learner.clone.load_state_dict(attack.learner.clone.state_dict())
    own.strategy.generator_step(asked, own.learner.clone)
    assert torch.allclose(own.strategy._last_step[1], shared, rtol=1e-4, atol=1e-7)
    assert ledger.by_purpose == {"train": 8, "explore": 0, "validation": 0}
    assert not torch.equal(before["linear.weight"], attack.strategy.generator.state_dict()["linear.weight"])


def test_what_cannot_be_shared_is_refused():
    with pytest.raises(ConfigurationError, match="generator_steps at 1"):
        built("megex+online-gradients", {**SHARED, "strategy.generator_steps": 2})
    attack, oracle, _ = built("megex+online", {**SMALL, "strategy.answers": "training"})
    with pytest.raises(ConfigurationError, match="want explanations"):
        one_turn(attack, oracle)
    with pytest.raises(ConfigurationError, match="memory"):
        built("megex+online-gradients", {**SMALL, "learner.memory": 10})


def test_batch_norm_keeps_its_statistics_while_gradients_are_matched():
    attack, oracle, _ = built("random-generator+online-gradients", {**SMALL, **CLONE}, clone=convolutional(SPEC))
    one_turn(attack, oracle)
    assert int(attack.learner.clone[1].num_batches_tracked) == 1
