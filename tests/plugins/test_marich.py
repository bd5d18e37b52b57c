"""MARICH: its steps beside sums by hand and autograd, its accounting, and its way of training on."""

from __future__ import annotations

import copy
from types import SimpleNamespace

import pytest
import torch
from mebench_marich import MarichParameters, MarichSelectionParameters, steps
from mebench_marich.attack import build
from mebench_marich.steps import STEPS
from torch import nn
from toys import build_attack, context_of, oracle_of, perceptron, pool_of, spend_all

from mebench.api.contract import InputSpec, Response
from mebench.api.errors import ConfigurationError
from mebench.oracle.channels.answers import LabelChannel
from mebench.registry.catalogue import registry
from mebench.registry.entries import AttackEntry
from mebench.toolkit import Scene

QUICK = {"rounds": 3, "epochs": 2, "batch_size": 8}


def scene_of(clone=None, answered=(), labels=(), pool=None) -> Scene:
    rows, told = (torch.tensor(values, dtype=torch.int64) for values in (answered, labels))
    known = clone or perceptron(seed=2, scale=4), pool or pool_of(40), torch.arange(40), rows, told
    return Scene(*known, torch.device("cpu"), torch.Generator())


def left_by(step, scene, rows, count, **given) -> list[int]:
    """The rows that a step leaves."""
    return STEPS[step](scene, rows, count, MarichSelectionParameters(**given)).tolist()


def test_entropy_takes_what_the_clone_is_least_sure_of():
    scene = scene_of()
    rows = torch.arange(5, 40)
    p = torch.softmax(scene.clone(scene.pool.inputs(rows)), 1)
    expected = -(p * p.log()).sum(1)
    assert set(left_by("entropy", scene, rows, 6)) == set(rows[expected.argsort(descending=True)[:6]].tolist())


@pytest.mark.parametrize("doubt", ["corrected", "as-released"])
def test_the_spread_is_over_gradients_of_the_entropy_over_classes_or_as_released_over_the_batch(doubt, monkeypatch):
    scene, seen = scene_of(), []
    monkeypatch.setattr(steps, "k_means", lambda points, centres: seen.append(points) or centres)
    left_by("gradient", scene, torch.arange(4), 2, doubt=doubt)
    inputs = scene.pool.inputs(torch.arange(4))
    step = 1e-2
    direction = torch.randn(inputs.shape, generator=torch.Generator().manual_seed(1))

    def total(points):
        p = torch.softmax(scene.clone.double()(points.double()), 1 if doubt == "corrected" else 0)
        return -(p * p.log()).sum().item()

    slope = (total(inputs + step * direction) - total(inputs - step * direction)) / (2 * step)
    assert (seen[0] * direction.flatten(1)).sum().item() == pytest.approx(slope, rel=2e-2)


def test_the_spread_leaves_some_of_each_cluster():
    clone = nn.Sequential(nn.Flatten(), nn.Linear(64, 2, bias=False))
    with torch.no_grad():
        clone[1].weight.zero_()
        clone[1].weight[0, 0] = 4.0
    images = torch.zeros(40, 1, 8, 8)
    images[:37, 0, 0, 0] = torch.linspace(0.35, 0.45, 37)  # their entropy falls along the first pixel
    images[37:, 0, 0, 0] = torch.tensor([0.0, 0.001, 0.002])  # and that of these hardly does
    pool = SimpleNamespace(inputs=lambda rows: images[rows])
    chosen = left_by("gradient", scene_of(clone, pool=pool), torch.arange(40), 4, clusters=2)
    assert sum(row >= 37 for row in chosen) == 2


def test_loss_takes_what_is_nearest_to_the_worst_answers():
    pool = pool_of(40)
    clone = perceptron(seed=2, scale=4)
    answered = torch.arange(10)
    own = clone(pool.inputs(answered)).argmax(1)
    labels = own.clone()
    labels[[3, 7]] = (own[[3, 7]] + 1) % 10  # the clone has these wrong
    images = pool.inputs(torch.arange(40)).clone()
    images[27] = images[3] + 0.001
    near = SimpleNamespace(inputs=lambda rows: images[rows])
    scene = scene_of(clone, answered.tolist(), labels.tolist(), near)
    assert left_by("loss", scene, torch.arange(10, 40), 1, worst=2) == [27]


