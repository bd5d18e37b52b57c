"""FixMatch and MixMatch: their losses beside plain programs, and what they take of a pool without asking it."""

from __future__ import annotations

import copy

import pytest
import torch
from mebench_fixmatch import FixmatchParameters
from mebench_fixmatch.learner import FixmatchLearner, course
from mebench_mixmatch import MixmatchParameters
from mebench_mixmatch.learner import MixmatchLearner
from torch.nn import functional
from toys import SPEC, context_of, convolutional, oracle_of, perceptron, pool_of, spend_all

from mebench.api.contract import InputSpec, Response
from mebench.api.errors import ConfigurationError
from mebench.oracle.channels.answers import LabelChannel, ProbabilityChannel
from mebench.registry.catalogue import registry
from mebench.registry.entries import AttackEntry
from mebench.toolkit import divergence, erased

LEARNERS = {"fixmatch": (FixmatchLearner, FixmatchParameters), "mixmatch": (MixmatchLearner, MixmatchParameters)}
BOTH = pytest.mark.parametrize("name", LEARNERS)
PLAIN = {"views": "none", "strong": ()}


def learner_of(name="fixmatch", channel=None, clone=None, pool=None, seed=0, **given):
    learner, parameters = LEARNERS[name]
    context = context_of(channel or LabelChannel(), clone or perceptron(seed=3), seed=seed, pool=pool or pool_of(40))
    return learner(context, parameters(**{"steps": 4, "batch_size": 8, **given}))


def answered(learner, rows=8, scale=5.0):
    """What a victim answers to the first rows of the pool, kept by the learner."""
    queries = learner._pool.inputs(torch.arange(rows))
    with torch.no_grad():
        told = torch.softmax(perceptron(seed=1, scale=scale)(queries), 1)
    response = Response(told.argmax(1), told if learner.soft else None)
    learner.remember(queries, response)
    learner._rest = learner._unlabelled()
    return queries, learner.targets[0]


def test_fixmatch_descends_the_divergence_and_sure_guesses_as_a_plain_program_does():
    learner = learner_of(threshold=0.3, ratio=2.0, unlabelled_weight=0.7, clone=perceptron(seed=3, scale=6), **PLAIN)
    queries, told = answered(learner)
    inputs = learner.draw(16)
    learner.draw = lambda count: inputs[:count]
    found = learner.batch_loss(queries, told, torch.arange(8), 0.5)
    found.backward()
    ours = [weight.grad.clone() for weight in learner.clone.parameters()]
    learner.clone.zero_grad()
    guesses = torch.softmax(learner.clone(inputs), 1).detach()
    sure = guesses.amax(1) >= 0.3
    assert 0 < sure.sum() < 16
    errors = functional.cross_entropy(learner.clone(inputs), guesses.argmax(1), reduction="none")
    expected = functional.cross_entropy(learner.clone(queries), told.argmax(1)) + 0.7 * errors[sure].sum() / 16
    expected.backward()
    assert found.item() == pytest.approx(expected.item(), rel=1e-5)
    for mine, weight in zip(ours, learner.clone.parameters(), strict=True):
        torch.testing.assert_close(mine, weight.grad, rtol=1e-4, atol=1e-6)


def test_a_guess_is_a_class_where_labels_are_answered_and_a_distribution_where_probabilities_are():
    guesses = torch.tensor([[0.7, 0.3], [0.1, 0.9]])
    assert learner_of().believed(guesses).tolist() == [[1, 0], [0, 1]]
    assert learner_of(channel=ProbabilityChannel()).believed(guesses) is guesses


def test_the_rate_of_fixmatch_falls_along_seven_sixteenths_of_a_half_period():
    assert [course(done) for done in (0.0, 1.0)] == pytest.approx([1.0, 0.19509], abs=1e-5)


