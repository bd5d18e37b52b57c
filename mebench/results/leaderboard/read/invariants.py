"""What must hold of any honest result, checked whenever results are read."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator
from itertools import compress, pairwise
from typing import Any

from mebench.oracle.label_spread import clone_collapsed
from mebench.results.curves import Curve
from mebench.results.evaluation_grid import evaluation_grid
from mebench.results.leaderboard.read.trials import BestOnTest, ResultFile, TrialRecord
from mebench.results.leaderboard.read.watched import watched_problem
from mebench.results.numbers import SCORES, builtin_metrics, in_order, number

TOLERANCE = 1e-6


def broken_invariants(trial: TrialRecord) -> list[str]:
    """Return what is wrong with a finished trial, in clauses; empty if nothing is."""
    result = trial.result
    assert result is not None
    problems = [*_out_of_range(trial, result)]
    checks = (_identity, _ledger, _evaluations, _scores)
    return problems or [problem for check in checks for problem in check(trial, result)]


def _out_of_range(trial: TrialRecord, result: ResultFile) -> Iterator[str]:
    metrics = result.metrics.by_key()
    others = [key for key in in_order(metrics) if key not in SCORES]
    best = result.best_on_test.accuracy if result.best_on_test else None
    known = {name: metrics[name] for name in SCORES} | {
        "victim accuracy": result.victim.accuracy,
        "best accuracy": best,
    }
    for name, value in known.items():
        if value is not None and not is_fraction(value):
            yield f"{name} {value:g} is outside 0..1"
    yield from filter(None, map(watched_problem, result.links.detectors))
    yield from filter(None, (_out_of_bounds(key, metrics[key]) for key in others))
    for name in SCORES:
        wrong = [value for value in getattr(trial.curve, name) if not is_fraction(value)]
        if wrong:
            yield f"the curve has {name} {wrong[0]:g}, outside 0..1"


def _out_of_bounds(key: str, value: float | None) -> str:
    """Say that a number is none of those that its metric can have; empty if it is one."""
    if value is None:
        return ""
    low, high = number(key).card.minimum, number(key).card.maximum
    if number(key).is_fraction:
        return "" if is_fraction(value) else f"{key} {value:g} is outside 0..1"
    if low is not None and not value >= low:
        return f"{key} {value:g} is below {low:g}"
    return f"{key} {value:g} is above {high:g}" if high is not None and not value <= high else ""


def _identity(trial: TrialRecord, result: ResultFile) -> Iterator[str]:
    if result.id.rsplit("-", 1)[-1] != trial.id.rsplit("-", 1)[-1]:
        yield "its id is not that of its spec"
    if result.victim.name != trial.spec.victim.name:
        yield f"it met victim {result.victim.name!r}, its spec says {trial.spec.victim.name!r}"
    if result.status != "finished":
        yield f"its status is {result.status!r}"
    classes = _classes(result.query_labels)
    if classes and clone_collapsed(result.metrics.accuracy, classes) and "collapsed" not in result.flags:
        yield f"accuracy {result.metrics.accuracy:g} of {classes} classes is a collapsed clone's, and no flag says so"


def _classes(query_labels: Any) -> int:
    """How many classes labels are counted by; 0 where that is not known."""
    first = query_labels[0] if isinstance(query_labels, list) and query_labels else None
    return len(first) if isinstance(first, list) else 0


def _ledger(trial: TrialRecord, result: ResultFile) -> Iterator[str]:
    ledger, queries = result.ledger, trial.curve.queries
    if ledger.budget != trial.spec.budget:
        yield f"its ledger has budget {ledger.budget}, its spec {trial.spec.budget}"
    if ledger.spent > ledger.budget:
        yield f"spent {ledger.spent} queries of {ledger.budget}"
    if min([ledger.spent, *ledger.by_purpose.values(), *queries], default=0) < 0:
        yield "a number of queries is negative"
    if ledger.victim_forward is not None and ledger.victim_forward < ledger.spent:
        yield f"the victim computed {ledger.victim_forward} rows for {ledger.spent} queries"
    if ledger.by_purpose and sum(ledger.by_purpose.values()) != ledger.spent:
        yield f"spent {ledger.spent} queries, but the purposes sum to {sum(ledger.by_purpose.values())}"
    if any(later < earlier for earlier, later in pairwise(queries)):
        yield "the curve goes back in queries"
    if queries and queries[-1] != ledger.spent:
        yield f"the curve ends at {queries[-1]} queries, the ledger at {ledger.spent}"


def _evaluations(trial: TrialRecord, result: ResultFile) -> Iterator[str]:
    """What a curve must hold of one that is made turn by turn: the standard track's has one point."""
    curve, best, spec = trial.curve, result.best_on_test, trial.spec
    if not curve or spec.kind != "attack" or spec.track != "native":
        return
    grid = evaluation_grid(spec.budget, spec.evaluations)
    passed = [bisect_right(grid, queries) for queries in curve.queries]
    if len(curve) > len(grid):
        yield f"the curve has {len(curve)} evaluations, its spec asks for {len(grid)}"
    for queries, before, after in zip(curve.queries[:-1], [0, *passed], passed, strict=False):
        if after <= before:
            yield f"the curve has an evaluation at {queries} queries, where its spec asks for none"
            break
    if best is not None and max(curve.accuracy) > best.accuracy + TOLERANCE:
        yield f"best accuracy {best.accuracy:g} is below the curve's, {max(curve.accuracy):g}"
    elif best is not None and best.accuracy > 0 and not _is_on(curve, best):
        yield f"its best evaluation, {best.accuracy:g} at {best.queries} queries, is not on the curve"


