from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats

from mebench.results.sampling import size_of_test_set, standard_error
from mebench.results.stats import half_width, mean, welch_interval

SAMPLES = [[0.71, 0.74], [0.712, 0.735, 0.698], list(np.random.default_rng(0).normal(0.6, 0.05, 7))]


@pytest.mark.parametrize("values", SAMPLES)
def test_the_interval_of_a_mean_is_students_t(values: list[float]) -> None:
    low, high = scipy.stats.t.interval(0.95, len(values) - 1, np.mean(values), scipy.stats.sem(values))
    assert mean(values) == pytest.approx(np.mean(values))
    assert half_width(values) == pytest.approx((high - low) / 2, rel=1e-9)


@pytest.mark.parametrize("seeds", [2, 3, 5, 20])
def test_an_interval_never_claims_less_than_the_test_sets_own_error(seeds: int) -> None:
    """Equal seeds, and seeds that agree better than 2,000 images could tell."""
    error = standard_error([0.9], 2000)
    assert error == pytest.approx(scipy.stats.binom(2000, 0.9).std() / 2000)
    for values in ([0.9] * seeds, [0.9 + 0.0005 * (index % 2) for index in range(seeds)]):
        half = half_width(values, error)
        assert half is not None
        assert half >= scipy.stats.norm.ppf(0.975) * error * (1 - 1e-9)
        assert half >= scipy.stats.t.ppf(0.975, seeds - 1) * error / np.sqrt(seeds) * (1 - 1e-9)


def test_seeds_that_spread_more_than_the_test_set_have_students_interval() -> None:
    values = [0.65, 0.73, 0.76]
    assert half_width(values, standard_error(values, 2000)) == half_width(values)


@pytest.mark.parametrize("values", [[], [0.5], [0.5, 0.5], [0.5, float("nan")], [0.5, float("inf")]])
def test_where_nothing_is_known_of_the_spread_there_is_no_interval(values: list[float]) -> None:
    assert half_width(values) is None


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_where_all_or_none_are_right_the_error_is_one_input(share: float) -> None:
    assert standard_error([share, share], 2000) == pytest.approx(1 / 2000)


def test_of_no_seeds_or_an_unknown_test_set_no_error_is_known() -> None:
    assert (standard_error([], 2000), standard_error([0.5], 0), standard_error([0.5], None)) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize("seeds", [2, 3, 5])
@pytest.mark.parametrize("spread", [0.0, 0.01])
def test_the_interval_holds_the_mean_in_at_least_95_of_100_with_binomial_test_error(seeds: int, spread: float) -> None:
    """Within three standard errors of 1,000 repeats."""
    rng, held = np.random.default_rng(seeds), 0
    for _ in range(1000):
        values = [rng.binomial(2000, share) / 2000 for share in rng.normal(0.9, spread, seeds)]
        half = half_width(values, standard_error(values, 2000))
        held += abs(np.mean(values) - 0.9) <= (half or 0.0)
    assert held / 1000 > 0.95 - 3 * np.sqrt(0.95 * 0.05 / 1000)


@pytest.mark.parametrize(("tests", "hits"), [(2000, [1459, 1300, 1517]), (10_000, [7001, 6999]), (150, [149, 10])])
def test_the_number_of_test_inputs_is_read_off_the_values(tests: int, hits: list[int]) -> None:
    found = size_of_test_set([hit / tests for hit in hits])
    assert found is not None
    assert tests % found == 0
    assert found >= tests / 4


def test_values_that_are_no_fractions_tell_no_test_set() -> None:
    assert size_of_test_set([1 / math.pi, 0.5]) is None
    assert size_of_test_set([1.0, 0.0]) is None


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


def test_a_difference_without_spread_has_no_interval_unless_the_test_sets_error_is_known() -> None:
    assert welch_interval([0.5, 0.5], [0.4, 0.4]) is None
    interval = welch_interval([0.5, 0.5], [0.4, 0.4], (0.01, 0.01))
    reference = scipy.stats.ttest_ind_from_stats(0.4, 0.01, 2, 0.5, 0.01, 2, equal_var=False)
    assert interval is not None
    half = scipy.stats.t.ppf(0.975, 2) * abs(-0.1 / reference.statistic)
    assert (interval.low, interval.high) == pytest.approx((-0.1 - half, -0.1 + half))


def test_a_difference_with_one_seed_on_a_side_has_no_interval() -> None:
    assert welch_interval([0.5], [0.4, 0.41]) is None
    assert welch_interval([0.5, 0.51], [0.4]) is None