def test_strong_views_differ_from_weak_ones_and_stay_in_range():
    images = torch.rand(50, 1, 8, 8)
    weak = learner_of(views="crop", strong=())
    assert torch.equal(weak.strong_view(images), learner_of(views="crop").view(images, learner_of().draws))
    for strong in (("affine",), ("light",), ("erase",), ("affine", "light", "erase")):
        changed = learner_of(views="none", strong=strong).strong_view(images)
        assert (changed != images).flatten(1).any(1).float().mean() > 0.9
        assert changed.min() >= 0
        assert changed.max() <= 1


def test_mixmatch_sharpens_the_mean_of_its_guesses():
    learner = learner_of("mixmatch")
    learner.clone = lambda logs: logs
    views = [torch.tensor([[0.6, 0.4]]).log(), torch.tensor([[0.8, 0.2]]).log()]
    assert learner.guess(views).tolist()[0] == pytest.approx([0.49 / 0.58, 0.09 / 0.58])
    soft = learner_of("mixmatch", channel=ProbabilityChannel())
    soft.clone = learner.clone
    assert soft.guess(views).tolist()[0] == pytest.approx([0.7, 0.3])


def test_a_mixture_is_nearer_to_its_own_row_and_mixes_targets_as_inputs():
    learner = learner_of("mixmatch")
    inputs, told = torch.rand(64, 1, 2, 2), torch.rand(64, 3)
    inputs[:, 0, 0, 0] = torch.arange(64.0)
    told[:, 0] = torch.arange(64.0)
    mixed, targets = learner.mixed(inputs, told, learner.random)
    assert torch.allclose(mixed[:, 0, 0, 0], targets[:, 0], atol=1e-4)
    assert sorted(set(mixed[:, 0, 0, 0].tolist())) != sorted(range(64))
    again = learner_of("mixmatch")
    share = again.mixed(torch.eye(64).view(64, 1, 8, 8), torch.eye(64), again.random)[1].diagonal()
    assert 0.5 <= share.min() < 0.6
    assert share.max() > 0.9


def test_mixmatch_descends_the_divergence_and_squared_distances_as_a_plain_program_does():
    learner = learner_of("mixmatch", channel=ProbabilityChannel(), views="none", unlabelled_weight=3.0)
    queries, told = answered(learner)
    inputs = learner.draw(8)
    learner.draw = lambda count: inputs
    learner.mixed = lambda both, targets, random: (both, targets)
    found = learner.batch_loss(queries, told, torch.arange(8), 0.5)
    guesses = torch.softmax(learner.clone(inputs), 1).detach()
    logits = learner.clone(queries)
    value = (told * (told.log() - torch.log_softmax(logits, 1))).sum(1).mean()
    # the guess is what the clone says itself, so that the distance is 0 and its gradient too
    assert found.item() == pytest.approx(value.item(), rel=1e-4)
    learner.guess = lambda views: guesses.flip(1)
    distance = (torch.softmax(learner.clone(inputs), 1) - guesses.flip(1)).square().mean()
    found = learner.batch_loss(queries, told, torch.arange(8), 0.5)
    assert found.item() == pytest.approx((value + 3.0 * 0.5 * distance).item(), rel=1e-4)


def test_the_divergence_is_its_formula_and_cross_entropy_of_a_label():
    told, logits = torch.tensor([[0.25, 0.75], [0.0, 1.0]]), torch.tensor([[0.0, 0.0], [1.0, 3.0]])
    first = 0.25 * torch.tensor(0.5).log().item() + 0.75 * torch.tensor(1.5).log().item()
    second = functional.cross_entropy(logits[1:], torch.tensor([1])).item()
    assert divergence(told, logits).tolist() == pytest.approx([first, second], abs=1e-6)


@BOTH
def test_what_is_unlabelled_is_what_was_never_learnt_from(name):
    learner = learner_of(name)
    answered(learner, rows=30)
    assert learner._rest.tolist() == list(range(30, 40))
    answered(learner, rows=40)
    assert learner._rest.tolist() == list(range(40))


