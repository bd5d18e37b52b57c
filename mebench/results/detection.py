"""What is said of a detector: its threshold, its false alarms and how surely they are few, and how soon it alarms.

The unit is one client's whole stream: a detector that looks again at every query has as many chances to be wrong as the
stream has queries, so that a threshold is set, and alarms are counted, on the highest score of a stream.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from mebench.results.stats import CONFIDENCE, Interval


@dataclass(frozen=True)
class Calibration:
    """A threshold, and what it was set on.

    Attributes:
        threshold: a score above it is an alarm.
        streams: benign streams that it was set on.
        alarms: how many of these it still alarms of.
        rate: the share of benign streams that was allowed to raise an alarm.
        certain: whether streams of the same kind raise alarms no more often than the rate, on average over
            calibrations; with fewer than 1 / rate - 1 streams nothing can say so.
    """

    threshold: float
    streams: int
    alarms: int
    rate: float
    certain: bool


def highest(scores: Sequence[float]) -> float:
    """Return the highest running score of a stream; minus infinity if it never had one."""
    return max((score for score in scores if not math.isnan(score)), default=-math.inf)


def calibrated(maxima: Sequence[float], rate: float) -> Calibration:
    """Return the lowest threshold at which benign streams raise alarms no more often than they may.

    It is the k-th lowest of n maxima, with k = ceil((n + 1) (1 - rate)): a stream that is exchangeable with these lies
    above it with a probability of at most the rate (split conformal prediction; Vovk et al. 2005). Where k would be
    n + 1 it is the highest of all, and not certain.

    Args:
        maxima: the highest score of each benign stream, see `highest`; streams should share no query.
        rate: of false alarms that is allowed, by streams, in [0, 1).

    Raises:
        ValueError: there is no stream, or none had a score.
    """
    ordered = sorted(maxima)
    if not ordered or ordered[-1] == -math.inf:
        raise ValueError("no benign stream has a score: they must be longer than the detector's window")
    wanted = math.ceil((len(ordered) + 1) * (1 - rate) - 1e-9)  # 11 * 0.9 is 9.9, 10 * 0.9 is no more than 9
    threshold = ordered[min(max(wanted, 1), len(ordered)) - 1]
    above = sum(one > threshold for one in ordered)
    return Calibration(threshold, len(ordered), above, rate, wanted <= len(ordered))


def exact_interval(alarms: int, streams: int) -> Interval:
    """Return the exact two-sided 95 % interval of a share (Clopper and Pearson 1934).

    Args:
        alarms: of so many, in [0, streams].
        streams: independent ones, at least 1.
    """
    from scipy.special import betaincinv

    tail = (1 - CONFIDENCE) / 2
    low = 0.0 if alarms == 0 else float(betaincinv(alarms, streams - alarms + 1, tail))
    return Interval(low, 1.0 if alarms == streams else float(betaincinv(alarms + 1, streams - alarms, 1 - tail)))


def upper_limit(alarms: int, streams: int) -> float:
    """Return the exact one-sided 95 % upper limit of a share: that of no alarm in n streams is nearly 3 / n.

    Args:
        alarms: of so many, in [0, streams].
        streams: independent ones, at least 1.
    """
    from scipy.special import betaincinv

    return 1.0 if alarms == streams else float(betaincinv(alarms + 1, streams - alarms, CONFIDENCE))


def first_alarm(scores: Sequence[float], threshold: float) -> int | None:
    """Return the number of queries after which a stream raises its first alarm, from 1; None if it never does."""
    return next((number for number, score in enumerate(scores, 1) if score > threshold), None)


def per_thousand(alarms: Sequence[int | None], lengths: Sequence[int]) -> float:
    """Return alarms per 1,000 queries that were watched; a stream is watched until its alarm, for alarms latch.

    Args:
        alarms: of each stream, the queries until its alarm, or None.
        lengths: queries of each stream.
    """
    watched = sum(length if alarm is None else alarm for alarm, length in zip(alarms, lengths, strict=True))
    return 1000 * sum(alarm is not None for alarm in alarms) / watched if watched else 0.0


@dataclass(frozen=True)
class Survival:
    """Which share of streams has raised no alarm yet, by queries.

    Attributes:
        queries: at which the share falls, ascending.
        silent: the share after each of them, in [0, 1].
    """

    queries: tuple[int, ...]
    silent: tuple[float, ...]

    @property
    def median(self) -> int | None:
        """Queries after which half of the streams have raised an alarm; None where half never do."""
        return next((at for at, share in zip(self.queries, self.silent, strict=True) if share <= 0.5 + 1e-12), None)


def kaplan_meier(alarms: Sequence[int | None], lengths: Sequence[int]) -> Survival:
    """Return the product-limit curve of queries until an alarm (Kaplan and Meier 1958).

    Streams that end without an alarm are censored there: they say that no alarm came until then, and nothing of later.

    Args:
        alarms: of each stream, the queries until its alarm, or None.
        lengths: queries of each stream.
    """
    ends = [length if alarm is None else alarm for alarm, length in zip(alarms, lengths, strict=True)]
    raised = sorted({alarm for alarm in alarms if alarm is not None})
    share, silent = 1.0, []
    for at in raised:
        share *= 1 - sum(alarm == at for alarm in alarms) / sum(end >= at for end in ends)
        silent.append(share)
    return Survival(tuple(raised), tuple(silent))