@pytest.mark.parametrize("steps", [("entropy", "loss", "gradient"), ("entropy", "gradient", "loss"), ("loss",), ()])
def test_the_whole_budget_is_asked_once_and_nothing_else(steps):
    context = context_of(LabelChannel(), perceptron(seed=2), 30, pool=pool_of(60))
    attack = build_attack("marich", context, **QUICK, steps=steps)
    oracle, ledger = oracle_of(perceptron(seed=1), LabelChannel(), 30)
    spend_all(attack, oracle)
    assert ledger.by_purpose == {"train": 30, "explore": 0, "validation": 0}
    asked = attack.strategy._answered
    assert len(asked.unique()) == len(asked) == 30
    told = perceptron(seed=1)(context.pool.inputs(asked)).argmax(1)
    assert torch.equal(attack.strategy._labels, told)


def test_each_step_leaves_what_the_later_ones_need(monkeypatch):
    seen = []
    for name in STEPS:
        monkeypatch.setitem(
            STEPS, name, lambda scene, rows, count, _, name=name: seen.append((name, count)) or rows[:count]
        )
    attack = build_attack("marich", context_of(LabelChannel(), perceptron(), 200, pool=pool_of(400)), rounds=1)
    oracle, _ = oracle_of(perceptron(seed=1), LabelChannel(), 200)
    attack.learner.learn = lambda *_: None
    spend_all(attack, oracle)
    assert seen == [("entropy", round(180 / 0.64)), ("loss", 225), ("gradient", 180)]


def test_validation_queries_are_charged_and_not_learnt():
    context = context_of(LabelChannel(), perceptron(seed=2), 30, pool=pool_of(60))
    attack = build_attack("marich", context, **QUICK, validation=12)
    oracle, ledger = oracle_of(perceptron(seed=1), LabelChannel(), 30)
    spend_all(attack, oracle)
    assert ledger.by_purpose == {"train": 18, "explore": 0, "validation": 12}
    assert len(torch.cat(attack.learner.labels)) == 12
    assert not set(attack.strategy._answered.tolist()) & set(attack.strategy._order[:12].tolist())


def test_the_rate_of_a_fit_follows_the_validation_answers():
    context = context_of(LabelChannel(), perceptron(seed=2), pool=pool_of(60))
    learner = build(context, MarichParameters(epochs=30, batch_size=8)).learner
    queries = context.pool.inputs(torch.arange(16))
    labels = perceptron(seed=1)(queries).argmax(1)
    learner.hold_out(queries, Response((labels + 5) % 10))  # contradicts what is learnt: its loss rises
    learner.learn(queries, Response(labels))
    assert learner.plateau.factor < 0.5


def test_the_clone_goes_on_from_where_it_was_in_more_epochs(monkeypatch):
    context = context_of(LabelChannel(), perceptron(seed=2), pool=pool_of(60))
    learner = build(context, MarichParameters(epochs=10, epoch_growth=1.2)).learner
    queries = context.pool.inputs(torch.arange(16))
    told = Response(perceptron(seed=1)(queries).argmax(1))
    learner.learn(queries, told)
    after = copy.deepcopy(learner.clone.state_dict())
    begun, epochs = {}, []
    monkeypatch.setattr(
        learner, "_fit", lambda *given: (begun.update(learner.clone.state_dict()), epochs.append(learner.epochs(32)))
    )
    learner.learn(queries, told)
    assert all(map(torch.equal, after.values(), begun.values()))
    assert epochs == [12]


def test_as_released_the_softmax_is_taken_twice():
    context = context_of(LabelChannel(), perceptron(seed=2), pool=pool_of(60))
    inputs, labels = context.pool.inputs(torch.arange(8)), torch.arange(8)
    logits = context.clone(inputs)
    for softmax, scores in [("corrected", logits), ("as-released", torch.softmax(logits, 1))]:
        learner = build(context, MarichParameters(softmax=softmax)).learner
        expected = (scores.logsumexp(1) - scores[labels, labels]).mean().item()
        assert learner.batch_loss(inputs, labels, labels, 0.0).item() == pytest.approx(expected, rel=1e-5)


def test_words_are_refused():
    words = InputSpec((8,), 10, 0, 20, torch.int64)
    with pytest.raises(ConfigurationError, match="words cannot be"):
        build_attack("marich", context_of(LabelChannel(), perceptron(), spec=words, pool=pool_of(4)))


def test_the_choice_goes_with_any_learner():
    context = context_of(LabelChannel(), perceptron(seed=2), 30, pool=pool_of(60))
    given = {"strategy.rounds": 2, "learner.epochs": 2, "learner.batch_size": 8}
    attack = registry().get(AttackEntry, "marich+fit").call(context, given=given)
    oracle, ledger = oracle_of(perceptron(seed=1), LabelChannel(), 30)
    assert spend_all(attack, oracle) == 3
    assert ledger.spent == 30
