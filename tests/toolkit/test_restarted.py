"""Generators that begin anew in every round, and the learner that never does."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn
from torch.nn import functional
from toys import SPEC, context_of, convolutional, oracle_of, perceptron

from mebench.api.contract import InputSpec, Response
from mebench.oracle.channels.answers import LabelChannel
from mebench.toolkit import (
    ContinuedFitLearner,
    ContinuedFitParameters,
    RestartedGeneratorParameters,
    RestartedGeneratorStrategy,
    augmented,
)

SMALL = {"batch_size": 6, "generator_width": 4, "noise_dim": 5, "generator_steps": 4, "generator_lr": 0.05}


class Led(RestartedGeneratorStrategy):
    """Cross-entropy alone; notes what it sees."""

    def loss(self, logits, targets, images):
        loss = functional.cross_entropy(logits, targets)
        self.seen.append((images.detach().clone(), loss.item()))
        return loss


def strategy_of(clone=None, spec=SPEC, deviation=None, **given):
    context = context_of(LabelChannel(), clone or perceptron(spec, seed=2, scale=3), spec=spec)
    strategy = Led(context, RestartedGeneratorParameters(**{**SMALL, **given}), betas=(0.5, 0.999), deviation=deviation)
    strategy.seen = []
    return strategy, context.clone


def learner_of(clone=None, views="none", **given):
    context = context_of(LabelChannel(), clone or perceptron(seed=2))
    parameters = ContinuedFitParameters(**{"clone_batch_size": 4, "clone_lr": 0.05, **given})
    return ContinuedFitLearner(context, parameters, views)


def answered(rows=8, seed=0):
    inputs = torch.rand(rows, *SPEC.shape, generator=torch.Generator().manual_seed(seed))
    with torch.no_grad():
        return inputs, Response(perceptron(seed=1, scale=3)(inputs).argmax(1))


def test_the_batch_with_the_lowest_loss_is_asked():
    strategy, clone = strategy_of(generator_lr=5.0)  # steps so long that the last is not the best
    best = strategy.best_batch(clone)
    losses = [loss for _, loss in strategy.seen]
    lowest = losses.index(min(losses))
    assert lowest != len(losses) - 1
    assert torch.equal(best, strategy.seen[lowest][0])
    assert strategy.diagnostics()["generator_loss"] == pytest.approx(min(losses))


def test_steps_are_those_of_adam_on_a_plain_generator_with_a_sigmoid():
    strategy, clone = strategy_of(views="none")
    streams = {name: getattr(strategy, name).get_state() for name in ("_noise", "_weights", "_classes")}
    strategy.best_batch(clone)
    for name, state in streams.items():
        getattr(strategy, name).set_state(state)
    generator = strategy.new_generator()
    noise, targets = torch.randn((6, 5), generator=strategy._noise), strategy.targets()
    adam, network = torch.optim.Adam(generator.parameters(), 0.05, (0.5, 0.999)), copy.deepcopy(clone).eval()
    for images, loss in strategy.seen:
        found = torch.sigmoid(generator(noise))
        torch.testing.assert_close(found.detach(), images, rtol=1e-4, atol=1e-5)
        value = functional.cross_entropy(network(found), targets)
        assert value.item() == pytest.approx(loss, rel=1e-4)
        adam.zero_grad()
        value.backward()
        adam.step()


def test_every_round_has_another_generator_and_noise_and_asks_nothing_on_the_way():
    strategy, clone = strategy_of(generator_steps=1)
    oracle, _ = oracle_of(perceptron(seed=1), LabelChannel(), 10)
    first, second = (strategy.propose(oracle, clone) for _ in range(2))
    assert oracle.spent == 0
    assert not torch.equal(first, second)
    oracle.query(first)
    assert len(strategy.propose(oracle, clone)) == 4  # what is left of 10


def test_the_clone_is_left_as_it_was():
    clone = convolutional(SPEC)
    before = copy.deepcopy(clone.state_dict())
    strategy, _ = strategy_of(clone)
    strategy.best_batch(clone)
    assert all(torch.equal(value, before[name]) for name, value in clone.state_dict().items())
    assert clone.training
    assert all(weight.requires_grad for weight in clone.parameters())


def test_images_fill_the_range_of_the_victim_and_no_more():
    strategy, clone = strategy_of(spec=InputSpec((1, 8, 8), 10, low=-1.0, high=2.0), generator_lr=0.5)
    strategy.best_batch(clone)
    images = torch.cat([images for images, _ in strategy.seen])
    assert -1 <= images.min() < 0 < 1 < images.max() <= 2


def test_first_weights_have_the_deviation_that_is_asked_for():
    wide = {"generator_width": 64, "noise_dim": 64}
    layers = strategy_of(deviation=0.02, **wide)[0].new_generator().modules()
    spreads = [layer.weight.std().item() for layer in layers if isinstance(layer, (nn.Linear, nn.Conv2d))]
    assert spreads == pytest.approx([0.02] * 4, rel=0.1)


def test_a_fit_goes_on_from_the_last_with_its_momentum():
    learner = learner_of(epochs=2)
    plain = copy.deepcopy(learner.clone).train()
    sgd = torch.optim.SGD(plain.parameters(), 0.05, 0.9, weight_decay=5e-4)
    order, known = copy.deepcopy(learner.random.get_state()), []
    for number in range(3):
        known.append(answered(seed=number))
        learner.learn(*known[-1])
    stream = torch.Generator()
    stream.set_state(order)
    for number in range(3):
        inputs = torch.cat([queries for queries, _ in known[: number + 1]])
        labels = torch.cat([response.labels for _, response in known[: number + 1]])
        for _ in range(2):
            for rows in torch.randperm(len(inputs), generator=stream).split(4):
                sgd.zero_grad()
                functional.cross_entropy(plain(inputs[rows]), labels[rows]).backward()
                sgd.step()
    for mine, its in zip(plain.parameters(), learner.clone.parameters(), strict=True):
        torch.testing.assert_close(mine, its)


def test_views_keep_the_labels_of_their_images():
    learner = learner_of(views="crop")
    inputs, response = answered()
    stream = torch.Generator()
    stream.set_state(learner._views.get_state())
    found = learner.batch_loss(inputs, response.labels, torch.arange(8), 0.0)
    expected = functional.cross_entropy(learner.clone(augmented(inputs, "crop", stream)), response.labels)
    assert torch.equal(found, expected)


def test_a_learner_goes_on_from_its_state_to_the_same_bits():
    first, second = learner_of(views="crop"), learner_of(perceptron(seed=9), views="crop")
    first.learn(*answered())
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    for name in ("random", "_views"):
        getattr(second, name).set_state(getattr(first, name).get_state())
    for learner in (first, second):
        learner.learn(*answered(seed=1))
    for mine, its in zip(first.clone.parameters(), second.clone.parameters(), strict=True):
        assert torch.equal(mine, its)


def test_new_weights_leave_the_global_generator_as_it_was():
    strategy, _ = strategy_of()
    before = torch.get_rng_state()
    strategy.new_generator()
    assert torch.equal(before, torch.get_rng_state())
