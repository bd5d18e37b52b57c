"""DisGUIDE: its loss against sums by hand, its queries, and what its ablations are."""

from __future__ import annotations

import math

import pytest
import torch
from mebench_disguide import DisguideParameters
from mebench_disguide.attack import generator_loss, rows_kept
from toys import build_attack, context_of, one_turn, oracle_of, perceptron, spend_all

from mebench.oracle.channels.answers import LabelChannel, ProbabilityChannel
from mebench.registry.catalogue import registry
from mebench.registry.entries import AttackEntry

SMALL = {"batch_size": 6, "generator_width": 4, "noise_dim": 5, "generator_lr": 1e-2}


def built(channel=ProbabilityChannel, budget=100, **given):
    attack = build_attack("disguide", context_of(channel(), perceptron(seed=2), budget), **{**SMALL, **given})
    return attack, oracle_of(perceptron(seed=1, scale=3), channel(), budget)


def log(*rows):
    return torch.tensor(rows).log()


def test_the_disagreement_is_the_standard_deviation_of_two_probabilities():
    first, second = torch.randn(2, 5, 4, generator=torch.Generator().manual_seed(0))
    shares = torch.stack([torch.softmax(first, 1), torch.softmax(second, 1)])
    found = generator_loss(first, second, disagreement=1.0, diversity=0.0)
    assert found.item() == pytest.approx(-shares.std(0).mean().item(), rel=1e-5)


def test_the_loss_is_its_sum_by_hand():
    first, second = log([0.5, 0.5], [0.1, 0.9]), log([0.7, 0.3], [0.1, 0.9])
    disagreement = (0.2 + 0.2 + 0 + 0) / 4 / math.sqrt(2)
    shares = [(0.5 + 0.1 + 0.7 + 0.1) / 4, (0.5 + 0.9 + 0.3 + 0.9) / 4]
    diversity = sum(share * math.log(share) for share in shares)
    found = generator_loss(first, second, disagreement=1.0, diversity=0.2)
    assert found.item() == pytest.approx(-disagreement + 0.2 * diversity, rel=1e-4)


def test_students_that_agree_have_a_gradient_and_so_have_classes_that_nobody_names():
    logits = torch.tensor([[200.0, 0.0, -200.0]]).requires_grad_()
    loss = generator_loss(logits, logits, disagreement=1.0, diversity=1.0)
    (gradient,) = torch.autograd.grad(loss, logits)
    assert gradient.isfinite().all()


@pytest.mark.parametrize("channel", [ProbabilityChannel, LabelChannel])
def test_generator_steps_cost_nothing_and_every_query_is_learnt_from(channel):
    attack, (oracle, ledger) = built(channel)
    assert spend_all(attack, oracle) == 17  # 16 batches of 6, and one of 4
    assert ledger.spent == ledger.by_purpose["train"] == 100


@pytest.mark.parametrize(("weight", "moves"), [(1.0, True), (0.0, False)])
def test_without_either_term_the_generator_keeps_its_weights(weight, moves):
    attack, (oracle, _) = built(disagreement=weight, diversity=0.0)
    before = [one.detach().clone() for one in attack.strategy.generator.parameters()]
    spend_all(attack, oracle)
    pairs = zip(before, attack.strategy.generator.parameters(), strict=True)
    assert any(not torch.equal(a, b) for a, b in pairs) == moves


def test_both_rates_fall_at_two_and_four_fifths_of_the_budget():
    attack, (oracle, _) = built(budget=60)
    rates = []
    while oracle.remaining:
        queries = attack.strategy.propose(oracle, attack.learner.clone)
        attack.learner.learn(queries, oracle.query(queries))
        rates.append((attack.strategy.optimizer.param_groups[0]["lr"], attack.learner.optimizer.param_groups[0]["lr"]))
    # a generator step comes before its batch is answered, the students' after
    assert [round(g / 1e-2, 6) for g, _ in rates] == [1, 1, 1, 1, 0.3, 0.3, 0.3, 0.3, 0.09, 0.09]
    assert [round(c / 0.03, 6) for _, c in rates] == [1, 1, 1, 0.3, 0.3, 0.3, 0.3, 0.09, 0.09, 0.09]


def test_with_another_learner_the_generator_asks_what_it_would_ask_with_its_own():
    (whole, (oracle, _)), context = built(), context_of(ProbabilityChannel(), perceptron(seed=2), 100)
    parts = {f"strategy.{name}": value for name, value in SMALL.items()}
    alone = registry().get(AttackEntry, "disguide+fit").call(context, given={**parts, "learner.epochs": 1})
    other, _ = oracle_of(perceptron(seed=1, scale=3), ProbabilityChannel(), 100)
    for _ in range(4):
        assert torch.equal(one_turn(whole, oracle), one_turn(alone, other))
    assert alone.learner.clone is context.clone
    weights = zip(alone.learner.clone.parameters(), whole.learner.clone.parameters(), strict=True)
    assert not any(torch.equal(mine, its) for mine, its in weights)


@pytest.mark.parametrize("name", ["ideal", "qedg"])
def test_generators_that_begin_anew_work_with_any_learner(name):
    context = context_of(LabelChannel(), perceptron(seed=2), 30)
    small = {"batch_size": 10, "generator_width": 2, "noise_dim": 3, "generator_steps": 2}
    given = {f"strategy.{key}": value for key, value in small.items()} | {"learner.epochs": 1}
    attack = registry().get(AttackEntry, f"{name}+fit").call(context, given=given)
    oracle, ledger = oracle_of(perceptron(seed=1, scale=3), LabelChannel(), 30)
    spend_all(attack, oracle)
    assert ledger.by_purpose["train"] == 30


def test_the_ring_is_bounded_by_rows_and_by_bytes():
    of_clothes = 28 * 28, 10
    assert rows_kept(DisguideParameters(), *of_clothes) == 1_000_000
    assert rows_kept(DisguideParameters(ring=500), *of_clothes) == 500
    assert rows_kept(DisguideParameters(ring_gib=1.0), 3 * 224 * 224, 1000) == 2**30 // (4 * (3 * 224 * 224 + 1000) + 8)
    assert rows_kept(DisguideParameters(ring_gib=0.0), *of_clothes) == 1
