"""The strong trainer: its steps, losses and views against sums by hand, and beside the plain fit."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from mebench_strong import StrongParameters
from mebench_strong.learner import SHIFT, StrongLearner, low_crop
from toys import SPEC, perceptron

from mebench.api.contract import AttackContext, InputSpec, Response
from mebench.api.errors import ConfigurationError
from mebench.api.random_streams import RandomStreams
from mebench.oracle.channels.answers import ProbabilityChannel
from mebench.toolkit import augmented

CPU = torch.device("cpu")


def learner_of(network=None, **given) -> StrongLearner:
    clone = network or perceptron(seed=3)
    context = AttackContext(SPEC, ProbabilityChannel(), 100, clone, CPU, RandomStreams(0, CPU))
    return StrongLearner(context, StrongParameters(**{"least_steps": 20, "most_steps": 20, **given}))


def answers(rows: int = 12) -> tuple[torch.Tensor, Response]:
    torch.manual_seed(0)
    inputs = torch.rand(rows, *SPEC.shape)
    with torch.no_grad():
        probabilities = torch.softmax(5 * perceptron(seed=1)(inputs), 1)
    return inputs, Response(probabilities.argmax(1), probabilities)


@pytest.mark.parametrize(
    ("rows", "given", "epochs", "batch"),
    [
        (100, {"least_steps": 2000, "most_steps": 20000}, 1000, 64),  # two batches, 2,000 steps
        (1000, {"least_steps": 2000, "most_steps": 20000}, 250, 128),  # eight batches
        (100_000, {"least_steps": 2000, "most_steps": 20000}, 26, 128),  # 782 batches, 20,000 steps
        (
            20_000,
            {"least_steps": 2000, "most_steps": 20000, "passes": 30.0},
            30,
            128,
        ),  # 157 batches, between the bounds
        (10, {"least_steps": 5, "most_steps": 5, "batch_size": 3}, 1, 3),
    ],
)
def test_steps_lie_within_their_bounds_whatever_the_number_of_answers(rows, given, epochs, batch):
    learner = learner_of(**given)
    assert (learner.epochs(rows), learner.batch_size(rows)) == (epochs, batch)


def test_the_rate_rises_then_falls_to_nothing():
    learner = learner_of(warmup=0.1)
    course = [learner._course(step / 100) for step in range(101)]
    assert course[0] < 0.02
    assert course[10] == pytest.approx(1)
    assert course[100] == pytest.approx(0, abs=1e-12)
    assert course[:11] == sorted(course[:11])
    assert course[10:] == sorted(course[10:], reverse=True)


def test_the_loss_at_a_temperature_is_its_formula_and_least_squares_of_centred_logits_when_it_is_hot():
    inputs, response = answers()
    learner = learner_of(temperature=4.0)
    logits = learner.clone(inputs)
    told = response.probabilities.log()
    p, q = torch.softmax(told / 4, 1), torch.softmax(logits / 4, 1)
    expected = 16 * (p * (p / q).log()).sum(1).mean()
    found = learner.batch_loss(inputs, learner.target(response), torch.arange(12), 0.0)
    assert found.item() == pytest.approx(expected.item(), rel=1e-4)
    hot = learner_of(temperature=100.0)
    centred = [one - one.mean(1, keepdim=True) for one in (told, hot.clone(inputs))]
    squares = (centred[0] - centred[1]).square().sum(1).mean() / (2 * SPEC.num_classes)
    loss = hot.batch_loss(inputs, hot.target(response), torch.arange(12), 0.0)
    assert loss.item() == pytest.approx(squares.item(), rel=0.05)


def test_labels_alone_are_smoothed():
    inputs, response = answers()
    learner = learner_of(smoothing=0.2)
    only = Response(response.labels)
    rows = torch.arange(12)
    log_p = torch.log_softmax(learner.clone(inputs), 1)
    classes = SPEC.num_classes
    targets = torch.full((12, classes), 0.2 / classes)
    targets[rows, response.labels] += 0.8
    expected = -(targets * log_p).sum(1).mean()
    assert learner.batch_loss(inputs, learner.target(only), rows, 0.0).item() == pytest.approx(expected.item())


def test_an_answer_of_zero_stays_finite():
    inputs, response = answers()
    rounded = Response(response.labels, response.probabilities.round())
    learner = learner_of()
    assert learner.target(rounded).isfinite().all()
    assert learner.batch_loss(inputs, learner.target(rounded), torch.arange(12), 0.0).isfinite()


@pytest.mark.parametrize("how", ["crop", "crop-flip"])
def test_a_view_is_a_shift_by_at_most_two_pixels_mirrored_or_not(how):
    images = torch.rand(40, 1, 6, 5)
    padded = torch.nn.functional.pad(images, [2] * 4)
    seen = augmented(images, how, torch.Generator().manual_seed(0), padding=SHIFT)
    mirrored = 0
    for image, source in zip(seen, padded, strict=True):
        shifts = [source[:, y : y + 6, x : x + 5] for y in range(5) for x in range(5)]
        plain = any(torch.equal(image, one) for one in shifts)
        flipped = any(torch.equal(image.flip(2), one) for one in shifts)
        assert plain or flipped
        mirrored += flipped and not plain
    assert (mirrored > 10) == (how == "crop-flip")
    assert mirrored < 30


def test_biases_do_not_decay_and_gradients_are_clipped():
    learner = learner_of(weight_decay=0.5)
    optimizer = learner.make_optimizer()
    assert {group["weight_decay"]: {one.ndim for one in group["params"]} for group in optimizer.param_groups} == {
        0.5: {2},
        0.0: {1},
    }
    for weight in learner.clone.parameters():
        weight.grad = torch.full_like(weight, 10.0)
    optimizer.step()
    norm = math.sqrt(sum(float(weight.grad.square().sum()) for weight in learner.clone.parameters()))
    assert norm == pytest.approx(1, abs=1e-4)


def test_the_average_of_the_weights_is_scored_where_that_is_declared():
    inputs, response = answers()
    last, average = learner_of(), learner_of(scored="average")
    begun = copy.deepcopy(last.clone.state_dict())
    for learner in (last, average):
        learner.learn(inputs, response)
    name = next(iter(begun))
    to_last = (begun[name] - last.clone.state_dict()[name]).norm()
    to_average = (begun[name] - average.clone.state_dict()[name]).norm()
    assert 0 < to_average < to_last


@pytest.mark.parametrize("retrain", ["scratch", "warm", "shrink"])
def test_a_later_fit_begins_where_it_is_told_to(retrain, monkeypatch):
    inputs, response = answers()
    learner = learner_of(retrain=retrain)
    begun = copy.deepcopy(learner.clone.state_dict())
    learner.learn(inputs, response)
    last = copy.deepcopy(learner.clone.state_dict())
    found = {}
    monkeypatch.setattr(learner, "_fit", lambda *_: found.update(copy.deepcopy(learner.clone.state_dict())))
    learner.learn(inputs, response)
    name = next(iter(begun))
    expected = {"scratch": begun[name], "warm": last[name], "shrink": 0.4 * last[name] + 0.1 * begun[name]}
    assert torch.allclose(found[name], expected[retrain])


def test_a_learner_goes_on_from_its_state_to_the_same_bits():
    inputs, response = answers()
    first = learner_of(retrain="shrink", scored="average", views="crop")
    first.learn(inputs, response)
    second = learner_of(perceptron(seed=9), retrain="shrink", scored="average", views="crop")
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    second.random.set_state(first.random.get_state())
    for learner in (first, second):
        learner.learn(inputs, response)
    for one, other in zip(first.clone.parameters(), second.clone.parameters(), strict=True):
        assert torch.equal(one, other)


def test_it_learns_what_it_was_answered():
    inputs, response = answers(40)
    learner = learner_of(least_steps=400, most_steps=400, learning_rate=1e-2)
    learner.learn(inputs, response)
    with torch.no_grad():
        assert (learner.clone(inputs).argmax(1) == response.labels).float().mean() > 0.9


def test_a_low_crop_is_a_box_of_half_to_all_of_an_image_in_its_proportions():
    images = torch.arange(16.0).view(1, 1, 4, 4).repeat(3, 1, 1, 1)
    random = torch.Generator().manual_seed(0)
    found = low_crop(images, random, back=False)
    assert found.shape == (3, 1, 3, 3)
    assert torch.equal(found[0], found[2])
    assert low_crop(images, random, back=True).shape == images.shape
    ramp = torch.linspace(0, 1, 64).repeat(64, 1).view(1, 1, 64, 64)
    widths = []
    for _ in range(50):
        crop = low_crop(ramp, random, back=False)[0, 0, 0]
        widths.append(float(crop[-1] - crop[0]))
    assert 0.68 < min(widths) < 0.75
    assert 0.95 < max(widths) < 1


@pytest.mark.parametrize(("done", "low"), [(0.0, True), (0.79, True), (0.8, False), (0.99, False)])
def test_four_fifths_of_a_fit_are_at_a_low_resolution(done, low):
    sizes = []
    network = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(1, 10))
    learner = learner_of(network, resolution="low-then-full")
    network.register_forward_pre_hook(lambda _, given: sizes.append(given[0].shape[-1]))
    inputs, response = answers()
    learner.batch_loss(inputs, learner.target(response), torch.arange(12), done)
    assert sizes == [6 if low else 8]


def test_a_clone_that_takes_one_size_alone_sees_crops_at_its_own():
    learner = learner_of(resolution="low-then-full")
    inputs, response = answers()
    seen = []
    learner.clone.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    learner.batch_loss(inputs, learner.target(response), torch.arange(12), 0.0)
    assert seen[0].shape == inputs.shape
    assert not torch.equal(seen[0], inputs)


def test_words_have_no_resolution():
    words = InputSpec((8,), 10, 0, 20, torch.int64)
    context = AttackContext(words, ProbabilityChannel(), 100, perceptron(), CPU, RandomStreams(0, CPU))
    with pytest.raises(ConfigurationError, match="words have none"):
        StrongLearner(context, StrongParameters(resolution="low-then-full"))
