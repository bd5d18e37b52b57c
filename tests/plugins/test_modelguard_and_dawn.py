"""ModelGuard beside a linear program and a loop, DAWN's triggers and its test of ownership."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from mebench_defences.dawn import ownership
from mebench_defences.modelguard_w import GAP, least_likely
from owners import answers, defence, images, owners_context
from scipy.optimize import linprog


def by_program(y: np.ndarray, epsilon: float) -> float:
    """The least sum of y' log(y + 1e-6), by a solver."""
    classes, top = len(y), int(y.argmax())
    eye, nothing = np.eye(classes), np.zeros((classes, classes))
    keeps = np.delete(eye - eye[top], top, axis=0)
    limits = np.block(
        [[eye, -eye], [-eye, -eye], [keeps, nothing[1:]], [np.zeros((1, classes)), np.ones((1, classes))]]
    )
    bounds = np.r_[y, -y, np.full(classes - 1, -GAP), epsilon]
    sums = [np.r_[np.ones(classes), np.zeros(classes)]]
    found = linprog(np.r_[np.log(y + 1e-6), np.zeros(classes)], limits, bounds, sums, [y.sum()])
    assert found.status == 0
    return float(found.fun)


@pytest.mark.parametrize("concentration", [0.05, 0.2, 1.0, 3.0])
@pytest.mark.parametrize("epsilon", [0.1, 0.5, 1.0, 1.9])
def test_w_is_as_good_as_a_linear_program(concentration, epsilon):
    draws = np.random.default_rng(int(100 * concentration + epsilon))
    for classes in (2, 4, 10, 10):
        y = draws.dirichlet([concentration] * classes)
        told = least_likely(torch.from_numpy(y)[None], epsilon)[0].numpy()
        assert abs(told @ np.log(y + 1e-6) - by_program(y, epsilon)) < 1e-7
        assert abs(told.sum() - 1) < 1e-9
        assert np.abs(told - y).sum() <= epsilon + 1e-9
        assert told.min() >= 0
        assert np.delete(told[y.argmax()] - told, y.argmax()).min() >= GAP - 1e-9


def test_w_raises_an_unsure_answers_first_class_where_that_is_better():
    y = torch.tensor([[0.21, 0.2, 0.2, 0.2, 0.19]]).double()
    assert least_likely(y, 1.0)[0, 0] > 0.3


def test_w_shares_a_sure_answer_with_the_least_likely_class():
    sure = torch.tensor([[0.001 / 8] * 4 + [0.999] + [0.001 / 8] * 3 + [0.001 / 16] * 2])
    sure[0, 8] = 1e-6
    told = defence("modelguard-w").perturb(images(1), sure / sure.sum())
    assert told[0].topk(2).indices.tolist() == [4, 8]
    torch.testing.assert_close(told[0, [4, 8]], torch.tensor([0.4991, 0.4990]), atol=2e-4, rtol=0)


def test_w_leaves_alone_what_it_cannot_part_and_keeps_the_sum_of_what_was_cut():
    equal = torch.full((1, 4), 0.25)
    assert torch.equal(defence("modelguard-w", epsilon=1e-5).perturb(images(1), equal), equal)
    cut = torch.tensor([[0.6, 0.2, 0.0, 0.0]])
    told = defence("modelguard-w", epsilon=0.5).perturb(images(1), cut)
    torch.testing.assert_close(told.sum(), torch.tensor(0.8))
    assert told.argmax() == 0


def test_s_answers_by_the_first_centroid_that_is_near():
    rows, lists, expected = answers(400), {}, []
    for row in rows:
        known = lists.setdefault(int(row.argmax()), [])
        near = [one for one in known if (one.double() - row.double()).abs().sum() <= 0.6]
        if not near:
            known.append(row)
        expected.append(near[0] if near else row)
    made = defence("modelguard-s", epsilon=0.6)
    told = torch.cat([made.perturb(images(len(part)), part) for part in rows.split(37)])
    assert torch.equal(told, torch.stack(expected))
    first = [int((rows.argmax(1) == label).nonzero()[0]) for label in range(10)]
    assert torch.equal(told[first], rows[first])


