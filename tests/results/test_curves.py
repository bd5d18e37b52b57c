from __future__ import annotations

import numpy as np
import pytest

from mebench.results.curves import Curve, area, band, queries_to, queries_to_maximum, spaced


def make(queries: list[int], accuracy: list[float]) -> Curve:
    return Curve(tuple(queries), tuple(accuracy), tuple(accuracy))


def test_a_level_is_reached_where_the_curve_stays_above_it() -> None:
    curve = make([10, 20, 30, 40, 50], [0.5, 0.8, 0.6, 0.75, 0.9])
    assert queries_to(curve, 0.7) == 40
    assert queries_to(curve, 0.5) == 10
    assert queries_to(curve, 0.9) == 50


def test_a_level_that_the_clone_falls_back_from_is_not_reached() -> None:
    assert queries_to(make([10, 20], [0.9, 0.6]), 0.7) is None
    assert queries_to(make([], []), 0.7) is None


def test_the_maximum_is_the_first_of_the_best_evaluations_even_if_the_clone_falls_back() -> None:
    assert queries_to_maximum(make([10, 20, 30, 40, 50], [0.5, 0.8, 0.6, 0.8, 0.7])) == 20
    assert queries_to_maximum(make([10], [0.1])) == 10
    assert queries_to_maximum(make([], [])) is None


def test_the_area_is_the_trapezoid_over_log10_queries() -> None:
    queries, accuracy = [100, 300, 5000, 20_000], [0.1, 0.4, 0.35, 0.8]
    x = np.log10(queries)
    expected = np.trapezoid(accuracy, x) / (x[-1] - x[0])
    assert area(make(queries, accuracy)) == pytest.approx(expected)


def test_the_area_of_a_flat_curve_is_its_height_wherever_it_starts() -> None:
    assert area(make([1, 10], [0.3, 0.3])) == pytest.approx(0.3)
    assert area(make([7_000, 10_000, 90_000], [0.3] * 3)) == pytest.approx(0.3)


def test_the_area_leaves_out_an_evaluation_before_the_first_query() -> None:
    assert area(make([0, 100, 1000], [0.9, 0.2, 0.4])) == pytest.approx(0.3)


def test_a_curve_of_one_point_has_its_accuracy_as_area() -> None:
    assert area(make([500], [0.4])) == 0.4
    assert area(make([500, 500], [0.4, 0.6])) == 0.6
    assert area(make([], [])) is None


def test_a_band_spans_the_seeds_on_the_range_that_they_share() -> None:
    over = band([make([10, 100, 1000], [0.1, 0.3, 0.5]), make([100, 1000], [0.2, 0.9])], "accuracy")
    assert over is not None
    np.testing.assert_allclose(over.queries, [100, 1000])
    np.testing.assert_allclose(over.mean, [0.25, 0.7])
    np.testing.assert_allclose(over.low, [0.2, 0.5])
    np.testing.assert_allclose(over.high, [0.3, 0.9])
    assert over.seeds == 2


def test_a_band_interpolates_in_the_logarithm() -> None:
    over = band([make([10, 1000], [0.0, 1.0]), make([10, 100, 1000], [0.0, 0.5, 1.0])], "accuracy")
    assert over is not None
    np.testing.assert_allclose(over.low, over.high)


def test_a_band_of_curves_with_the_same_queries_is_the_very_one_that_interpolation_gives() -> None:
    random = np.random.default_rng(0)
    queries = [7, 10, 131, 1_000, 5_003]
    values = random.random((3, 5))
    over = band([make(queries, row.tolist()) for row in values], "accuracy")
    grid = np.log10(np.array(queries, dtype=np.float64))
    rows = np.array([np.interp(grid, np.log10(queries), row) for row in values])
    assert over is not None
    assert over.queries.tolist() == queries
    assert over.mean.tolist() == rows.mean(axis=0).tolist()
    assert (over.low.tolist(), over.high.tolist()) == (rows.min(axis=0).tolist(), rows.max(axis=0).tolist())
    assert over.seeds == 3


def test_there_is_no_band_where_curves_share_no_range() -> None:
    assert band([make([1, 2], [0.1, 0.1]), make([5, 6], [0.1, 0.1])], "accuracy") is None
    assert band([], "accuracy") is None


@pytest.mark.parametrize(
    ("point", "words"),
    [
        ({"queries": 5, "accuracy": 0.1}, "line 1 has no number 'fidelity'"),
        ({"queries": True, "accuracy": 0.1, "fidelity": 0.1}, "no number 'queries'"),
        ({"queries": 1.5, "accuracy": 0.1, "fidelity": 0.1}, "not whole"),
        ({"queries": float("inf"), "accuracy": 0.1, "fidelity": 0.1}, "not whole"),
        (7, "no number 'queries'"),
    ],
)
def test_a_line_that_is_no_evaluation_is_an_error(point: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Curve.from_points([point])  # type: ignore[list-item]


def test_evaluations_are_thinned_to_both_ends_and_evenly_in_log10_between() -> None:
    queries = [0, *range(10, 10_001, 10)]
    kept = [queries[index] for index in spaced(queries, 20)]
    assert len(kept) <= 20
    assert (kept[:2], kept[-1]) == ([0, 10], 10_000)
    for wanted in np.geomspace(10, 10_000, 19):
        assert min(abs(np.log10(one / wanted)) for one in kept[1:]) < 0.2
    assert spaced([5, 9], 20) == [0, 1]
    assert spaced([], 20) == []
    assert spaced([7] * 30, 20) == [0, 29]
