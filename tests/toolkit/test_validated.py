"""Held out answers, and the rate that falls by their loss."""

import pytest
import torch
from toys import context_of, perceptron, pool_of

from mebench.api.contract import Response
from mebench.oracle.channels.answers import LabelChannel
from mebench.toolkit import FitLearner, FitParameters, Plateau, PlateauFitLearner

FIT = FitParameters(epochs=30, batch_size=8)


def test_a_rate_falls_to_a_tenth_when_a_loss_has_not_fallen_for_more_than_ten_batches():
    plateau = Plateau()
    plateau.note(1.0)
    for _ in range(10):
        plateau.note(1.0)
    assert plateau.factor == 1
    plateau.note(0.99995)  # not by a ten-thousandth
    assert plateau.factor == pytest.approx(0.1)
    plateau.note(0.5)
    assert plateau.factor == pytest.approx(0.1)


def test_a_plateau_falls_where_that_of_torch_does():
    losses = torch.rand(400, generator=torch.Generator().manual_seed(0)).cumsum(0).flip(0).log()
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    theirs, ours = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, eps=0), Plateau()
    for loss in (losses + 5 + 3 * torch.rand(400, generator=torch.Generator().manual_seed(1))).tolist():
        theirs.step(loss)
        ours.note(loss)
        assert optimizer.param_groups[0]["lr"] == ours.factor
    assert ours.factor < 1e-2


def answers(rows=16):
    queries = pool_of(60).inputs(torch.arange(rows))
    return queries, perceptron(seed=1)(queries).argmax(1)


def rates_of(learner, monkeypatch):
    """The rate at every step of a fit on some answers."""
    seen, made = [], learner.make_optimizer

    def make_optimizer():
        optimizer = made()
        optimizer.register_step_pre_hook(lambda *_: seen.append(optimizer.param_groups[0]["lr"]))
        return optimizer

    monkeypatch.setattr(learner, "make_optimizer", make_optimizer)
    queries, labels = answers()
    learner.learn(queries, Response(labels))
    return seen


def test_the_rate_falls_from_the_first_step_after_the_epoch_whose_loss_was_one_too_many(monkeypatch):
    learner = PlateauFitLearner(context_of(LabelChannel(), perceptron(seed=2)), FIT)
    queries, labels = answers()
    learner.hold_out(queries, Response((labels + 5) % 10))  # contradicts what is learnt: its loss rises
    rates = rates_of(learner, monkeypatch)
    assert rates[:24] == [0.02] * 24  # two steps an epoch, twelve losses
    assert rates[24] == pytest.approx(0.002)


def test_the_rate_stays_where_nothing_is_held_out_and_every_fit_begins_at_the_first(monkeypatch):
    learner = PlateauFitLearner(context_of(LabelChannel(), perceptron(seed=2)), FIT)
    assert set(rates_of(learner, monkeypatch)) == {0.02}
    learner.plateau.factor = 0.1
    assert set(rates_of(learner, monkeypatch)) == {0.02}


def test_what_is_held_out_is_not_learnt_and_goes_on_from_a_state():
    learners = [PlateauFitLearner(context_of(LabelChannel(), perceptron(seed=2)), FIT) for _ in range(2)]
    queries, labels = answers()
    learners[0].hold_out(queries, Response(labels))
    learners[1].load_state_dict(learners[0].state_dict())
    assert not learners[1].queries
    assert torch.equal(learners[1].held[0], queries)
    assert torch.equal(learners[1].labels[0], labels)


def test_a_fit_tells_when_an_epoch_is_over_and_what_the_rate_was_until_then(monkeypatch):
    learner, seen = FitLearner(context_of(LabelChannel(), perceptron(seed=2)), FIT), []
    monkeypatch.setattr(learner, "after_epoch", lambda: seen.append(learner.clone.training))
    rates = rates_of(learner, monkeypatch)
    assert seen == [True] * 30
    assert rates == sorted(rates, reverse=True)
    assert rates[0] == 0.02
