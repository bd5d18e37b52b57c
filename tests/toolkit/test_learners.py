import copy
import math

import pytest
import torch
from toys import SPEC, context_of, oracle_of, perceptron

from mebench.api.contract import Response
from mebench.oracle.channels.answers import LabelChannel, ProbabilityChannel
from mebench.toolkit.learners.fit import FitLearner
from mebench.toolkit.learners.online import OnlineLearner, StepLearner
from mebench.toolkit.losses import L1LogitLoss
from mebench.toolkit.parameters import FitParameters, LearnerParameters
from mebench.toolkit.schedules import constant_schedule, step_rate, step_schedule

INPUTS = torch.rand(64, *SPEC.shape, generator=torch.Generator().manual_seed(0))


def answered(channel, scale=5.0):
    oracle, _ = oracle_of(perceptron(seed=1, scale=scale), channel)
    return oracle.query(INPUTS)


def online(**options):
    context = context_of(ProbabilityChannel(), perceptron(seed=2))
    return OnlineLearner(context, L1LogitLoss(), LearnerParameters(**{"clone_lr": 0.1, "milestones": ()} | options))


def fit(channel, **options):
    parameters = FitParameters(epochs=30, batch_size=16, optimizer="sgd", learning_rate=0.1)
    return FitLearner(context_of(channel, perceptron(seed=2)), parameters, **options)


def test_one_online_step_is_sgd_with_momentum_and_weight_decay():
    learner = online(momentum=0.9, weight_decay=0.01)
    reference = perceptron(seed=2)
    velocity = [torch.zeros_like(p) for p in reference.parameters()]
    response = answered(ProbabilityChannel())
    for _ in range(3):
        learner.learn(INPUTS, response)
        loss = L1LogitLoss().mean(response.probabilities, reference(INPUTS))
        gradients = torch.autograd.grad(loss, list(reference.parameters()))
        with torch.no_grad():
            for p, v, g in zip(reference.parameters(), velocity, gradients, strict=True):
                v.mul_(0.9).add_(g + 0.01 * p)
                p.sub_(0.1 * v)
    for ours, expected in zip(learner.clone.parameters(), reference.parameters(), strict=True):
        torch.testing.assert_close(ours, expected)


def test_the_online_rate_follows_the_progress_of_the_budget():
    learner = online(milestones=(0.5,), lr_factor=0.0, momentum=0.0)
    response = answered(ProbabilityChannel())
    before = [p.clone() for p in learner.clone.parameters()]
    learner.learn(INPUTS, Response(response.labels, response.probabilities, progress=0.6))
    assert all(torch.equal(a, b) for a, b in zip(before, learner.clone.parameters(), strict=True))
    learner.learn(INPUTS, Response(response.labels, response.probabilities, progress=0.4))
    assert not all(torch.equal(a, b) for a, b in zip(before, learner.clone.parameters(), strict=True))


@pytest.mark.parametrize(("progress", "expected"), [(0.0, 1.0), (0.499, 1.0), (0.5, 0.3), (0.8, 0.09), (1.0, 0.09)])
def test_a_rate_falls_at_each_milestone(progress, expected):
    assert step_rate(1.0, [0.5, 0.8], 0.3, progress) == pytest.approx(expected)


@pytest.mark.parametrize("channel", [LabelChannel(), ProbabilityChannel()])
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_fit_reproduces_the_victims_labels(channel, optimizer):
    rate = 0.1 if optimizer == "sgd" else 0.01
    learner = fit(channel, optimizer=optimizer, learning_rate=rate, epochs=60)
    response = answered(channel)
    learner.learn(INPUTS, response)
    assert (learner.clone(INPUTS).argmax(1) == response.labels).float().mean() > 0.9


