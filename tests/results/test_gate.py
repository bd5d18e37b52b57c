"""What the regression check can see, against independent references and by simulation."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest
from scipy import stats

from mebench.results.compare import gate
from mebench.results.compare.gate import Spread, same_bits, sight, spreads
from mebench.results.sampling import standard_error


def values(deviation: float, count: int, mean: float = 0.7, seed: int = 0) -> list[float]:
    return list(np.random.default_rng(seed).normal(mean, deviation, count))


def test_one_row_alone_has_the_textbook_prediction_interval():
    base = values(0.04, 5)
    (spread,) = spreads([base], [0.0])
    assert spread.deviation == pytest.approx(statistics.stdev(base))
    seen = sight(spread, loss=0.1, base=5, new=2, tolerance=0.02, rows=1)
    error = statistics.stdev(base) * math.sqrt(1 / 5 + 1 / 2)
    assert seen.notices == pytest.approx(stats.t.ppf(0.95, 4) * error)
    assert seen.p == pytest.approx(stats.t.sf(0.1 / error, 4))


def test_a_hand_worked_case_of_moderated_variances():
    """Three rows of equal variance scatter less than chance: they share one, known as if by infinitely many seeds."""
    base = [[0.1, 0.2, 0.3], [0.4, 0.5, 0.6], [0.7, 0.8, 0.9]]
    found = spreads(base, [0.0] * 3)
    assert all(math.isinf(spread.freedom) for spread in found)
    # mean of log s^2 minus the expectation of log(chi^2_2 / 2), which is digamma(1) - log(1) = -0.5772
    common = math.sqrt(0.01 * math.exp(0.57721566))
    assert [spread.deviation for spread in found] == pytest.approx([common] * 3)


def test_the_inverse_of_trigamma_is_one():
    from scipy.special import polygamma

    for x in (0.01, 0.3, 1.0, 7.0, 400.0):
        assert gate._inverse_trigamma(float(polygamma(1, x))) == pytest.approx(x, rel=1e-6)


def test_the_prior_is_found_again_where_variances_are_drawn_from_one():
    """Smyth's model itself: 1/sigma^2 ~ chi^2_d0 / (d0 s0^2), four degrees of freedom a row."""
    rng = np.random.default_rng(1)
    rows = []
    for _ in range(4000):
        sigma = math.sqrt(10 * 0.03**2 / rng.chisquare(10))
        rows.append(list(rng.normal(0.5, sigma, 5)))
    common, weight = gate._common([(statistics.variance(row), 4) for row in rows])
    assert math.sqrt(common) == pytest.approx(0.03, rel=0.05)
    assert weight == pytest.approx(10, rel=0.2)


def test_a_row_that_is_wilder_than_the_others_keeps_its_own_spread():
    rows = [values(0.01, 5, seed=seed) for seed in range(6)] + [values(0.2, 5, seed=9)]
    wild = spreads(rows, [0.0] * 7)[-1]
    assert wild.deviation == pytest.approx(statistics.stdev(rows[-1]))


def test_rows_that_do_not_spread_at_all_spread_as_the_test_set_does():
    found = spreads([[0.1, 0.1], [0.1, 0.1]], [standard_error([0.1, 0.1], 2000)] * 2)
    assert found[0].deviation == pytest.approx(math.sqrt(0.1 * 0.9 / 2000))
    assert sight(found[0], 0.005, 2, 2, 0.02, 2).notices > 0.006


def test_of_one_seed_and_nothing_else_nothing_is_known():
    assert spreads([[0.7]], [0.0]) == [None]


@pytest.mark.parametrize(
    ("base", "new", "same"),
    [([0.1, None], [0.1, None], True), ([0.1], [0.1 + 1e-18], True), ([0.1], [0.1 + 1e-16], False), ([], [], False)],
)
def test_equal_to_the_last_bit_needs_no_statistics(base, new, same):
    assert same_bits(base, new) is same


def test_the_number_of_seeds_that_is_told_would_do_and_one_less_would_not():
    spread = Spread(0.03, 8.0)
    seen = sight(spread, 0.0, base=5, new=2, tolerance=0.05, rows=6)
    assert seen.notices > 0.05
    assert seen.baseline_seeds is not None
    for seeds, enough in ((seen.baseline_seeds, True), (seen.baseline_seeds - 1, False)):
        assert (sight(spread, 0.0, seeds, seeds, 0.05, 6).notices <= 0.05) is enough


def test_no_number_of_new_seeds_makes_up_for_a_baseline_of_two():
    assert sight(Spread(0.03, 3.0), 0.0, base=2, new=2, tolerance=0.02, rows=4).seeds is None


@pytest.mark.parametrize("new_seeds", [2, 5])
def test_noise_alone_raises_an_alarm_in_about_one_comparison_of_twenty(new_seeds):
    """Rows that differ in mean and spread, as those of table1 do; 600 comparisons, three standard errors."""
    rng, alarms = np.random.default_rng(7), 0
    deviations = (0.049, 0.046, 0.025, 0.014, 0.033, 0.066)
    for _ in range(600):
        base = [list(rng.normal(0.7, deviation, 5)) for deviation in deviations]
        found = spreads(base, [0.01] * 6)
        losses = [
            statistics.fmean(row) - float(rng.normal(0.7, deviation, new_seeds).mean())
            for row, deviation in zip(base, deviations, strict=True)
        ]
        alarms += any(
            loss > sight(spread, loss, 5, new_seeds, 0.02, 6).notices
            for loss, spread in zip(losses, found, strict=True)
        )
    assert alarms / 600 < 0.10 + 3 * math.sqrt(0.1 * 0.9 / 600)


def test_a_loss_of_24_points_is_noticed_with_two_new_seeds_before_the_baseline_of_table1():
    """What once passed: dfme l1 at 72.9 over five seeds, and two new seeds that spread by 28 points."""
    base = [0.6495, 0.7345, 0.7650, 0.7335, 0.7620]
    others = [values(0.03, 5, seed=seed) for seed in range(5)]
    spread = spreads([base, *others], [0.01] * 6)[0]
    assert sight(spread, 0.237, 5, 2, 0.02, 6).notices < 0.15
