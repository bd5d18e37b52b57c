"""From trials to rows: what belongs together, and its statistics."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from mebench import curves, stats
from mebench.leaderboard.flags import ordered, row_flags
from mebench.leaderboard.invariants import broken_invariants
from mebench.leaderboard.labels import component_label
from mebench.leaderboard.model import BenchmarkInfo, Row, RowStatus, SeedResult
from mebench.leaderboard.trials import ResultFile, Trial
from mebench.spec import content_digest

GOAL = 0.9
"""``queries_to_90`` counts the queries to this fraction of the victim's accuracy."""


@dataclass(frozen=True)
class Group:
    """Trials that differ in nothing but their seed, with the benchmark that they were found with."""

    trials: tuple[Trial, ...]
    info: BenchmarkInfo


def grouped(trials: Sequence[tuple[Trial, BenchmarkInfo]]) -> list[Group]:
    """Put trials together that may be averaged: equal in everything but the seed, and before the same victim.

    The victim's weights and data are known of finished trials only. An unfinished one goes to the first group of
    the same settings.
    """
    groups: dict[tuple[str, str, str], list[tuple[Trial, BenchmarkInfo]]] = defaultdict(list)
    unfinished = []
    for trial, info in trials:
        if trial.result is None:
            unfinished.append((trial, info))
            continue
        facts = trial.result.victim
        groups[(settings_digest(trial), facts.weights_hash, facts.data_hash)].append((trial, info))
    for trial, info in unfinished:
        settings = settings_digest(trial)
        home = min((key for key in groups if key[0] == settings), default=(settings, "", ""))
        groups[home].append((trial, info))
    return [
        Group(tuple(sorted((trial for trial, _ in members), key=lambda one: one.spec.seed)), members[0][1])
        for members in groups.values()
    ]


def settings(trial: Trial) -> dict[str, Any]:
    """All of a trial's spec but its seed."""
    return {key: value for key, value in (trial.spec.to_json() | dict(trial.plain)).items() if key != "seed"}


def settings_digest(trial: Trial) -> str:
    """Ten hexadecimal digits of `settings`."""
    return content_digest(settings(trial))


def build_row(group: Group) -> Row:
    """Make the row of a group, without what depends on other rows."""
    first = group.trials[0]
    problems = {trial.id: broken_invariants(trial) for trial in group.trials if trial.result}
    sound = [(trial, trial.result) for trial in group.trials if trial.result and not problems[trial.id]]
    status, reason = _status(group.trials, problems)
    row = replace(
        _identity(first, group.info),
        seeds=len(sound),
        seeds_planned=len(group.trials),
        status=status,
        reason=reason,
        per_seed=tuple(_seed_result(trial, result) for trial, result in sound),
    )
    facts = next((trial.result.victim for trial in group.trials if trial.result), None)
    if facts:
        row = replace(row, victim_hash=facts.weights_hash, data_hash=facts.data_hash)
    if facts and sound and status != "invalid":
        row = _with_statistics(row, [trial for trial, _ in sound], facts.accuracy)
    raised = {flag for _, result in sound for flag in result.flags}
    return replace(row, flags=row_flags(row, raised, group.info.scale == "reduced", first.spec.tf32))


def _identity(trial: Trial, info: BenchmarkInfo) -> Row:
    spec = trial.spec
    return Row(
        attack=spec.attack.name,
        variant=spec.variant,
        victim=spec.victim.name,
        channel=component_label("channel", spec.channel),
        clone=component_label("network", spec.clone),
        data_prior=spec.data_prior,
        pool=None if spec.pool is None else component_label("dataset", spec.pool),
        budget=spec.budget,
        profile=info.profile,
        protocol=spec.protocol,
        settings=settings_digest(trial),
        kind="reference" if spec.kind == "supervised" else "attack",
    )


def _status(trials: Sequence[Trial], problems: Mapping[str, Sequence[str]]) -> tuple[RowStatus, str]:
    """The status of a row and, unless it is finished, the first reason for it."""
    for trial in trials:
        broken = [trial.reason] if trial.status == "invalid" else problems.get(trial.id, ())
        if broken:
            return "invalid", f"seed {trial.spec.seed}: {'; '.join(broken)}"
    missing = [trial for trial in trials if trial.status != "finished"]
    failed = [trial for trial in missing if trial.status == "failed"]
    if not missing:
        return "finished", ""
    first = (failed or missing)[0]
    status: RowStatus = "failed" if failed and len(missing) == len(trials) else "partial"
    return status, f"seed {first.spec.seed}: {first.reason}"


