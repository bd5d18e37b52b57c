"""Dual students: queries per iteration, its loss, and the average that may be scored."""

from __future__ import annotations

import copy

import pytest
import torch
from mebench_dual_students.attack import generator_loss
from toys import SPEC, build_attack, context_of, convolutional, one_turn, oracle_of, perceptron, spend_all

from mebench.oracle.channels.answers import LabelChannel, ProbabilityChannel

SMALL = {"batch_size": 4, "generator_width": 2, "noise_dim": 3, "clone_lr": 0.01}


def built(channel=ProbabilityChannel, budget=200, clone=None, **given):
    network = perceptron(seed=2) if clone is None else clone
    attack = build_attack("dual-students", context_of(channel(), network, budget), **{**SMALL, **given})
    return attack, oracle_of(perceptron(seed=1, scale=3), channel(), budget)[0]


def test_the_loss_is_minus_the_mean_difference_of_logits():
    first, second = torch.tensor([[1.0, -2.0], [0.0, 3.0]]), torch.tensor([[0.0, 2.0], [0.5, 3.0]])
    assert generator_loss(first, second).item() == pytest.approx(-(1 + 4 + 0.5 + 0) / 4)


@pytest.mark.parametrize("channel", [ProbabilityChannel, LabelChannel])
def test_an_iteration_of_the_released_settings_asks_1280_queries_and_takes_one_generator_step(channel):
    attack, oracle = built(channel, budget=2560, batch_size=256)
    steps = []
    step = attack.strategy.generator_step
    attack.strategy.generator_step = lambda *given: (steps.append(oracle.spent), step(*given))
    assert spend_all(attack, oracle) == 10
    assert steps == [0, 1280]


def test_the_students_learn_from_fresh_answers_only():
    attack, oracle = built()
    spend_all(attack, oracle)
    assert len(attack.learner.ring) == 0


def test_the_average_begins_as_a_copy_and_then_keeps_nine_tenths():
    attack, oracle = built(clone=convolutional(SPEC), score="ema", ema_every=1, clone_steps=2)
    student, average = attack.learner.students[0], attack.learner.clone
    assert student is not average
    for _ in range(2):  # one iteration
        one_turn(attack, oracle)
    first = copy.deepcopy(student.state_dict())
    assert all(torch.equal(value, first[name]) for name, value in average.state_dict().items())
    one_turn(attack, oracle)
    assert all(torch.equal(value, first[name]) for name, value in average.state_dict().items())
    one_turn(attack, oracle)
    for name, value in average.state_dict().items():
        now = student.state_dict()[name]
        torch.testing.assert_close(value, 0.9 * first[name] + 0.1 * now if now.is_floating_point() else now)


def test_the_average_changes_nothing_of_what_is_asked():
    (last, oracle), (ema, other) = built(), built(score="ema")
    for _ in range(8):
        assert torch.equal(one_turn(last, oracle), one_turn(ema, other))


def test_an_average_goes_on_from_its_state_to_the_same_bits():
    (first, oracle), (second, other) = (built(score="ema", ema_every=1, clone_steps=1) for _ in range(2))
    for _ in range(3):
        one_turn(first, oracle)
    second.strategy.load_state_dict(copy.deepcopy(first.strategy.state_dict()))
    second.learner.load_state_dict(copy.deepcopy(first.learner.state_dict()))
    second.strategy._noise.set_state(first.strategy._noise.get_state())
    other.query(torch.zeros(oracle.spent, *SPEC.shape))
    for attack, asked in ((first, oracle), (second, other)):
        one_turn(attack, asked)
    for mine, its in zip(first.learner.clone.parameters(), second.learner.clone.parameters(), strict=True):
        assert torch.equal(mine, its)
