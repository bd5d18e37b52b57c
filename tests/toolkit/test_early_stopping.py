from __future__ import annotations

import copy
import math

import pytest
import torch
from torch import nn
from torch.nn import functional
from toys import SPEC, context_of, oracle_of, perceptron

from mebench.api.contract import Response
from mebench.oracle.channels.answers import LabelChannel, ProbabilityChannel
from mebench.toolkit.learners.early_stopping import EarlyStoppingLearner, macro_f1
from mebench.toolkit.parameters import EarlyStoppingParameters

COARSE = torch.rand(90, 1, 2, 2, generator=torch.Generator().manual_seed(0))
INPUTS = COARSE.repeat_interleave(4, 2).repeat_interleave(4, 3)
TRAIN, HELD = INPUTS[:60], INPUTS[60:]


def teacher():
    """Tells the four corners apart, as far as their random weights do, in several classes."""
    network = nn.Sequential(nn.Flatten(), nn.Linear(SPEC.size, SPEC.num_classes))
    with torch.no_grad():
        network[1].weight.copy_(torch.randn(network[1].weight.shape, generator=torch.Generator().manual_seed(5)))
        network[1].bias.copy_(-0.5 * network[1].weight.sum(1))
    return network


def answers(channel=LabelChannel):
    oracle, _ = oracle_of(teacher(), channel())
    return oracle.query(TRAIN), oracle.query(HELD, purpose="validation")


def learner(channel=LabelChannel, **options):
    defaults = {"epochs": 30, "patience": 10, "batch_size": 25, "learning_rate": 3e-3, "weight_decay": 1e-3}
    held_out = options.pop("held_out", 0.0)
    parameters = EarlyStoppingParameters(**(defaults | options))
    return EarlyStoppingLearner(context_of(channel(), perceptron(seed=2)), parameters, held_out=held_out)


def watch(learner, monkeypatch):
    """The score of every epoch, and the clone's weights then."""
    scores, weights, plain = [], [], learner.score

    def score(*arguments):
        scores.append(plain(*arguments))
        weights.append(copy.deepcopy(learner.clone.state_dict()))
        return scores[-1]

    monkeypatch.setattr(learner, "score", score)
    return scores, weights


def same(one, other):
    return all(value.equal(other[name]) for name, value in one.items())


@pytest.mark.parametrize("classes", [2, 3, 10, 43])
@pytest.mark.parametrize("rows", [1, 5, 200])
def test_macro_f1_is_scikit_learns(classes, rows):
    from sklearn.metrics import f1_score

    random = torch.Generator().manual_seed(rows)
    true, predicted = (torch.randint(classes, (rows,), generator=random) for _ in range(2))
    assert macro_f1(predicted, true, classes) == pytest.approx(f1_score(true, predicted, average="macro"), abs=1e-12)


def test_macro_f1_by_hand():
    # Class 0: 1 of 2 found, 1 wrongly named: 2/4. Class 1: 1 found, 1 wrongly named: 2/3. Class 2: missed: 0.
    assert macro_f1(torch.tensor([0, 1, 0, 1]), torch.tensor([0, 0, 2, 1]), 5) == pytest.approx((1 / 2 + 2 / 3) / 3)
    assert macro_f1(torch.tensor([3]), torch.tensor([3]), 5) == 1
    assert macro_f1(torch.tensor([], dtype=torch.int64), torch.tensor([], dtype=torch.int64), 5) == 0


@pytest.mark.parametrize("channel", [LabelChannel, ProbabilityChannel])
def test_the_epoch_with_the_best_score_on_held_out_answers_is_kept(channel, monkeypatch):
    from sklearn.metrics import f1_score

    ours, (train, held) = learner(channel), answers(channel)
    scores, weights = watch(ours, monkeypatch)
    ours.hold_out(HELD, held)
    ours.learn(TRAIN, train)
    best = max(range(len(scores)), key=scores.__getitem__)  # the first of the best
    assert 0 < best < len(scores) - 1
    assert same(ours.clone.state_dict(), weights[best])
    reference = perceptron(seed=2)
    reference.load_state_dict(weights[best])
    assert f1_score(held.labels, reference(HELD).argmax(1), average="macro") == pytest.approx(scores[best])


@pytest.mark.parametrize("patience", [1, 4])
def test_a_fit_ends_after_patience_epochs_without_a_better_one(patience, monkeypatch):
    ours = learner(patience=patience, epochs=1000)
    script = iter([0.1, 0.3, *[0.3] * 1000])  # as good is not better
    calls = []
    monkeypatch.setattr(ours, "score", lambda *_: calls.append(None) or next(script))
    train, held = answers()
    ours.hold_out(HELD, held)
    ours.learn(TRAIN, train)
    assert len(calls) == 2 + patience