def test_a_fit_starts_from_the_same_initial_weights_whatever_was_learnt_before():
    once, twice = fit(ProbabilityChannel()), fit(ProbabilityChannel())
    response = answered(ProbabilityChannel())
    empty = Response(response.labels[:0], response.probabilities[:0])
    twice.random.set_state(once.random.get_state())
    twice.learn(INPUTS[:0], empty)
    once.learn(INPUTS, response)
    twice.random.manual_seed(0)
    once_state = [p.clone() for p in once.clone.parameters()]
    once.random.manual_seed(0)
    once.learn(INPUTS[:0], empty)
    twice.learn(INPUTS, response)
    assert not any(torch.equal(a, b) for a, b in zip(once_state, once.clone.parameters(), strict=True))
    for a, b in zip(once.clone.parameters(), twice.clone.parameters(), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize("make", [online, lambda: fit(ProbabilityChannel(), epochs=2)])
def test_a_learner_goes_on_from_its_state(make):
    response = answered(ProbabilityChannel())
    first, second = make(), make()
    first.learn(INPUTS, response)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    if isinstance(first, FitLearner):
        second.random.set_state(first.random.get_state())
    first.learn(INPUTS, response)
    second.learn(INPUTS, response)
    for a, b in zip(first.clone.parameters(), second.clone.parameters(), strict=True):
        assert torch.equal(a, b)


def rates_of_a_fit(monkeypatch, learner):
    seen = []
    make = learner.make_optimizer

    def watched():
        optimizer = make()
        optimizer.register_step_pre_hook(lambda chosen, *_: seen.append(chosen.param_groups[0]["lr"]))
        return optimizer

    monkeypatch.setattr(learner, "make_optimizer", watched)
    learner.learn(INPUTS, answered(LabelChannel()))
    return seen


def test_the_rate_of_a_fit_falls_at_its_milestones(monkeypatch):
    learner = fit(LabelChannel(), epochs=5, schedule=step_schedule(1.0, [0.6, 0.8], 0.1))
    assert rates_of_a_fit(monkeypatch, learner) == pytest.approx([0.1] * 12 + [0.01] * 4 + [0.001] * 4)


def test_a_fit_without_milestones_follows_a_cosine_and_one_with_none_of_them_keeps_its_rate(monkeypatch):
    cosine = [0.05 * (1 + math.cos(math.pi * step / 8)) for step in range(8)]
    assert rates_of_a_fit(monkeypatch, fit(LabelChannel(), epochs=2)) == pytest.approx(cosine)
    assert rates_of_a_fit(monkeypatch, fit(LabelChannel(), epochs=2, schedule=constant_schedule(1.0))) == [0.1] * 8


def test_a_fit_on_labels_only_does_not_look_at_probabilities():
    response = answered(ProbabilityChannel())
    ours, expected = fit(ProbabilityChannel(), labels_only=True, epochs=2), fit(LabelChannel(), epochs=2)
    ours.learn(INPUTS, response)
    expected.learn(INPUTS, Response(response.labels))
    for a, b in zip(ours.clone.parameters(), expected.clone.parameters(), strict=True):
        assert torch.equal(a, b)


def test_a_warm_fit_goes_on_from_the_clone_that_the_last_one_left():
    response = answered(LabelChannel())
    warm, still = (fit(LabelChannel(), warm_start=start, epochs=3) for start in (True, False))
    for learner in (warm, still):
        learner.learn(INPUTS, response)
        learner._parameters = FitParameters(3, 16, "sgd", 0.0, 0.0, 0.0)  # a second fit that moves nothing
    before = [p.clone() for p in warm.clone.parameters()]
    warm.learn(INPUTS, response)
    still.learn(INPUTS, response)
    initial = list(perceptron(seed=2).parameters())
    assert all(torch.equal(a, b) for a, b in zip(before, warm.clone.parameters(), strict=True))
    assert all(torch.equal(a, b) for a, b in zip(initial, still.clone.parameters(), strict=True))


class Remembering(StepLearner):
    """Notes what its clone is shown."""

    def __init__(self, memory):
        super().__init__(
            context_of(ProbabilityChannel(), perceptron(seed=2)),
            torch.optim.SGD([torch.zeros(1)]),
            lambda _: 0.1,
            memory=memory,
        )
        self.shown = []

    def batch_loss(self, logits, response):
        raise NotImplementedError

    def step(self, queries, response):
        self.shown.append((queries, response))


def halves(channel=ProbabilityChannel):
    response = answered(channel())
    for rows in (slice(0, 32), slice(32, 64)):
        told = response.probabilities
        yield INPUTS[rows], Response(response.labels[rows], told if told is None else told[rows])


@pytest.mark.parametrize("channel", [LabelChannel, ProbabilityChannel])
def test_a_memory_adds_as_many_earlier_answers_as_a_batch_has_and_keeps_rows_together(channel):
    learner, known = Remembering(1000), {}
    for inputs, response in halves(channel):
        learner.learn(inputs, response)
        known |= {row.tobytes(): label for row, label in zip(inputs.numpy(), response.labels.tolist(), strict=True)}
    assert [len(inputs) for inputs, _ in learner.shown] == [32, 64]
    inputs, response = learner.shown[1]
    assert torch.equal(inputs[:32], INPUTS[32:])
    assert {row.tobytes() for row in inputs[32:].numpy()} <= {row.tobytes() for row in INPUTS[:32].numpy()}
    assert [known[row.tobytes()] for row in inputs.numpy()] == response.labels.tolist()
    assert (response.probabilities is None) == (channel is LabelChannel)
    if response.probabilities is not None:
        assert torch.equal(response.probabilities.argmax(1), response.labels)


def test_without_a_memory_nothing_is_kept_or_saved():
    learner = online(memory=0)
    assert set(learner.state_dict()) == {"clone", "optimizer"}


def test_a_learner_with_a_memory_goes_on_from_its_state():
    first, second = online(memory=20, clone_optimizer="adam"), online(memory=20, clone_optimizer="adam")
    (inputs, response), (later, later_response) = halves()
    first.learn(inputs, response)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    second.memory.random.set_state(first.memory.random.get_state())
    for learner in (first, second):
        learner.learn(later, later_response)
    assert all(torch.equal(a, b) for a, b in zip(first.clone.parameters(), second.clone.parameters(), strict=True))


def test_adam_is_the_clones_optimiser_where_it_is_named():
    assert isinstance(online(clone_optimizer="adam", weight_decay=0.0).optimizer, torch.optim.Adam)
    assert isinstance(online().optimizer, torch.optim.SGD)
