import pytest
import torch
from toys import SPEC, build_attack, context_of, one_turn, oracle_of, perceptron, spend_all

from mebench.oracle.channels.answers import ProbabilityChannel
from mebench.toolkit.losses import L1LogitLoss, make_loss
from mebench.toolkit.parameters import GeneratorParameters
from mebench.toolkit.schedules import constant_schedule
from mebench.toolkit.strategies.generator import squash
from mebench.toolkit.strategies.zeroth_order import ZerothOrderStrategy

SMALL = {"batch_size": 4, "generator_width": 4, "noise_dim": 5}


def strategy_of(directions, exact, clone, loss="l1", step_size=1e-3):
    return ZerothOrderStrategy(
        context_of(ProbabilityChannel(), clone),
        make_loss(loss, 1e-37),
        GeneratorParameters(**SMALL),
        constant_schedule(5e-4),
        directions=directions,
        step_size=step_size,
        exact_clone=exact,
    )


def true_gradient(victim, clone, raw, loss):
    """d L / d raw by autograd through the victim."""
    raw = raw.clone().requires_grad_()
    images = squash(raw, SPEC)
    total = loss.per_query(torch.softmax(victim(images), 1), clone(images)).sum()
    return torch.autograd.grad(total, raw)[0]


@pytest.mark.parametrize("loss", ["l1", "kl"])
@pytest.mark.parametrize("exact", [False, True])
def test_the_estimate_over_many_directions_approaches_the_gradient(loss, exact):
    victim, clone = perceptron(seed=1, scale=3), perceptron(seed=2)
    raw = torch.randn(4, *SPEC.shape)
    oracle, _ = oracle_of(victim, ProbabilityChannel(), budget=10**6)
    estimate = strategy_of(3000, exact, clone, loss).loss_gradient(raw, oracle, clone)
    expected = true_gradient(victim, clone, raw, make_loss(loss, 1e-37))
    cosine = torch.cosine_similarity(estimate.flatten(1), expected.flatten(1))
    ratio = estimate.flatten(1).norm(dim=1) / expected.flatten(1).norm(dim=1)
    assert cosine.min() > 0.95  # 3000 directions in 64 dimensions
    assert 0.9 < ratio.min() <= ratio.max() < 1.15


def test_one_direction_has_the_length_d_times_the_slope():
    victim, clone = perceptron(seed=1), perceptron(seed=2)
    raw = torch.randn(4, *SPEC.shape)
    oracle, _ = oracle_of(victim, ProbabilityChannel())
    estimate = strategy_of(1, False, clone).loss_gradient(raw, oracle, clone).flatten(1)
    gradient = true_gradient(victim, clone, raw, L1LogitLoss()).flatten(1)
    direction = torch.nn.functional.normalize(estimate)
    slope = (direction * gradient).sum(1)
    torch.testing.assert_close(estimate.norm(dim=1), 64 * slope.abs(), rtol=0.05, atol=0.05)


@pytest.mark.parametrize(("directions", "cost"), [(1, 1792), (10, 4096)])
def test_an_iteration_at_batch_256_costs_what_the_paper_counts(directions, cost):
    context = context_of(ProbabilityChannel(), perceptron(), budget=10**5)
    attack = build_attack("dfme", context, generator_width=2, noise_dim=3, directions=directions)
    oracle, ledger = oracle_of(perceptron(seed=1), ProbabilityChannel(), budget=10**5)
    for _ in range(5):
        one_turn(attack, oracle)
    assert ledger.spent == cost
    assert ledger.by_purpose == {"train": 1280, "explore": 256 * (directions + 1), "validation": 0}


@pytest.mark.parametrize("budget", [1, 3, 9, 27, 28, 29, 100])
def test_every_query_is_spent_and_none_beyond_at_any_budget(budget):
    context = context_of(ProbabilityChannel(), perceptron(), budget=budget)
    attack = build_attack("dfme", context, **SMALL)
    oracle, ledger = oracle_of(perceptron(seed=1), ProbabilityChannel(), budget=budget)
    spend_all(attack, oracle)
    assert (ledger.spent, ledger.refusals) == (budget, 0)


def test_the_learning_rates_fall_at_the_milestones():
    context = context_of(ProbabilityChannel(), perceptron(), budget=100)
    attack = build_attack("dfme", context, **SMALL, milestones=[0.5, 0.8], clone_lr=0.1, generator_lr=1e-3)
    oracle, _ = oracle_of(perceptron(seed=1), ProbabilityChannel(), budget=100)
    rates = []
    while oracle.remaining:
        one_turn(attack, oracle)
        rates.append((oracle.spent, attack.learner.optimizer.param_groups[0]["lr"]))
    assert all(rate == pytest.approx(0.1 * 0.3 ** ((spent >= 50) + (spent >= 80))) for spent, rate in rates)
    assert rates[-1][1] == pytest.approx(0.009)