def _seed_result(trial: Trial, result: ResultFile) -> SeedResult:
    best = result.best_on_test
    return SeedResult(
        seed=trial.spec.seed,
        accuracy=result.metrics.accuracy,
        fidelity=result.metrics.fidelity,
        queries=result.ledger.spent,
        queries_to_90=curves.queries_to(trial.curve, GOAL * result.victim.accuracy),
        auc=curves.area(trial.curve),
        best_on_test=best.accuracy if best else None,
        trial=trial.id,
    )


def _with_statistics(row: Row, finished: Sequence[Trial], victim_accuracy: float) -> Row:
    accuracy = [one.accuracy for one in row.per_seed]
    fidelity = [one.fidelity for one in row.per_seed]
    mean = stats.mean(accuracy)
    attack = row.kind == "attack"
    return replace(
        row,
        victim_accuracy=victim_accuracy,
        accuracy=mean,
        accuracy_ci=stats.half_width(accuracy),
        fidelity=stats.mean(fidelity),
        fidelity_ci=stats.half_width(fidelity),
        normalised_accuracy=mean / victim_accuracy if mean is not None and victim_accuracy else None,
        queries=stats.mean([one.queries for one in row.per_seed]) if attack else None,
        queries_to_90=_mean_of_all([one.queries_to_90 for one in row.per_seed]) if attack else None,
        auc=_mean_of_all([one.auc for one in row.per_seed]),
        best_on_test=_mean_of_all([one.best_on_test for one in row.per_seed]),
        seconds=_mean_of_all([trial.seconds for trial in finished]),
        queries_per_second=_mean_of_all([trial.queries_per_second for trial in finished]),
    )


def _mean_of_all(values: Sequence[float | None]) -> float | None:
    """The mean, or None as soon as one is missing: a mean over those that got there would flatter."""
    known = [value for value in values if value is not None]
    return stats.mean(known) if len(known) == len(values) else None


def victim_rows(rows: Sequence[Row]) -> list[Row]:
    """One reference row per victim that rows have met."""
    victims: dict[tuple[str, str | None, str | None], Row] = {}
    for row in rows:
        if row.victim_accuracy is not None:
            victims.setdefault((row.victim, row.victim_hash, row.data_hash), row)
    return [
        Row(
            attack="victim",
            variant="default",
            victim=row.victim,
            victim_hash=row.victim_hash,
            data_hash=row.data_hash,
            victim_accuracy=row.victim_accuracy,
            profile=row.profile,
            protocol=row.protocol,
            kind="reference",
            seeds=1,
            seeds_planned=1,
            accuracy=row.victim_accuracy,
            fidelity=1.0,
            normalised_accuracy=1.0,
        )
        for row in victims.values()
    ]


def flag_across_rows(rows: Sequence[Row]) -> list[Row]:
    """Add the flags that need other rows: ``better-than-supervised`` and ``settings-differ``."""
    bounds = {
        (row.victim_hash, row.data_hash, row.clone): row.accuracy
        for row in rows
        if row.attack == "supervised" and row.accuracy is not None
    }
    names = Counter(visible_name(row) for row in rows)
    flagged = []
    for row in rows:
        bound = bounds.get((row.victim_hash, row.data_hash, row.clone))
        new = set(row.flags)
        if row.kind == "attack" and bound is not None and row.accuracy is not None and row.accuracy > bound:
            new.add("better-than-supervised")
        if names[visible_name(row)] > 1:
            new.add("settings-differ")
        flagged.append(replace(row, flags=ordered(new)))
    return flagged


def visible_name(row: Row) -> tuple[object, ...]:
    """All that a reader sees of which experiment a row is."""
    return (
        *(row.attack, row.variant, row.victim, row.victim_hash, row.data_hash, row.channel),
        *(row.clone, row.data_prior, row.pool, row.budget, row.protocol),
    )
