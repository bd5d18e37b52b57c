"""IDEAL: its two regularisers against sums by hand, and both ways of counting."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from mebench_ideal.attack import negentropy
from toys import SPEC, build_attack, context_of, one_turn, oracle_of, perceptron, spend_all

from mebench.oracle.channels.answers import LabelChannel, ProbabilityChannel

SMALL = {"batch_size": 10, "clone_batch_size": 4, "generator_width": 2, "noise_dim": 3, "generator_steps": 2}


def built(budget=100, channel=LabelChannel, **given):
    attack = build_attack("ideal", context_of(channel(), perceptron(seed=2), budget), **{**SMALL, **given})
    return attack, oracle_of(perceptron(seed=1, scale=3), channel(), budget)[0]


def entropy(*shares):
    return -sum(share * math.log(share) for share in shares)


def test_the_papers_regulariser_is_of_the_mean_prediction_and_the_released_of_each():
    logits = torch.tensor([[0.9, 0.1], [0.2, 0.8]]).log()
    assert negentropy(logits, shared=True).item() == pytest.approx(-entropy(0.55, 0.45), rel=1e-5)
    each = (entropy(0.9, 0.1) + entropy(0.2, 0.8)) / 2
    assert negentropy(logits, shared=False).item() == pytest.approx(-each, rel=1e-5)


@pytest.mark.parametrize("shared", [True, False])
def test_a_sure_prediction_has_a_gradient(shared):
    logits = torch.tensor([[300.0, 0.0], [300.0, 0.0]]).requires_grad_()
    (gradient,) = torch.autograd.grad(negentropy(logits, shared=shared), logits)
    assert gradient.isfinite().all()


@pytest.mark.parametrize("regulariser", ["paper", "as-released"])
def test_the_loss_is_cross_entropy_and_five_times_the_regulariser(regulariser):
    attack, _ = built(regulariser=regulariser)
    logits, targets = torch.randn(10, 10), attack.strategy.targets()
    shares = torch.softmax(logits, 1)
    mean = shares.mean(0)
    term = (mean * mean.log()).sum() if regulariser == "paper" else (shares * shares.log()).sum(1).mean()
    expected = -logits.log_softmax(1)[torch.arange(10), targets].mean() + 5 * term
    assert attack.strategy.loss(logits, targets, torch.empty(0)).item() == pytest.approx(expected.item(), rel=1e-4)


def test_every_class_is_a_target_equally_often():
    assert built(batch_size=20)[0].strategy.targets().bincount().tolist() == [2] * 10


def test_a_round_asks_250_queries_and_keeps_their_answers():
    attack, oracle = built(budget=750, batch_size=250, clone_batch_size=250)
    assert [len(one_turn(attack, oracle)) for _ in range(3)] == [250] * 3
    assert oracle.remaining == 0
    assert sum(map(len, attack.learner.queries)) == 750


@pytest.mark.parametrize("rounds", [1, 2, 3, 4])
def test_as_released_every_pass_over_the_pool_is_asked(rounds):
    budget = 10 * rounds * (rounds + 1) // 2  # B E (E + 1) / 2
    attack, oracle = built(budget=budget + 1, accounting="as-released")
    made = []
    best_batch = attack.strategy.best_batch
    attack.strategy.best_batch = lambda clone: (made.append(oracle.spent), best_batch(clone))[1]
    spend_all(attack, oracle)
    assert len(made) == rounds + 1
    assert made[-1] == budget


def test_as_released_what_is_asked_is_the_pool_moved_about():
    attack, oracle = built(budget=30, accounting="as-released", views="none", clone_batch_size=10)
    first = one_turn(attack, oracle)
    again = torch.cat([one_turn(attack, oracle), one_turn(attack, oracle)])
    rows = {tuple(row.flatten().tolist()) for row in again}
    assert {tuple(row.flatten().tolist()) for row in first} <= rows
    assert len(rows) == 20


def test_only_the_last_rounds_are_kept():
    attack, oracle = built(budget=50, rounds_kept=2)
    spend_all(attack, oracle)
    assert [len(queries) for queries in attack.learner.queries] == [10, 10]
    attack, oracle = built(budget=100, rounds_kept=2, accounting="as-released")
    spend_all(attack, oracle)
    assert len(attack.strategy.pool) == 2


def test_probabilities_teach_nothing_more_than_labels():
    (with_labels, oracle), (with_shares, other) = built(), built(channel=ProbabilityChannel)
    for _ in range(3):
        assert torch.equal(one_turn(with_labels, oracle), one_turn(with_shares, other))


@pytest.mark.parametrize("accounting", ["fair", "as-released"])
def test_it_goes_on_from_its_state_to_the_same_bits(accounting):
    (first, oracle), (second, other) = built(accounting=accounting), built(accounting=accounting)
    for _ in range(4):
        one_turn(first, oracle)
    for mine, its in ((first.strategy, second.strategy), (first.learner, second.learner)):
        its.load_state_dict(copy.deepcopy(mine.state_dict()))
        for name, value in vars(mine).items():
            if isinstance(value, torch.Generator):
                getattr(its, name).set_state(value.get_state())
    other.query(torch.zeros(oracle.spent, *SPEC.shape))
    for _ in range(3):
        assert torch.equal(one_turn(first, oracle), one_turn(second, other))
