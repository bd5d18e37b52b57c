from __future__ import annotations

import numpy as np
import pytest
import torch

from mebench.toolkit.strategies import k_center as module
from mebench.toolkit.strategies.k_center import k_center


def random_points(rows, width, seed=0, scale=1.0):
    return scale * torch.randn(rows, width, generator=torch.Generator().manual_seed(seed))


def brute_force(points, centres, k):
    """All differences in float64; the lowest index of those within 1e-12 of the largest distance."""
    points, centres = points.double().numpy(), centres.double().numpy()
    near = np.full(len(points), np.inf)
    for centre in centres:
        near = np.minimum(near, ((points - centre) ** 2).sum(1))
    picks = []
    for _ in range(k):
        best = near.max()
        pick = int(np.flatnonzero(near >= (best * (1 - 1e-12) if best > 0 else best))[0])
        picks.append(pick)
        near = np.minimum(near, ((points - points[pick]) ** 2).sum(1))
        near[picks] = -np.inf
    return picks


@pytest.mark.parametrize("width", [1, 2, 10, 64, 65, 300])
@pytest.mark.parametrize("block", [1, 7, 100, 4096])
def test_picks_are_those_of_brute_force_in_float64(width, block):
    points, centres = random_points(200, width), random_points(5, width, seed=1)
    assert k_center(points, centres, 60, block=block).tolist() == brute_force(points, centres, 60)


@pytest.mark.parametrize("width", [10, 128])
def test_picks_are_exact_where_points_lie_closer_than_a_float32_product_can_tell(width):
    # All points are 100 away from the origin and 1e-3 from each other: squared norms of 1e4 leave steps of 1e-3.
    points = 100 / width**0.5 + random_points(150, width, scale=1e-3 / width**0.5)
    centres = points[:2] + 1e-3
    assert k_center(points, centres, 40, block=16).tolist() == brute_force(points, centres, 40)


def test_confident_probabilities_are_told_apart_like_any_other_points():
    points = torch.softmax(random_points(400, 10, scale=30), 1)
    centres = torch.softmax(random_points(10, 10, seed=1, scale=30), 1)
    assert k_center(points, centres, 200, block=64).tolist() == brute_force(points, centres, 200)


@pytest.mark.parametrize("width", [2, 80])
def test_of_equal_points_the_lowest_index_is_picked_and_none_twice(width):
    corners = torch.eye(width)[[0, 1, 0, 1, 0, 0, 1]]
    assert k_center(corners, torch.zeros(1, width), 7, block=2).tolist() == [0, 1, 2, 3, 4, 5, 6]
    assert k_center(corners, corners[:1], 4, block=2).tolist() == [1, 0, 2, 3]


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 0, 1], [1, 2, 0]])
def test_points_that_are_equally_far_but_for_the_order_of_a_sum_are_a_tie(order):
    near_tie = torch.tensor([[0.1, 0.2, 0.7], [0.2, 0.7, 0.1], [0.7, 0.1, 0.2]], dtype=torch.float64)
    assert k_center(near_tie[order], torch.zeros(1, 3, dtype=torch.float64), 1).tolist() == [0]


def test_without_centres_the_first_pick_is_point_zero():
    points = torch.tensor([[1.0], [9.0], [0.0]])
    assert k_center(points, points[:0], 3).tolist() == [0, 1, 2]


def test_a_centre_is_near_whichever_way_it_became_one():
    points, centres = random_points(300, 100), random_points(300, 100, seed=1)
    first = k_center(points, centres, 20)
    again = k_center(points, torch.cat([centres, points[first]]), 20)
    assert k_center(points, centres, 40).tolist() == [*first.tolist(), *again.tolist()]


def test_many_centres_are_taken_into_account_in_parts(monkeypatch):
    points, centres = random_points(100, 70), random_points(50, 70, seed=1)
    monkeypatch.setattr(module, "CENTRES_AT_ONCE", 3)
    monkeypatch.setattr(module, "PRODUCTS_AT_ONCE", 100)
    monkeypatch.setattr(module, "EXACT_VALUES_AT_ONCE", 100)
    near = points.repeat(2, 1)  # every point is there twice, so that differences are compared
    assert k_center(near, centres, 40, block=16).tolist() == brute_force(near, centres, 40)


def watch_updates(monkeypatch):
    """The rows of every call that brings points up to date."""
    updated, plain = [], module._Cover._update

    def update(self, rows, since):
        updated.append(list(range(len(self._near))[rows]) if isinstance(rows, slice) else rows.tolist())
        return plain(self, rows, since)

    monkeypatch.setattr(module._Cover, "_update", update)
    return updated


