"""Two students and what they are asked by: twins, steps, replay and the generator's step, beside plain versions."""

from __future__ import annotations

import copy
import io

import pytest
import torch
from toys import SPEC, context_of, convolutional, one_turn, oracle_of, perceptron, spend_all

from mebench.api.contract import Attack, InputSpec, Response
from mebench.oracle.channels.answers import LabelChannel, ProbabilityChannel
from mebench.toolkit import DisagreementStrategy, PairLearner, PairParameters, Ring, squash, twin

SMALL = {"batch_size": 6, "generator_width": 4, "noise_dim": 5, "generator_lr": 1e-3}
GREY = InputSpec((3, 8, 8), 10)


def difference(first, second):
    return -(first - second).abs().mean()


def attack_of(channel=ProbabilityChannel, budget=120, network=None, spec=SPEC, replay_steps=2, grey_every=0, **given):
    clone = network or perceptron(spec, seed=2)
    context = context_of(channel(), clone, budget, spec=spec)
    parameters = PairParameters(**{**SMALL, **given})
    learner = PairLearner(context, parameters, replay_steps=replay_steps, kept=1000)
    strategy = DisagreementStrategy(context, parameters, learner, difference, grey_every=grey_every)
    return Attack(strategy, learner), oracle_of(perceptron(spec, seed=1, scale=3), channel(), budget, spec)[0]


def answered(rows=6):
    inputs = torch.rand(rows, *SPEC.shape, generator=torch.Generator().manual_seed(5))
    with torch.no_grad():
        probabilities = torch.softmax(perceptron(seed=1, scale=3)(inputs), 1)
    return inputs, Response(probabilities.argmax(1), probabilities, progress=0.1)


def weights_of(network):
    return [weight.detach().clone() for weight in network.parameters()]


def same(first, second):
    return all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_a_twin_has_the_same_numbers_elsewhere():
    network = convolutional(SPEC)
    before = weights_of(network)
    other = twin(network, torch.Generator().manual_seed(0))
    assert same(before, weights_of(network))
    for mine, its in zip(before, weights_of(other), strict=True):
        assert torch.equal(mine.flatten().sort().values, its.flatten().sort().values)
    assert not torch.equal(before[0], weights_of(other)[0])


def test_a_ring_keeps_the_last_rows_and_draws_each_alike():
    ring = Ring(10, torch.Generator().manual_seed(0))
    for part in torch.arange(27).split(4):
        ring.add(part)
    assert sorted(ring.state_dict()["rows"][0].tolist()) == list(range(17, 27))
    counts = ring.draw(10_000)[0].bincount(minlength=27)[17:]
    assert counts.min() > 800
    again = Ring(10, torch.Generator().manual_seed(0))
    again.load_state_dict(ring.state_dict(), torch.device("cpu"))
    for one in (ring, again):
        one.add(torch.tensor([27, 28]))
    assert torch.equal(ring.state_dict()["rows"][0], again.state_dict()["rows"][0])


def test_a_ring_takes_more_rows_at_once_than_it_keeps():
    ring = Ring(3, torch.Generator())
    ring.add(torch.arange(8))
    assert sorted(ring.state_dict()["rows"][0].tolist()) == [5, 6, 7]


@pytest.mark.parametrize("channel", [ProbabilityChannel, LabelChannel])
def test_each_student_takes_the_step_that_it_would_take_alone(channel):
    learner, (inputs, response) = attack_of(channel, replay_steps=0)[0].learner, answered()
    if channel is LabelChannel:
        response = Response(response.labels, progress=0.1)
    alone = [copy.deepcopy(student).train() for student in learner.students]
    learner.learn(inputs, response)
    for plain, student in zip(alone, learner.students, strict=True):
        sgd = torch.optim.SGD(plain.parameters(), 0.03, 0.9, weight_decay=5e-4)
        if channel is LabelChannel:
            torch.nn.functional.cross_entropy(plain(inputs), response.labels).backward()
        else:
            logs = response.probabilities.log()
            (plain(inputs) - (logs - logs.mean(1, keepdim=True))).abs().mean().backward()
        sgd.step()
        for mine, its in zip(plain.parameters(), student.parameters(), strict=True):
            torch.testing.assert_close(mine, its)


def test_earlier_answers_are_learnt_again_so_many_times():
    attack, oracle = attack_of(replay_steps=3)
    seen = []
    step = attack.learner._step
    attack.learner._step = lambda queries, response: (seen.append(queries), step(queries, response))[1]
    first, second = one_turn(attack, oracle), one_turn(attack, oracle)
    assert [len(queries) for queries in seen] == [6] * 8
    assert torch.equal(seen[4], second)
    known = {tuple(row.flatten().tolist()) for row in torch.cat([first, second])}
    assert all(tuple(row.flatten().tolist()) in known for queries in seen for row in queries)


