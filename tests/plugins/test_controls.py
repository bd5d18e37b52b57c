from itertools import pairwise

import pytest
import torch
from toys import build_attack, context_of, one_turn, oracle_of, perceptron, spend_all

from mebench.oracle.channels.answers import ProbabilityChannel

NAMES = ["random-generator", "wandering-generator", "noise"]


def built(name, budget=1000):
    context = context_of(ProbabilityChannel(), perceptron(), budget=budget)
    extra = {"generator_width": 4, "noise_dim": 5} if name != "noise" else {}
    attack = build_attack(name, context, batch_size=8, **extra)
    oracle, ledger = oracle_of(perceptron(seed=1), ProbabilityChannel(), budget=budget)
    return attack, oracle, ledger


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("budget", [1, 8, 13])
def test_controls_only_train_and_spend_all(name, budget):
    attack, oracle, ledger = built(name, budget)
    spend_all(attack, oracle)
    assert ledger.by_purpose == {"train": budget, "explore": 0, "validation": 0}


def test_the_frozen_generator_keeps_its_weights():
    attack, oracle, _ = built("random-generator")
    before = [p.clone() for p in attack.strategy.generator.parameters()]
    for _ in range(10):
        one_turn(attack, oracle)
    assert all(torch.equal(a, b) for a, b in zip(before, attack.strategy.generator.parameters(), strict=True))


def test_the_wandering_generator_takes_a_step_at_every_turn_whatever_the_victim_is():
    walks = []
    for victim in (1, 2):
        context = context_of(ProbabilityChannel(), perceptron(), budget=1000)
        attack = build_attack(
            "wandering-generator", context, batch_size=8, generator_width=4, noise_dim=5, clone_steps=1
        )
        oracle, _ = oracle_of(perceptron(seed=victim), ProbabilityChannel(), budget=1000)
        places = []
        for _ in range(4):
            one_turn(attack, oracle)
            places.append(torch.nn.utils.parameters_to_vector(attack.strategy.generator.parameters()).detach().clone())
        walks.append(places)
    for first, second in zip(*walks, strict=True):
        assert torch.equal(first, second)
    assert all((after - before).abs().max() > 0 for before, after in pairwise(walks[0]))


def test_the_wandering_generator_starts_as_the_frozen_one():
    assert torch.equal(
        built("random-generator")[0].strategy.generator.linear.weight,
        built("wandering-generator")[0].strategy.generator.linear.weight,
    )


def test_the_frozen_generator_draws_the_same_noise_as_dfme():
    frozen = built("random-generator")[0]
    context = context_of(ProbabilityChannel(), perceptron())
    dfme = build_attack("dfme", context, batch_size=8, generator_width=4, noise_dim=5)
    assert torch.equal(frozen.strategy.draw_noise(), dfme.strategy.draw_noise())
    assert torch.equal(frozen.strategy.generator.linear.weight, dfme.strategy.generator.linear.weight)


def test_noise_is_uniform_over_the_range():
    attack, oracle, _ = built("noise", budget=10**6)
    values = torch.cat([attack.strategy.propose(oracle, attack.learner.clone) for _ in range(100)])
    assert abs(values.mean() - 0.5) < 0.01
    assert abs(values.std() - 12**-0.5) < 0.01
    assert not torch.equal(values[:8], values[8:16])