def test_only_blocks_that_could_hold_the_farthest_point_are_brought_up_to_date(monkeypatch):
    points = torch.cat([random_points(64, 4, scale=1e-2), 5 + random_points(64, 4)])
    updated = watch_updates(monkeypatch)
    k_center(points, torch.zeros(1, 4), 20, block=64)
    near, far = list(range(64)), list(range(64, 128))
    assert updated[:2] == [near, far]  # at the start; the far block is looked at for every pick but the first
    assert all(rows == far for rows in updated[2:])
    assert len(updated) <= 2 + 20


def test_of_many_coordinates_only_points_that_could_be_the_farthest_are_brought_up_to_date(monkeypatch):
    points = random_points(1000, 600)
    points[::20] *= 3
    updated = watch_updates(monkeypatch)
    picks = k_center(points, torch.zeros(1, 600), 20, block=250)
    assert all(pick % 20 == 0 for pick in picks.tolist())
    assert sum(map(len, updated[:4])) == 1000
    assert all(len(rows) == 32 for rows in updated[4:])
    assert sum(map(len, updated[4:])) < 20 * 1000 / 4


def test_every_point_can_be_picked_and_no_more():
    points = random_points(10, 3)
    assert sorted(k_center(points, points[:1], 10).tolist()) == list(range(10))
    with pytest.raises(ValueError, match="cannot pick 11 of 10"):
        k_center(points, points[:1], 11)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
@pytest.mark.parametrize("width", [3, 100])
def test_values_that_are_not_finite_are_refused_wherever_they_are(bad, width):
    points, centres = random_points(10, width), random_points(3, width, seed=1)
    for place in (points[4:5], centres[2:]):
        before, place[0, 1] = place[0, 1].clone(), bad
        with pytest.raises(ValueError, match="finite"):
            k_center(points, centres, 2)
        place[0, 1] = before


REAL = [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.uint8]


def laid_out(rows, width, dtype, layout, seed=0):
    """Points of a type, and what holds them: plain, a view of every second column, transposed, or with a gradient."""
    whole = (40 * random_points(2 * rows, 2 * width, seed)).abs().to(dtype)
    if layout == "gradient":
        whole = whole.requires_grad_() if dtype.is_floating_point else whole
        return whole, whole[:rows, :width]
    views = {"plain": whole[:rows, :width], "strided": whole[::2, ::2], "turned": whole[:rows, :width].T.contiguous().T}
    return whole, views[layout]


@pytest.mark.parametrize("layout", ["plain", "strided", "turned", "gradient"])
@pytest.mark.parametrize("width", [3, 100])
@pytest.mark.parametrize("dtype", REAL)
def test_points_of_any_type_and_layout_are_picked_as_in_float64_and_left_as_they_are(dtype, width, layout):
    held, points = laid_out(60, width, dtype, layout)
    other, centres = laid_out(4, width, dtype, layout, seed=1)
    before = [one.detach().clone() for one in (held, other, points)]
    expected = brute_force(points.detach(), centres.detach(), 20)
    assert k_center(points, centres, 20, block=16).tolist() == expected
    assert k_center(points, centres, 20, block=16).tolist() == expected
    assert all(torch.equal(one.detach(), was) for one, was in zip((held, other, points), before, strict=True))


@pytest.mark.parametrize("width", [3, 100])
@pytest.mark.parametrize(
    "types", [(torch.float32, torch.float64), (torch.float64, torch.float32), (torch.float16, torch.float32)]
)
def test_centres_of_another_type_are_not_rounded_to_that_of_the_points(types, width):
    points = (100 + random_points(80, width)).to(types[0])
    centres = points[:3].double().add(1e-3 * random_points(3, width, seed=1)).to(types[1])
    assert k_center(points, centres, 30, block=16).tolist() == brute_force(points, centres, 30)


def test_lengths_whose_squares_float32_cannot_hold_are_told_apart():
    points = random_points(50, 100) * 1e19
    assert k_center(points, points[:1], 20).tolist() == brute_force(points, points[:1], 20)


def test_complex_numbers_are_refused():
    with pytest.raises(ValueError, match=r"real numbers, not torch\.complex64"):
        k_center(torch.ones(3, 2, dtype=torch.complex64), torch.ones(1, 2), 1)


@pytest.mark.parametrize("width", [10, 100])
def test_scikit_activeml_picks_the_same(width):
    pool = pytest.importorskip("skactiveml.pool")
    points, centres = random_points(150, width), random_points(8, width, seed=1)
    labels = np.concatenate([np.zeros(8), np.full(150, np.nan)])
    theirs = pool.CoreSet(random_state=0).query(torch.cat([centres, points]).numpy(), labels, batch_size=30)
    assert k_center(points, centres, 30).tolist() == (theirs - 8).tolist()
