from __future__ import annotations

import math

import numpy as np
import pytest
import scipy  # whose parts are imported where they are used

from mebench.results.detection import (
    calibrated,
    exact_interval,
    first_alarm,
    highest,
    kaplan_meier,
    per_thousand,
    upper_limit,
)


@pytest.mark.parametrize(("alarms", "streams"), [(0, 10), (1, 10), (3, 7), (10, 10), (0, 300), (17, 1000)])
def test_limits_of_a_share_are_clopper_and_pearsons(alarms: int, streams: int) -> None:
    test = scipy.stats.binomtest(alarms, streams)
    both = test.proportion_ci(0.95, "exact")
    ours = exact_interval(alarms, streams)
    assert (ours.low, ours.high) == pytest.approx((both.low, both.high), abs=1e-9)
    above = scipy.stats.binomtest(alarms, streams, alternative="less").proportion_ci(0.95, "exact")
    assert upper_limit(alarms, streams) == pytest.approx(above.high, abs=1e-9)


def test_no_alarm_in_ten_streams_certifies_26_percent_and_in_a_hundred_3() -> None:
    assert upper_limit(0, 10) == pytest.approx(1 - 0.05**0.1)
    assert round(100 * upper_limit(0, 10)) == 26
    assert round(100 * upper_limit(0, 100)) == 3


def test_a_threshold_lies_where_a_new_stream_exceeds_it_no_more_often_than_it_may() -> None:
    """Nineteen streams are the fewest that can hold 5 %: the threshold is their highest."""
    assert calibrated(range(19), 0.05).threshold == 18
    assert calibrated(range(19), 0.05).certain
    assert not calibrated(range(18), 0.05).certain
    more = calibrated(range(99), 0.1)
    assert (more.threshold, more.alarms, more.certain) == (89, 9, True)


def test_new_streams_raise_alarms_at_the_rate_that_was_allowed() -> None:
    random = np.random.default_rng(0)
    raised = [random.normal() > calibrated(random.normal(size=39), 0.1).threshold for _ in range(4000)]
    assert 0.085 < np.mean(raised) < 0.115


def test_a_stream_that_never_has_a_score_raises_no_alarm_and_one_alone_calibrates_nothing() -> None:
    assert highest([math.nan, math.nan]) == -math.inf
    assert highest([math.nan, 2.0, 1.0, math.nan]) == 2.0
    assert calibrated([-math.inf, 1.0], 0.5).threshold == 1.0
    with pytest.raises(ValueError, match="longer than the detector's window"):
        calibrated([-math.inf], 0.1)


def test_the_first_alarm_is_the_first_score_above_the_threshold() -> None:
    assert first_alarm([math.nan, 0.5, 0.6, 0.1], 0.5) == 3
    assert first_alarm([math.nan, 0.5], 0.5) is None


def test_alarms_per_thousand_count_only_queries_that_were_watched() -> None:
    assert per_thousand([None, 100], [900, 900]) == 1.0
    assert per_thousand([], []) == 0.0


def test_the_curve_until_an_alarm_takes_censored_streams_out_of_those_at_risk() -> None:
    """By hand: 1 of 5 at 10; one leaves at 15; 1 of 3 at 20; one leaves at 25; the last alarms at 30."""
    curve = kaplan_meier([10, None, 20, None, 30], [40, 15, 40, 25, 40])
    assert curve.queries == (10, 20, 30)
    assert curve.silent == pytest.approx((4 / 5, 4 / 5 * 2 / 3, 0.0))
    assert curve.median == 30
    library = scipy.stats.ecdf(scipy.stats.CensoredData(uncensored=[10, 20, 30], right=[15, 25])).sf
    assert curve.silent == pytest.approx(library.evaluate(np.array(curve.queries)))


def test_where_half_never_alarm_there_is_no_median() -> None:
    assert kaplan_meier([5, None, None], [9, 9, 9]).median is None
    assert kaplan_meier([5, 7, None, None], [9, 9, 9, 9]).median == 7