def test_no_more_is_kept_than_the_budget_has():
    attack, oracle = attack_of(budget=20)
    spend_all(attack, oracle)
    assert attack.learner.ring._size == len(attack.learner.ring) == 20


def test_a_generator_step_descends_the_loss_of_both_students_and_asks_nothing():
    attack, oracle = attack_of(network=convolutional(SPEC))
    strategy, students = attack.strategy, attack.learner.students
    one_turn(attack, oracle)  # statistics that differ from those of a batch
    plain = copy.deepcopy(strategy.generator).train()
    adam = torch.optim.Adam(plain.parameters(), 1e-3)
    adam.load_state_dict(copy.deepcopy(strategy.optimizer.state_dict()))
    before, noise, spent = [weights_of(one) for one in students], strategy._noise.get_state(), oracle.spent
    strategy.generator_step(oracle, attack.learner.clone)
    strategy._noise.set_state(noise)
    images = squash(plain(strategy.draw_noise()), SPEC)
    adam.zero_grad()
    logits = [copy.deepcopy(one).eval()(images) for one in students]
    difference(*logits).backward()
    adam.step()
    for mine, its in zip(plain.parameters(), strategy.generator.parameters(), strict=True):
        torch.testing.assert_close(mine, its)
    assert oracle.spent == spent
    assert all(same(old, weights_of(one)) for old, one in zip(before, students, strict=True))


@pytest.mark.parametrize("mode", ["eval", "train"])
def test_queries_are_made_in_the_mode_that_is_asked_for(mode):
    attack, oracle = attack_of(query_mode=mode)
    one_turn(attack, oracle)
    network, noise = copy.deepcopy(attack.strategy.generator), attack.strategy._noise.get_state()
    attack.strategy._generator_steps = 0
    queries = attack.strategy.propose(oracle, attack.learner.clone)
    attack.strategy._noise.set_state(noise)
    with torch.no_grad():
        expected = squash(network.train(mode == "train")(attack.strategy.draw_noise()), SPEC)
    assert torch.equal(queries, expected)
    assert attack.strategy.generator.training


def test_every_so_many_th_image_is_grey_and_the_others_are_not():
    attack, _ = attack_of(spec=GREY, grey_every=4)
    images = torch.rand(9, *GREY.shape)
    seen = attack.strategy.greyed(images)
    for row in range(9):
        if row % 4:
            assert torch.equal(seen[row], images[row])
        else:
            assert any(torch.equal(seen[row], channel.expand(3, 8, 8)) for channel in images[row])
    assert torch.equal(attack_of(spec=SPEC, grey_every=4)[0].strategy.greyed(images[:, :1]), images[:, :1])


def test_the_facts_are_of_the_first_student_and_of_both_before_they_learn():
    attack, _ = attack_of()
    inputs, response = answered()
    with torch.no_grad():
        one, other = (torch.softmax(student(inputs), 1) for student in attack.learner.students)
    attack.learner.learn(inputs, response)
    told = attack.strategy.diagnostics()
    assert told["member_agreement"] == pytest.approx((one.argmax(1) == response.labels).float().mean().item())
    assert told["vote_agreement"] == pytest.approx(((one + other).argmax(1) == response.labels).float().mean().item())


def test_a_pair_goes_on_from_its_state_to_the_same_bits():
    (first, oracle), (second, other) = attack_of(network=convolutional(SPEC)), attack_of(network=convolutional(SPEC, 7))
    for _ in range(3):
        one_turn(first, oracle)
    file = io.BytesIO()
    torch.save([first.strategy.state_dict(), first.learner.state_dict()], file)
    file.seek(0)
    strategy, learner = torch.load(file)
    second.strategy.load_state_dict(strategy)
    second.learner.load_state_dict(learner)
    other.query(torch.zeros(oracle.spent, *SPEC.shape))
    for mine, its in (
        (first.strategy._noise, second.strategy._noise),
        (first.learner.ring.random, second.learner.ring.random),
    ):
        its.set_state(mine.get_state())
    assert torch.equal(one_turn(first, oracle), one_turn(second, other))
    for mine, its in zip(first.learner.students, second.learner.students, strict=True):
        assert same(weights_of(mine), weights_of(its))
    assert first.strategy.diagnostics() == second.strategy.diagnostics()