@BOTH
@pytest.mark.parametrize("channel", [LabelChannel(), ProbabilityChannel()], ids=lambda one: one.name)
def test_unlabelled_inputs_are_never_asked(name, channel):
    context = context_of(channel, perceptron(seed=2), 24, pool=pool_of(60))
    entry = registry().get(AttackEntry, f"random-pool+{name}")
    attack = entry.call(context, given={"strategy.rounds": 3, "learner.steps": 3, "learner.batch_size": 8})
    oracle, ledger = oracle_of(perceptron(seed=1), channel, 24)
    assert spend_all(attack, oracle) == 3
    assert (ledger.spent, ledger.explanations) == (24, 0)
    assert len(attack.learner._rest) == 36


@BOTH
def test_the_control_draws_no_unlabelled_input(name):
    learner = learner_of(name, unlabelled_weight=0.0)
    before = learner.draws.get_state()
    queries, _ = answered(learner)
    learner.learn(queries, Response(torch.zeros(8, dtype=torch.int64)))
    assert torch.equal(learner.draws.get_state(), before)


@BOTH
@pytest.mark.parametrize("scored", ["last", "average"])
def test_a_learner_goes_on_from_its_state_to_the_same_bits(name, scored):
    given = {"channel": ProbabilityChannel(), "views": "crop-flip-erase", "scored": scored}
    first = learner_of(name, clone=convolutional(SPEC), **given)
    second = learner_of(name, clone=convolutional(SPEC, seed=7), **given)
    queries = first._pool.inputs(torch.arange(12))
    told = torch.softmax(perceptron(seed=1)(queries), 1).detach()
    first.learn(queries[:6], Response(told[:6].argmax(1), told[:6]))
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    for own in ("random", "draws"):
        getattr(second, own).set_state(getattr(first, own).get_state())
    for learner in (first, second):
        learner.learn(queries[6:], Response(told[6:].argmax(1), told[6:]))
    assert all(map(torch.equal, first.clone.state_dict().values(), second.clone.state_dict().values()))


@BOTH
def test_the_average_of_the_weights_is_scored_where_that_is_declared(name):
    weights = {}
    for scored in ("last", "average"):
        learner = learner_of(name, scored=scored, steps=20)
        queries = learner._pool.inputs(torch.arange(12))
        learner.learn(queries, Response(perceptron(seed=1)(queries).argmax(1)))
        weights[scored] = learner.clone[1].weight
    assert torch.equal(weights["average"], learner._average.module[1].weight)
    assert not torch.allclose(weights["average"], weights["last"])


@BOTH
def test_a_fit_takes_the_steps_it_is_given_whatever_the_number_of_answers(name):
    learner = learner_of(name, steps=100, batch_size=64)
    assert [learner.epochs(rows) * -(-rows // 64) for rows in (10, 100, 1000)] == [100, 100, 96]


@BOTH
def test_without_a_pool_or_with_words_it_is_refused(name):
    learner, parameters = LEARNERS[name]
    with pytest.raises(ConfigurationError, match="a strategy that chooses from it"):
        learner(context_of(LabelChannel(), perceptron()), parameters())
    words = InputSpec((8,), 10, 0, 20, torch.int64)
    pool = pool_of(4)
    with pytest.raises(ConfigurationError, match="words cannot be"):
        learner(context_of(LabelChannel(), perceptron(), spec=words, pool=pool), parameters())


def test_a_hole_is_a_rectangle_of_the_mean_within_its_bounds():
    images = torch.rand(200, 2, 20, 16)
    changed = erased(images, torch.Generator().manual_seed(0))
    areas = []
    for before, after in zip(images, changed, strict=True):
        hole = (before != after).any(0)
        rows, columns = hole.any(1).nonzero().view(-1), hole.any(0).nonzero().view(-1)
        assert hole.sum() == len(rows) * len(columns) == (rows[-1] - rows[0] + 1) * (columns[-1] - columns[0] + 1)
        assert torch.allclose(after[:, hole], before.mean((1, 2))[:, None].expand(2, int(hole.sum())))
        areas.append(float(hole.float().mean()))
    assert 0.01 < min(areas) < 0.05
    assert 0.28 < max(areas) < 0.38
