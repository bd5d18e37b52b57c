"""Recoveries on synthetic answers whose truth is known."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from mebench_recoveries.at_home import made_up
from mebench_recoveries.explanations import Maps, gradients
from owners import answers, defence, images, owners_context, recovery, response
from toys import SPEC, convolutional, perceptron

from mebench import RecoveryEntry, Response
from mebench.registry.catalogue import registry

NAMES = [one.name for one in registry().entries(RecoveryEntry) if one.target.startswith("mebench_recoveries.")]
AT_HOME = ["partial-bayes", "restorer", "inverse-reverse-sigmoid"]
FOUR = replace(SPEC, num_classes=4)
SMALL = {
    "partial-bayes": {"rows": 5000},
    "partial-bayes-oracle": {"rows": 5000},
    "restorer": {"rows": 5000, "epochs": 12, "batch_size": 256},
}


def recovered(name: str, told: torch.Tensor, mechanism=None, *, keeps_argmax: bool = True, **given) -> torch.Tensor:
    given = {"truth": lambda queries: told, **SMALL.get(name, {}), **given}
    made = recovery(name, mechanism, keeps_argmax=keeps_argmax, **given)
    return made.recover(images(len(told)), response(told), perceptron()).probabilities


def distance(one: torch.Tensor, other: torch.Tensor) -> float:
    return float((one - other).abs().sum(1).mean())


@pytest.mark.parametrize("name", AT_HOME)
def test_where_there_is_no_mechanism_answers_stay_what_they_are(name):
    told = response(answers())
    assert recovery(name, None).recover(images(100), told, perceptron()) is told


@pytest.mark.parametrize("name", AT_HOME)
@pytest.mark.parametrize("other", [lambda rows: rows, defence("rounding", decimals=3).mechanism()])
def test_a_defence_that_does_hardly_anything_is_not_made_worse(name, other):
    rows = answers(200, concentration=0.3)
    assert distance(recovered(name, other(rows), other, keeps_argmax=False), rows) < 0.02


@pytest.mark.parametrize("name", NAMES)
def test_labels_alone_are_no_error_and_no_rows_neither(name):
    truth = lambda queries: answers(len(queries))  # noqa: E731
    made, queries = recovery(name, lambda rows: rows, truth=truth, **SMALL.get(name, {})), images(4)
    rows = 4 * made.queries_per_row
    found = made.recover(queries, Response(torch.zeros(rows, dtype=torch.int64)), perceptron())
    assert found.labels.tolist() == [0] * 4
    nothing = made.recover(queries[:0], response(answers(0)), perceptron())
    assert nothing.probabilities.shape == (0, 10)
    made.worth_learning(queries, found)


def test_argmax_learns_from_the_label_that_was_answered():
    told = Response(torch.tensor([2]), torch.tensor([[0.5, 0.3, 0.2]]), progress=0.25)
    made = recovery("argmax", spec=replace(SPEC, num_classes=3))
    found = made.recover(images(1), told, perceptron())
    assert found.probabilities.tolist() == [[0, 0, 1]]
    assert (found.labels.tolist(), found.progress) == ([2], 0.25)


def test_the_mean_of_repeats_is_taken_of_probabilities_labels_and_maps():
    made, queries = recovery("repeat-average", copies=3), images(5)
    assert torch.equal(made.asked(queries), queries.repeat_interleave(3, dim=0))
    maps, told = torch.randn(15, 10, *SPEC.shape), answers(15)
    found = made.recover(queries, response(told, Maps(maps, "logit")), perceptron())
    torch.testing.assert_close(found.probabilities, told.view(5, 3, 10).mean(1))
    assert torch.equal(found.labels, found.probabilities.argmax(1))
    torch.testing.assert_close(found.explanation.dense(), maps.view(5, 3, 10, *SPEC.shape).mean(1))
    weights = torch.randn(5, 10)
    product = torch.einsum("bc,bc...->b...", weights, found.explanation.dense())
    torch.testing.assert_close(found.explanation.vjp(weights), product)
    assert found.explanation.score == "logit"

    voted = made.recover(images(2), Response(torch.tensor([4, 7, 7, 3, 1, 2])), perceptron())
    assert voted.labels.tolist() == [7, 1]
    assert voted.probabilities is None


def asked_of(name: str, made, rows: torch.Tensor, queries: torch.Tensor) -> torch.Tensor:
    """What a recovery gets of noisy answers."""
    noisy = defence("answer-noise", drawn=name, on="logit", scale=0.5)
    copies = made.queries_per_row
    told = noisy.perturb(made.asked(queries), rows.repeat_interleave(copies, dim=0))
    return made.recover(queries, response(told), perceptron()).probabilities


def test_repeats_undo_fresh_noise_only_and_jitter_keyed_noise_too():
    rows, queries = torch.full((50, 10), 0.1), images(50)
    once = {
        how: distance(asked_of(how, recovery("repeat-average", copies=1), rows, queries), rows)
        for how in ("fresh", "keyed")
    }
    repeats, jitter = recovery("repeat-average", copies=25), recovery("jitter-average", copies=25)
    assert distance(asked_of("fresh", repeats, rows, queries), rows) < 0.4 * once["fresh"]
    assert distance(asked_of("keyed", repeats, rows, queries), rows) == pytest.approx(once["keyed"], rel=1e-4)
    assert distance(asked_of("keyed", jitter, rows, queries), rows) < 0.4 * once["keyed"]


def test_jitter_moves_by_whole_levels_and_never_the_first_copy():
    made, queries = recovery("jitter-average", copies=4, levels=2), images(6)
    asked = made.asked(queries)
    assert torch.equal(asked[::4], queries)
    steps = (asked - queries.repeat_interleave(4, dim=0)) * 255
    torch.testing.assert_close(steps, steps.round(), atol=1e-3, rtol=0)
    assert steps.abs().max() <= 2.001
    assert asked.min() >= 0
    assert asked.max() <= 1
    assert (steps[torch.arange(24) % 4 != 0].flatten(1).abs().amax(1) > 0.5).all()


def test_shifted_copies_are_windows_of_the_framed_picture():
    made, queries = recovery("jitter-average", copies=9, by="shifts"), images(3)
    asked = made.asked(queries)
    framed = torch.nn.functional.pad(queries, [4] * 4)
    for number, one in enumerate(asked):
        windows = [framed[number // 9][:, top : top + 8, left : left + 8] for top in range(9) for left in range(9)]
        assert any(torch.equal(one, w) or torch.equal(one, w.flip(-1)) for w in windows)
    assert not torch.equal(asked[1], asked[0])


def test_jitter_is_drawn_of_the_trials_stream():
    first, second = (recovery("jitter-average", seed=4) for _ in range(2))
    queries = images(3)
    drawn = first.asked(queries)
    assert torch.equal(drawn, second.asked(queries))
    assert not torch.equal(drawn, first.asked(queries))
    assert not torch.equal(first.asked(queries), recovery("jitter-average", seed=5).asked(queries))


@pytest.mark.parametrize(
    ("name", "given"), [("temperature", {}), ("reverse-sigmoid", {"beta": 0.5}), ("mad-argmax", {})]
)
@pytest.mark.parametrize("how", ["partial-bayes", "restorer"])
def test_what_is_tried_at_home_undoes_most_of_a_known_defence(name, given, how):
    made = defence(name, owners_context(FOUR), **given)
    rows = answers(150, classes=4, concentration=0.2, seed=3)
    told = made.perturb(images(150), rows)
    found = recovered(how, told, made.mechanism(), keeps_argmax=made.keeps_argmax, spec=FOUR)
    assert distance(found, rows) < 0.6 * distance(told, rows)
    assert not made.keeps_argmax or torch.equal(found.argmax(1), rows.argmax(1))
    torch.testing.assert_close(found.sum(1), torch.ones(150), atol=1e-4, rtol=0)


def test_partial_bayes_is_the_mean_of_what_would_have_been_answered_so():
    def thirds(rows):
        return (3 * rows).round() / 3

    made = recovery("partial-bayes", thirds, keeps_argmax=False, rows=4000, around=0, spec=replace(SPEC, num_classes=3))
    told = torch.tensor([[2 / 3, 1 / 3, 0.0], [1.0, 0.0, 0.0]])
    found = made.recover(images(2), response(told), perceptron()).probabilities
    table = made_up(4000, 3, 0)
    for row, answer in zip(told, found, strict=True):
        near = table[(thirds(table) - row).abs().sum(1) <= 0.01]
        torch.testing.assert_close(answer, (near.sum(0) + row) / (len(near) + 1), atol=1e-5, rtol=0)


def test_who_is_told_the_truth_comes_nearer_than_who_is_not():
    made, rows = defence("modelguard-w"), answers(150, concentration=0.5)
    told = made.perturb(images(150), rows)
    honest = recovered("partial-bayes", told, made.mechanism())
    oracle = recovered("partial-bayes-oracle", told, made.mechanism(), truth=lambda queries: rows)
    assert distance(oracle, rows) < 0.8 * distance(honest, rows)


def test_the_restorer_is_the_same_beside_any_other_rows():
    made, rows = defence("temperature"), answers(20)
    told = made.perturb(images(20), rows)
    restorer = recovery("restorer", made.mechanism(), **SMALL["restorer"])
    alone = restorer.recover(images(1), response(told[:1]), perceptron()).probabilities
    together = restorer.recover(images(20), response(told), perceptron()).probabilities
    torch.testing.assert_close(alone, together[:1], atol=1e-6, rtol=0)


@pytest.mark.parametrize(("beta", "left"), [(0.1, 0.01), (0.3, 0.02), (0.8, 0.1)])
def test_the_reverse_sigmoid_is_solved_where_one_class_is_above_the_lowest_point(beta, left):
    rows, lowest = answers(3000), (beta * 0.2) ** (1 / 0.8)
    one = (rows > lowest).sum(1) == 1
    rows = rows[one]
    made = defence("reverse-sigmoid", beta=beta)
    told = made.perturb(images(len(rows)), rows)
    found = recovered("inverse-reverse-sigmoid", told, made.mechanism(), keeps_argmax=False)
    off, before = (found - rows).abs().sum(1), (told - rows).abs().sum(1)
    assert off.median() < left
    assert off.median() < 0.1 * before.median()


def test_confident_answers_above_the_highest_point_are_solved_exactly():
    rows = answers(200, concentration=0.02)
    rows = rows[rows.amax(1) > 0.999]
    made = defence("reverse-sigmoid", beta=0.3)
    told = made.perturb(images(len(rows)), rows)
    found = recovered("inverse-reverse-sigmoid", told, made.mechanism(), keeps_argmax=False)
    assert len(rows) > 50
    assert (found - rows).abs().sum(1).median() < 2e-6


def test_the_strength_of_the_reverse_sigmoid_is_found_and_another_mechanism_left_alone():
    made, told = defence("reverse-sigmoid", beta=0.37), answers(20)
    assert recovery("inverse-reverse-sigmoid", made.mechanism())._beta == pytest.approx(0.37, abs=1e-3)
    assert recovery("inverse-reverse-sigmoid", made.mechanism(), gamma=0.6)._beta == 0
    other = defence("modelguard-w").mechanism()
    assert torch.equal(recovered("inverse-reverse-sigmoid", told, other), told)


def test_only_answers_that_are_sure_are_worth_learning():
    made = recovery("confidence-filter", threshold=0.6)
    told = response(torch.tensor([[0.7, 0.3], [0.55, 0.45]]))
    assert made.recover(images(2), told, perceptron()) is told
    assert made.worth_learning(images(2), told).tolist() == [True, False]
    assert made.worth_learning(images(2), Response(torch.zeros(2, dtype=torch.int64))) is None


@pytest.mark.parametrize("score", ["probability", "logit"])
def test_gradients_are_those_of_every_class_and_the_network_stays_as_it_is(score):
    network = convolutional(SPEC).train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    queries = images(3)
    found = gradients(network, queries, score)
    assert network.training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert all(parameter.requires_grad and parameter.grad is None for parameter in network.parameters())
    network.eval()
    for number, query in enumerate(queries):
        outputs = (
            (lambda x: torch.softmax(network(x[None]), 1)[0])
            if score == "probability"
            else lambda x: network(x[None])[0]
        )
        exact = torch.autograd.functional.jacobian(outputs, query)
        torch.testing.assert_close(found[number], exact, atol=1e-6, rtol=1e-4)


def test_magnitudes_get_the_signs_of_the_clone_and_signed_maps_stay():
    clone, queries = perceptron(), images(6)
    own = gradients(clone, queries, "probability")
    true = own * (0.5 + torch.rand(own.shape, generator=torch.Generator().manual_seed(0)))
    given = torch.where(torch.arange(6).view(-1, 1, 1, 1, 1) < 3, true.abs(), true)
    told = response(answers(6), Maps(given, "probability"))
    found = recovery("sign-imputation").recover(queries, told, clone).explanation.dense()
    torch.testing.assert_close(found, true)
    scaled = recovery("sign-imputation", rescale=True).recover(queries, told, clone).explanation.dense()
    torch.testing.assert_close(scaled[:3].flatten(2).norm(dim=2), own[:3].flatten(2).norm(dim=2))
    torch.testing.assert_close(scaled[3:], true[3:])


def test_the_classes_that_are_not_explained_share_what_must_cancel():
    victim, queries = perceptron(), images(4)
    maps = gradients(victim, queries, "probability")
    only = torch.zeros_like(maps)
    only[:3, 7] = maps[:3, 7]
    only[3] = maps[3]
    told = response(answers(4), Maps(only, "probability"))
    found = recovery("top-1-completion").recover(queries, told, victim).explanation.dense()
    torch.testing.assert_close(found.sum(1), torch.zeros(4, *SPEC.shape), atol=1e-6, rtol=0)
    torch.testing.assert_close(found[:3, 7], maps[:3, 7])
    torch.testing.assert_close(found[:3, 2], -maps[:3, 7] / 9)
    assert torch.equal(found[3], maps[3])
    assert (found[:3] - maps[:3]).norm() < (only[:3] - maps[:3]).norm()


@pytest.mark.parametrize("name", ["sign-imputation", "top-1-completion"])
def test_without_an_explanation_there_is_nothing_to_complete(name):
    told = response(answers(2))
    assert recovery(name).recover(images(2), told, perceptron()) is told