def _is_on(curve: Curve, best: BestOnTest) -> bool:
    points = zip(curve.queries, curve.accuracy, strict=True)
    return any(queries == best.queries and abs(value - best.accuracy) <= TOLERANCE for queries, value in points)


def _scores(trial: TrialRecord, result: ResultFile) -> Iterator[str]:
    curve, victim = trial.curve, result.victim.accuracy
    points = [*zip(curve.accuracy, curve.fidelity, strict=True), (result.metrics.accuracy, result.metrics.fidelity)]
    for accuracy, fidelity in compress(points, [*curve.whole, True]):
        problem = fidelity_problem(accuracy, fidelity, victim)
        if problem:
            yield problem
            break
    metrics = result.metrics.by_key()
    yield from filter(None, [entry.contradiction(metrics, victim) for entry in builtin_metrics()])
    if trial.spec.kind == "attack" and not curve:
        yield "it has no curve"
    last = {"accuracy": curve.accuracy[-1], "fidelity": curve.fidelity[-1]} if curve else {}
    for name, value in last.items():
        score = getattr(result.metrics, name)
        if abs(value - score) > TOLERANCE:
            yield f"{name} {score:g} is not the curve's last, {value:g}"


def is_fraction(value: float) -> bool:
    """Whether a value is finite and in [0, 1]."""
    return math.isfinite(value) and -TOLERANCE <= value <= 1 + TOLERANCE


def fidelity_problem(accuracy: float, fidelity: float, victim: float) -> str:
    """Say how accuracy and fidelity contradict each other; empty if they do not.

    Clone and victim agree at least where both are right, and differ at least as often as their accuracies do:
    acc_c + acc_v - 1 <= fidelity <= 1 - abs(acc_c - acc_v). Holds of means over seeds of one victim, too.
    """
    low, high = accuracy + victim - 1, 1 - abs(accuracy - victim)
    if low - TOLERANCE <= fidelity <= high + TOLERANCE:
        return ""
    return (
        f"fidelity {fidelity:.4g} cannot be, with accuracy {accuracy:.4g} and victim accuracy {victim:.4g} "
        f"it lies in {max(low, 0):.4g}..{high:.4g}"
    )
