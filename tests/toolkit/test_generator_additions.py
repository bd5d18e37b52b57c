"""What generators may do besides the papers': learn how light their images are, and keep the clone's answers apart."""

from __future__ import annotations

import copy

import pytest
import torch
from toys import SPEC, build_attack, context_of, oracle_of, perceptron

from mebench.api.errors import ConfigurationError
from mebench.oracle.channels.explanations import VanillaGradientChannel
from mebench.toolkit.strategies.generator import like_norm, squash

SMALL = {"batch_size": 6, "generator_width": 4, "noise_dim": 5, "generator_lr": 1e-3}


def megex(scale=1, **parameters):
    channel = VanillaGradientChannel()
    attack = build_attack(
        "megex", context_of(channel, perceptron(seed=2, scale=scale), budget=10**6), **SMALL, **parameters
    )
    return attack, oracle_of(perceptron(seed=1), channel, 10**6)[0]


def entropy_of_the_mean(raw, clone):
    mean = torch.softmax(clone(squash(raw, SPEC)), dim=1).mean(0)
    return -(mean * mean.log()).sum()


def step(attack, oracle):
    attack.strategy.generator_step(oracle, attack.learner.clone)


def test_they_are_off_by_default_and_leave_the_generator_as_it_was():
    plain, with_zeros = megex()[0].strategy, megex(brightness_lr=0.0, diversity=0.0)[0].strategy
    assert plain.generator.scale_and_shift == []
    assert [len(group["params"]) for group in plain.optimizer.param_groups] == [
        len(group["params"]) for group in with_zeros.optimizer.param_groups
    ]
    assert len(plain.optimizer.param_groups) == 1


def test_a_step_moves_brightness_by_its_own_rate():
    attack, oracle = megex(brightness_lr=0.25, milestones=(), lr_factor=0.5)
    before = [weight.detach().clone() for weight in attack.strategy.generator.parameters()]
    step(attack, oracle)
    moved = [(w - b).abs().max().item() for w, b in zip(attack.strategy.generator.parameters(), before, strict=True)]
    assert moved[-2:] == pytest.approx([0.25, 0.25], rel=1e-2)  # Adam's first step is as long as its rate
    assert max(moved[:-2]) == pytest.approx(1e-3, rel=1e-2)


def test_brightness_falls_as_the_generators_rate_does():
    attack, oracle = megex(brightness_lr=0.25, milestones=(0.0,), lr_factor=0.5)
    oracle.query(torch.rand(1, *SPEC.shape))
    step(attack, oracle)
    assert [group["lr"] for group in attack.strategy.optimizer.param_groups] == pytest.approx([5e-4, 0.125])


def test_brightness_without_a_rate_to_fall_with_is_a_clear_error():
    channel = VanillaGradientChannel()
    with pytest.raises(ConfigurationError, match="generator_lr"):
        build_attack(
            "megex", context_of(channel, perceptron(seed=2)), **SMALL | {"generator_lr": 0.0}, brightness_lr=0.1
        )


def test_diversity_adds_the_gradient_of_the_entropy_at_the_norm_of_the_losss():
    attack, oracle = megex(diversity=2.0)
    twin = copy.deepcopy(attack.strategy.generator)
    noise = attack.strategy._noise.get_state()
    seen = []
    loss_gradient = attack.strategy.loss_gradient
    attack.strategy.loss_gradient = lambda *given: seen.append(loss_gradient(*given)) or seen[-1]
    step(attack, oracle)
    attack.strategy._noise.set_state(noise)
    raw = twin(attack.strategy.draw_noise())
    clone = copy.deepcopy(attack.learner.clone).eval().requires_grad_(False)
    leaf = raw.detach().requires_grad_()
    (towards,) = torch.autograd.grad(entropy_of_the_mean(leaf, clone), leaf)
    scale = seen[0].flatten(1).norm(dim=1).mean() / towards.flatten(1).norm(dim=1).mean()
    (-(seen[0] + 2 * scale * towards) / len(raw)).mul(raw).sum().backward()
    for ours, expected in zip(attack.strategy.generator.parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(ours.grad, expected.grad, rtol=1e-4, atol=1e-7)


def test_diversity_alone_spreads_what_the_clone_answers():
    attack, oracle = megex(scale=8, diversity=1000.0)
    clone = attack.learner.clone.eval()

    def entropy():
        with torch.no_grad():
            return entropy_of_the_mean(attack.strategy.generator(torch.randn(200, 5)), clone).item()

    torch.manual_seed(0)
    before = entropy()
    for _ in range(60):
        step(attack, oracle)
    torch.manual_seed(0)
    assert entropy() > before + 0.1


def test_diversity_costs_no_query():
    plain, asked = megex()
    step(plain, asked)
    diverse, asked_too = megex(diversity=1.0)
    step(diverse, asked_too)
    assert asked.spent == asked_too.spent == SMALL["batch_size"]


def test_a_gradient_of_nothing_stays_nothing():
    assert like_norm(torch.zeros(2, 3), torch.ones(2, 3)).tolist() == torch.zeros(2, 3).tolist()
