from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from mebench.results.stats import half_width, mean, welch_interval

SAMPLES = [[0.71, 0.74], [0.712, 0.735, 0.698], list(np.random.default_rng(0).normal(0.6, 0.05, 7))]


@pytest.mark.parametrize("values", SAMPLES)
def test_the_interval_of_a_mean_is_students_t(values: list[float]) -> None:
    low, high = scipy.stats.t.interval(0.95, len(values) - 1, np.mean(values), scipy.stats.sem(values))
    assert mean(values) == pytest.approx(np.mean(values))
    assert half_width(values) == pytest.approx((high - low) / 2, rel=1e-9)


def test_one_value_has_a_mean_and_no_interval() -> None:
    assert mean([0.5]) == 0.5
    assert half_width([0.5]) is None
    assert mean([]) is None


@pytest.mark.parametrize("base", SAMPLES)
@pytest.mark.parametrize("new", SAMPLES)
def test_the_interval_of_a_difference_is_welchs(base: list[float], new: list[float]) -> None:
    reference = scipy.stats.ttest_ind(new, base, equal_var=False).confidence_interval(0.95)
    interval = welch_interval(base, new)
    assert interval is not None
    assert (interval.low, interval.high) == pytest.approx((reference.low, reference.high), rel=1e-7)


def test_a_difference_without_spread_is_a_point() -> None:
    interval = welch_interval([0.5, 0.5], [0.4, 0.4])
    assert interval is not None
    assert interval.low == interval.high == pytest.approx(-0.1)
    assert 0 not in interval


def test_a_difference_with_one_seed_on_a_side_has_no_interval() -> None:
    assert welch_interval([0.5], [0.4, 0.41]) is None
    assert welch_interval([0.5, 0.51], [0.4]) is None