def test_what_is_tried_at_home_does_not_change_what_s_answers():
    made, rows = defence("modelguard-s"), answers(100)
    mechanism = made.mechanism()
    told = mechanism(rows)
    assert made.state_dict() == {"lists": {}}
    assert (told - rows).abs().sum(1).max() <= 1 + 1e-6
    assert torch.equal(told.argmax(1), rows.argmax(1))


def test_dawn_flips_as_many_as_its_bits_say_and_the_same_when_asked_again():
    made, queries, rows = defence("dawn"), images(20_000), answers(20_000)
    told = made.perturb(queries, rows)
    flipped = told.argmax(1) != rows.argmax(1)
    assert torch.equal(flipped, made.is_trigger(queries))
    expected = 20_000 * 328 / 65536
    assert abs(int(flipped.sum()) - expected) < 4 * expected**0.5
    assert torch.equal(told[~flipped], rows[~flipped])
    assert torch.equal(told.sort(1).values, rows.sort(1).values)
    assert torch.equal(made.perturb(queries[flipped], rows[flipped]), told[flipped])
    inputs, labels = made.triggers()
    assert torch.equal(inputs, queries[flipped])
    assert torch.equal(labels, told[flipped].argmax(1))


@pytest.mark.parametrize(("rate", "bound"), [(0.005, 327), (0.0, 0), (1.0, 65536)])
def test_dawns_rate_is_that_of_its_first_16_bits(rate, bound):
    import hashlib
    import hmac

    from mebench.toolkit import wire_form

    context, queries = owners_context(), images(300)
    own = hmac.digest(context.key, b"trigger", "sha256")
    bits = [
        int.from_bytes(hmac.new(own, form, hashlib.sha256).digest()[:2], "big")
        for form in wire_form(queries, context.spec)
    ]
    assert defence("dawn", context, rate=rate).is_trigger(queries).tolist() == [one <= bound for one in bits]


def test_a_number_of_exactly_the_bound_is_a_trigger():
    made = defence("dawn")
    assert made._are_triggers([327 << 48, (328 << 48) - 1, 328 << 48]).tolist() == [True, True, False]


def test_dawns_wrong_classes_are_all_the_others_alike():
    made, queries = defence("dawn", rate=1.0), images(2000)
    rows = torch.eye(10)[torch.full((2000,), 3)]
    counts = made.perturb(queries, rows).argmax(1).bincount(minlength=10)
    assert counts[3] == 0
    assert counts.sum() - 2000 == 0
    assert (counts[[0, 1, 2, 4, 5, 6, 7, 8, 9]] > 150).all()


@pytest.mark.parametrize(("triggers", "bits"), [(20, 17), (30, 25), (50, 40), (75, 60), (100, 77)])
def test_half_of_the_triggers_is_hardly_chance(triggers, bits):
    watermark = torch.zeros(triggers, dtype=torch.int64)
    suspected = watermark.clone()
    suspected[(triggers + 1) // 2 :] = 5
    found = ownership(suspected, watermark, 10)
    assert (found.triggers, found.agreed) == (triggers, (triggers + 1) // 2)
    assert abs(np.log2(found.p_value) + bits) < 0.6
    suspected[-1] = 0
    assert ownership(suspected, watermark, 10).claimed


def test_half_is_no_claim_and_none_is_no_evidence():
    watermark = torch.arange(10)
    assert not ownership(torch.where(watermark < 5, watermark, 9 - watermark), watermark, 10).claimed
    assert ownership(watermark + 1, watermark, 10).p_value == 1.0
    assert ownership(watermark[:0], watermark[:0], 10).p_value == 1.0
    exact = sum(9 ** (3 - k) * c for k, c in ((2, 3), (3, 1))) / 1000
    assert abs(ownership(torch.tensor([1, 2, 0]), torch.tensor([1, 2, 3]), 10).p_value - exact) < 1e-12
