"""What all defences have in common, and those that need no more than the answer."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from owners import answers, defence, images, owners_context
from toys import SPEC

from mebench import DefenceEntry, InputSpec
from mebench.registry.catalogue import registry

ENTRIES = [one for one in registry().entries(DefenceEntry) if one.target.startswith("mebench_defences.")]
ANSWERS = [one.name for one in ENTRIES if one.place == "answer"]
INPUTS = [one.name for one in ENTRIES if one.place == "input"]
MAPS = [one.name for one in ENTRIES if one.place == "explanation"]
DRAWN = ["answer-noise", "random-class", "input-noise", "map-noise"]
ROWS = 40
QUICK = {"grad2": {"epochs": 1}, "adaptive-misinformation": {"epochs": 1}}
BY_NETWORK = {"grad2", "adaptive-misinformation", "mad", "mad-argmax"}
"""Their own network computes on the whole batch: beside other rows, the last digits of its outputs may differ."""


def applied(made, queries: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    if hasattr(made, "perturb"):
        return made.perturb(queries, rows)
    return (
        made.release(queries, rows, torch.zeros(len(rows), dtype=torch.int64))
        if hasattr(made, "release")
        else made.receive(queries)
    )


def given_to(name: str) -> torch.Tensor:
    """What the defence gets beside queries: rows of probabilities, or maps."""
    if name in MAPS:
        return torch.randn(ROWS, 10, *SPEC.shape, generator=torch.Generator().manual_seed(4))
    return answers(ROWS, concentration=0.3)


def test_there_are_defences_of_each_place():
    assert (len(ANSWERS), len(INPUTS), len(MAPS)) == (16, 3, 9)


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_is_a_row_of_probabilities_and_what_was_given_stays(name):
    made, queries, rows = defence(name, **QUICK.get(name, {})), images(ROWS), answers(ROWS)
    before = queries.clone(), rows.clone()
    told = made.perturb(queries, rows)
    assert told.shape == rows.shape
    assert told.dtype == torch.float32
    assert told.min() >= 0
    assert told.max() <= 1
    assert (told.sum(1) <= 1 + 1e-5).all() or name == "rounding"
    assert torch.equal(queries, before[0])
    assert torch.equal(rows, before[1])
    assert made.perturb(queries[:0], rows[:0]).shape == (0, 10)


@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.parametrize("concentration", [0.02, 0.2, 1.0])
def test_who_says_to_keep_the_most_probable_class_does(name, concentration):
    made, rows = defence(name, **QUICK.get(name, {})), answers(200, concentration=concentration)
    if made.keeps_argmax:
        assert torch.equal(made.perturb(images(200), rows).argmax(1), rows.argmax(1))


@pytest.mark.parametrize("name", [one.name for one in ENTRIES])
def test_batches_do_not_matter(name):
    context = owners_context()
    alone = defence(name, context, **QUICK.get(name, {}))
    together, queries, rows = copy.deepcopy(alone), images(ROWS), given_to(name)
    one_by_one = torch.cat([applied(alone, queries[i : i + 1], rows[i : i + 1]) for i in range(ROWS)])
    at_once = applied(together, queries, rows)
    if name in BY_NETWORK:
        torch.testing.assert_close(one_by_one, at_once, atol=1e-6, rtol=0)
    else:
        assert torch.equal(one_by_one, at_once)


@pytest.mark.parametrize("name", DRAWN)
def test_fresh_noise_does_not_depend_on_batches_either(name):
    queries, rows = images(ROWS), given_to(name)
    alone, together = (defence(name, owners_context(seed=3), drawn="fresh") for _ in range(2))
    one_by_one = torch.cat([applied(alone, queries[i : i + 1], rows[i : i + 1]) for i in range(ROWS)])
    assert torch.equal(one_by_one, applied(together, queries, rows))
    assert not torch.equal(one_by_one, applied(together, queries, rows))
    assert alone.randomness == "fresh"


@pytest.mark.parametrize("name", DRAWN)
def test_keyed_noise_is_the_same_for_a_repeat_and_another_for_one_pixel(name):
    made, queries, rows = defence(name), images(ROWS), given_to(name)
    first = applied(made, queries, rows)
    order = torch.randperm(ROWS, generator=torch.Generator().manual_seed(1))
    assert torch.equal(applied(made, queries[order], rows[order]), first[order])
    nearly = (queries + 0.3 / 255).clamp(0, 1)
    assert name == "input-noise" or torch.equal(applied(made, nearly, rows), first)
    moved = queries.clone()
    moved[:, 0, 0, 0] = (moved[:, 0, 0, 0] + 1 / 255) % 1.001
    other = applied(made, moved, rows)
    changed = (other != first).flatten(1).any(1).float().mean()
    assert changed == 1 or (name == "random-class" and changed > 0.7)
    assert made.randomness == "keyed"


def test_another_key_gives_other_noise():
    queries, rows = images(ROWS), answers(ROWS)
    mine, yours = (defence("answer-noise", owners_context(key=key * 32)).perturb(queries, rows) for key in (b"a", b"b"))
    assert (mine != yours).any(1).all()


@pytest.mark.parametrize("name", ANSWERS)
def test_what_is_computed_at_home_is_a_function_of_rows_that_changes_nothing(name):
    made = defence(name, **QUICK.get(name, {}))
    mechanism, rows = made.mechanism(), answers(ROWS)
    if mechanism is None:
        assert name in ("grad2", "adaptive-misinformation")
        return
    before = copy.deepcopy(made.state_dict())
    told = mechanism(rows)
    assert torch.equal(told, mechanism(rows))
    assert torch.equal(told[5:6], mechanism(rows[5:6]))
    assert told.shape == rows.shape
    assert str(made.state_dict()) == str(before)
    if made.randomness == "none" and name not in ("modelguard-s", "mad", "mad-argmax"):
        assert torch.equal(told, made.perturb(images(ROWS), rows))


@pytest.mark.parametrize("name", ["answer-noise", "random-class", "dawn"])
def test_what_is_drawn_at_home_tells_nothing_of_the_key(name):
    rows = answers(2000)
    mine, yours = (defence(name, owners_context(key=key * 32)).mechanism()(rows) for key in (b"a", b"b"))
    assert torch.equal(mine, yours)
    assert not torch.equal(mine, defence(name).perturb(images(2000), rows))


@pytest.mark.parametrize("name", [one.name for one in ENTRIES if one.knob])
def test_a_knob_moves_the_mean_distance_from_nothing_upwards(name):
    (entry,) = [one for one in ENTRIES if one.name == name]
    low, high = entry.knob_range
    rows, queries, context = answers(300, concentration=0.1), images(300), owners_context()
    shares = (0, 0.01, 0.1, 0.5, 1) if name != "modelguard-s" else (0, 0.5, 1)
    moved = []
    for share in shares:
        made = defence(name, context, **{entry.knob: low + share * (high - low)}, **QUICK.get(name, {}))
        moved.append(float((made.perturb(queries, rows) - rows).abs().sum(1).mean()))
    assert moved[0] < 1e-5
    assert moved == sorted(moved)
    assert moved[-1] > 0.6


@pytest.mark.parametrize("name", [one.name for one in ENTRIES if one.texts])
def test_texts_are_answered_too(name):
    def network(seed):
        torch.manual_seed(seed)
        return torch.nn.Sequential(torch.nn.Embedding(50, 4), torch.nn.Flatten(), torch.nn.Linear(24, 3))

    context = owners_context(InputSpec((6,), 3, 0.0, 49.0, torch.int64), network=network)
    made, rows = defence(name, context, **QUICK.get(name, {})), answers(8, classes=3)
    assert made.perturb(context.data.inputs[:8], rows).shape == (8, 3)
    assert made.mechanism() is None or made.mechanism()(rows).shape == (8, 3)


def test_a_label_is_the_first_of_the_largest():
    rows = torch.tensor([[0.1, 0.45, 0.45], [0.0, 0.0, 0.0]])
    assert torch.equal(defence("label-only").perturb(images(2), rows), torch.tensor([[0.0, 1, 0], [1, 0, 0]]))


def test_a_cut_answer_is_renormalised_only_where_that_is_asked_for():
    rows = torch.tensor([[0.5, 0.3, 0.2]])
    assert torch.equal(defence("top-k", k=2).perturb(images(1), rows), torch.tensor([[0.5, 0.3, 0.0]]))
    full = defence("top-k", k=2, renormalise=True).perturb(images(1), rows)
    torch.testing.assert_close(full, torch.tensor([[0.625, 0.375, 0.0]]))


def test_what_the_channel_cuts_and_rounds_the_defences_do_too():
    from mebench.oracle.channels.answers import ProbabilityChannel
    from mebench.oracle.channels.entries import ProbabilityParameters

    context, queries = owners_context(), images(50)
    whole = ProbabilityChannel().answer(context.victim, queries, explain=False).probabilities
    short = ProbabilityChannel(ProbabilityParameters(top_k=4, decimals=2)).answer(
        context.victim, queries, explain=False
    )
    told = defence("top-k", k=4).perturb(queries, whole)
    assert torch.equal(defence("rounding", decimals=2).perturb(queries, told), short.probabilities)


def test_rounding_can_leave_nothing_and_change_the_label():
    rows = torch.cat([torch.full((1, 25), 0.04), torch.zeros(1, 25)])
    rows[1, :3] = torch.tensor([0.33, 0.34, 0.33])
    told = defence("rounding").perturb(images(2), rows)
    assert told[0].sum() == 0
    assert told[1].argmax() == 0
    assert defence("rounding", decimals=3).probability_floor == 0.0005


def test_small_probabilities_are_withheld_from_a_threshold_down():
    rows = torch.tensor([[0.5, 0.25, 0.24, 0.01], [0.2, 0.2, 0.2, 0.2]])
    assert torch.equal(
        defence("high-confidence").perturb(images(2), rows), torch.tensor([[0.5, 0.25, 0, 0], [0.0, 0, 0, 0]])
    )


def test_temperature_is_that_of_the_logits():
    logits = 3 * torch.randn(50, 10, generator=torch.Generator().manual_seed(0))
    told = defence("temperature", temperature=2.5).perturb(images(50), torch.softmax(logits, dim=1))
    torch.testing.assert_close(told, torch.softmax(logits / 2.5, dim=1), atol=1e-6, rtol=1e-5)


def test_noise_has_the_distribution_and_the_scale_that_were_asked_for():
    rows, queries = torch.full((500, 10), 0.1), images(500)
    for distribution, deviation in (("gaussian", 1.0), ("laplace", 2**0.5), ("uniform", 3**-0.5)):
        noisy = defence("answer-noise", on="logit", scale=0.3, distribution=distribution).perturb(queries, rows)
        logits = noisy.double().log()
        spread = (logits - logits.mean(1, keepdim=True)).std() * (10 / 9) ** 0.5
        assert abs(spread / (0.3 * deviation) - 1) < 0.05


def test_noise_on_probabilities_is_cut_at_0_and_scaled_and_zeros_of_logits_stay():
    rows, queries = answers(50), images(50)
    told = defence("answer-noise", scale=0.5).perturb(queries, rows)
    torch.testing.assert_close(told.sum(1), torch.ones(50))
    assert (told == 0).any()
    rows[:, 3] = 0
    assert (defence("answer-noise", on="logit").perturb(queries, rows)[:, 3] == 0).all()
    assert torch.equal(
        defence("answer-noise", scale=0.0).perturb(queries, rows / rows.sum(1, keepdim=True)) > 0, rows > 0
    )


def test_a_random_class_moves_an_answer_by_epsilon_times_what_it_lacked():
    rows, queries = answers(400), images(400)
    told = defence("random-class", epsilon=0.6).perturb(queries, rows)
    wrong = (told - 0.7 * rows).argmax(1)
    assert (wrong != rows.argmax(1)).all()
    assert len(wrong.unique()) == 10
    torch.testing.assert_close((told - rows).abs().sum(1), 0.6 * (1 - rows[torch.arange(400), wrong]))


def test_a_repeat_is_answered_from_the_cache_also_within_a_batch_and_after_a_stop():
    noisy, cache = defence("answer-noise", drawn="fresh"), defence("cache")
    queries, rows = images(ROWS), answers(ROWS)
    twice, both = torch.cat([queries, queries[:5]]), torch.cat([rows, rows[:5]])
    told = cache.perturb(twice, noisy.perturb(twice, both))
    assert torch.equal(told[ROWS:], told[:5])
    later = defence("cache")
    later.load_state_dict(cache.state_dict())
    assert torch.equal(later.perturb(queries, noisy.perturb(queries, rows)), told[:ROWS])
    empty = defence("cache")
    empty.load_state_dict(defence("cache").state_dict())
    assert torch.equal(empty.perturb(queries, rows), rows)


@pytest.mark.parametrize("name", ["modelguard-s", "dawn"])
def test_a_state_that_was_saved_goes_on_to_the_same_answers(name):
    given = {"dawn": {"rate": 0.3}}.get(name, {})
    whole, first, second = (defence(name, **given) for _ in range(3))
    queries, rows = images(200), answers(200)
    expected = whole.perturb(queries, rows)
    first.perturb(queries[:90], rows[:90])
    saved = first.state_dict()
    second.load_state_dict(copy.deepcopy(saved))
    assert torch.equal(second.perturb(queries[90:], rows[90:]), expected[90:])
    assert str(second.state_dict()) == str(whole.state_dict())


def test_reverse_sigmoid_is_its_formula():
    rows = answers(100, concentration=1.0).double().numpy()
    lowered = rows - 0.3 * (1 / (1 + np.exp(-0.2 * np.log(rows / (1 - rows)))) - 0.5)
    told = defence("reverse-sigmoid", beta=0.3).perturb(images(100), torch.from_numpy(rows).float())
    np.testing.assert_allclose(told.numpy(), lowered / lowered.sum(1, keepdims=True), atol=1e-6)


def test_reverse_sigmoid_of_a_sure_answer_at_full_strength_is_uniform():
    sure = torch.eye(10)[:3]
    told = defence("reverse-sigmoid", beta=1.0).perturb(images(3), sure)
    torch.testing.assert_close(told, torch.full((3, 10), 0.1))


@pytest.mark.parametrize(
    ("beta", "distance", "kept"),
    [(0.1, 0.40, 1), (0.21, 0.67, 1), (0.3, 0.83, 1), (0.8, 1.27, 0.958), (1, None, 0.807)],
)
def test_reverse_sigmoid_moves_and_keeps_what_it_does_elsewhere(beta, distance, kept):
    rows = answers(20_000)
    told = defence("reverse-sigmoid", beta=float(beta), gamma=0.2).mechanism()(rows)
    assert distance is None or abs((told - rows).abs().sum(1).mean() - distance) < 0.01
    assert abs((told.argmax(1) == rows.argmax(1)).float().mean() - kept) < 0.005


def test_without_a_strength_reverse_sigmoid_moves_sure_answers_by_about_1():
    for classes in (10, 100):
        sure = torch.full((1, classes), 1e-7)
        sure[0, 2] = 1 - 1e-7 * (classes - 1)
        made = defence("reverse-sigmoid", owners_context(InputSpec((1, 8, 8), classes)))
        assert 0.8 < (made.perturb(images(1), sure) - sure).abs().sum() < 1.1
