"""Attacks that ask a pool once: Copycat, and real data as a reference."""

import pytest
import torch
from toys import build_attack, context_of, one_turn, oracle_of, perceptron, pool_of

from mebench.oracle.channels.answers import LabelChannel, ProbabilityChannel

QUICK = {"epochs": 2}


def once(name, channel, budget=40, **parameters):
    context = context_of(channel, perceptron(seed=2), budget, pool=pool_of())
    attack = build_attack(name, context, **(QUICK | parameters))
    oracle, ledger = oracle_of(perceptron(seed=1, scale=5), channel, budget)
    return one_turn(attack, oracle), attack.learner.clone, ledger


@pytest.mark.parametrize("name", ["copycat", "real-data"])
@pytest.mark.parametrize("budget", [1, 40, 60])
def test_the_whole_budget_is_asked_at_once_and_nothing_twice(name, budget):
    queries, _, ledger = once(name, LabelChannel(), budget)
    assert ledger.spent == budget
    assert len(queries.flatten(1).unique(dim=0)) == budget


def same(first, second):
    return all(torch.equal(a, b) for a, b in zip(first.parameters(), second.parameters(), strict=True))


def test_copycat_learns_the_same_clone_whether_or_not_probabilities_are_answered():
    assert same(once("copycat", LabelChannel())[1], once("copycat", ProbabilityChannel())[1])


def test_real_data_learns_probabilities_where_they_are_answered():
    assert not same(once("real-data", LabelChannel())[1], once("real-data", ProbabilityChannel())[1])


def test_real_data_is_the_random_pool_in_one_round():
    ours, clone, _ = once("real-data", LabelChannel())
    theirs, other, _ = once("random-pool", LabelChannel(), rounds=1)
    assert torch.equal(ours, theirs)
    assert same(clone, other)


def test_copycats_rate_is_constant_by_default():
    """Ten epochs of two steps of plain SGD with momentum at the released rate, by hand."""
    queries, clone, _ = once("copycat", LabelChannel(), 32, epochs=3)
    reference = perceptron(seed=2)
    labels = perceptron(seed=1, scale=5)(queries).argmax(1)
    velocity = [torch.zeros_like(p) for p in reference.parameters()]
    for _ in range(3):
        loss = torch.nn.functional.cross_entropy(reference(queries), labels)
        with torch.no_grad():
            gradients = torch.autograd.grad(loss, list(reference.parameters()))
            for p, v, g in zip(reference.parameters(), velocity, gradients, strict=True):
                p.sub_(1e-4 * v.mul_(0.9).add_(g))
    for ours, expected in zip(clone.parameters(), reference.parameters(), strict=True):
        torch.testing.assert_close(ours, expected)
