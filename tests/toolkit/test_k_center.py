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
def test_values_that_are_not_finite_are_refused(bad):
    points = random_points(10, 3)
    points[4, 1] = bad
    with pytest.raises(ValueError, match="finite"):
        k_center(points, points[:1], 2)


@pytest.mark.parametrize("width", [10, 100])
def test_scikit_activeml_picks_the_same(width):
    pool = pytest.importorskip("skactiveml.pool")
    points, centres = random_points(150, width), random_points(8, width, seed=1)
    labels = np.concatenate([np.zeros(8), np.full(150, np.nan)])
    theirs = pool.CoreSet(random_state=0).query(torch.cat([centres, points]).numpy(), labels, batch_size=30)
    assert k_center(points, centres, 30).tolist() == (theirs - 8).tolist()