def test_a_fit_ends_at_its_last_epoch_and_at_a_score_that_cannot_get_better(monkeypatch):
    for script, expected in (([0.1, 0.2, 0.3, 0.4, 0.5], 5), ([0.1, 1.0, 1.0], 2)):
        ours, calls = learner(epochs=5), []
        values = iter(script)
        monkeypatch.setattr(ours, "score", lambda *_, calls=calls, values=values: calls.append(None) or next(values))
        train, held = answers()
        ours.hold_out(HELD, held)
        ours.learn(TRAIN, train)
        assert len(calls) == expected


def test_a_fit_is_adam_with_an_l2_term_over_all_parameters():
    ours, reference = learner(epochs=1, batch_size=1000, weight_decay=0.1), perceptron(seed=2)
    train, held = answers()
    ours.hold_out(HELD, held)
    ours.learn(TRAIN, train)
    squares = sum((parameter**2).sum() for parameter in reference.parameters())
    (functional.cross_entropy(reference(TRAIN), train.labels) + 0.1 / 2 * squares).backward()
    for parameter, found in zip(reference.parameters(), ours.clone.parameters(), strict=True):
        step = 3e-3 * parameter.grad / (parameter.grad.abs() + 1e-8)  # the first of Adam
        torch.testing.assert_close(found, parameter - step, rtol=1e-3, atol=1e-5)


def test_every_fit_starts_from_the_same_weights_on_all_answers():
    train, held = answers()
    once, twice = learner(), learner()
    for ours in (once, twice):
        ours.hold_out(HELD, held)
    twice.learn(TRAIN[:20], Response(train.labels[:20]))
    twice.random.manual_seed(3)
    twice.learn(TRAIN[20:], Response(train.labels[20:]))
    once.random.manual_seed(3)
    once.learn(TRAIN, train)
    assert same(once.clone.state_dict(), twice.clone.state_dict())


def test_without_queries_of_the_strategy_a_share_of_every_answer_is_held_out_and_not_learnt():
    ours = learner(held_out=0.25, epochs=2)
    train, _ = answers()
    ours.learn(TRAIN[:20], Response(train.labels[:20]))
    ours.learn(TRAIN[20:], Response(train.labels[20:]))
    assert [len(part) for part in ours.held] == [5, 10]
    assert [len(part) for part in ours.queries] == [15, 30]
    rows = torch.cat([*ours.held, *ours.queries]).flatten(1)
    assert len(rows.unique(dim=0)) == 60
    pairs = dict(zip(map(tuple, TRAIN.flatten(1).tolist()), train.labels.tolist(), strict=True))
    labels = torch.cat([*ours.labels, *ours.targets]).tolist()
    assert [pairs[tuple(row)] for row in rows.tolist()] == labels


def test_where_the_strategy_asks_validation_queries_nothing_else_is_held_out():
    ours, (train, held) = learner(held_out=0.25, epochs=2), answers()
    ours.hold_out(HELD, held)
    ours.learn(TRAIN, train)
    assert torch.cat(ours.held).equal(HELD)
    assert torch.cat(ours.queries).equal(TRAIN)


@pytest.mark.parametrize("rows", [1, 2])
def test_one_answer_is_enough_to_learn_from(rows):
    ours = learner(held_out=0.9, epochs=3)
    train, _ = answers()
    ours.learn(TRAIN[:rows], Response(train.labels[:rows]))
    assert sum(map(len, ours.queries)) == 1
    assert all(parameter.isfinite().all() for parameter in ours.clone.parameters())


def test_no_batch_is_left_with_a_single_row(monkeypatch):
    ours, seen = learner(batch_size=25, epochs=1), []
    forward = ours.clone.forward

    def counting(inputs):
        if ours.clone.training:
            seen.append(len(inputs))
        return forward(inputs)

    monkeypatch.setattr(ours.clone, "forward", counting)
    train, held = answers()
    ours.hold_out(HELD, held)
    ours.learn(TRAIN[:51], Response(train.labels[:51]))
    assert seen == [17, 17, 17]


def test_a_learner_goes_on_from_its_state():
    train, held = answers()
    first, second = learner(epochs=4), learner(epochs=4)
    first.hold_out(HELD, held)
    first.learn(TRAIN[:30], Response(train.labels[:30]))
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    second.random.set_state(first.random.get_state())
    for ours in (first, second):
        ours.learn(TRAIN[30:], Response(train.labels[30:]))
    assert same(first.clone.state_dict(), second.clone.state_dict())
    assert math.isfinite(first.score(HELD, held.labels))
