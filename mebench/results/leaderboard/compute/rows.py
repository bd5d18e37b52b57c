"""From trials to rows: what belongs together, and its statistics."""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from mebench.api.spec import Component, TrialSpec, content_digest
from mebench.registry.catalogue import registry
from mebench.registry.defence_entries import RecoveryEntry
from mebench.registry.entries import ChannelEntry, DatasetEntry, NetworkEntry
from mebench.results import curves, stats
from mebench.results.derived import GOALS
from mebench.results.leaderboard.compute.code import code_flags
from mebench.results.leaderboard.compute.flags import OF_VICTIMS, ordered, row_flags
from mebench.results.leaderboard.model import BenchmarkInfo, Row, RowStatus, SeedResult
from mebench.results.leaderboard.read.trials import ResultFile, TrialRecord
from mebench.results.leaderboard.write.labels import answered_by, component_label, owners_links
from mebench.results.numbers import of_victim
from mebench.results.prices import PriceSheet

Key = TypeVar("Key", str, int)
MOST_REASONS = 5
"""Invalid seeds that a row names."""

MEANS = (
    *("auc", "best_on_test", "queries_to_maximum", "victim_forward", "victim_backward"),
    *("seconds", "queries_per_second", "cost"),
)
"""What a row has the mean of, besides metrics and queries to goals, if every seed has it."""


@dataclass(frozen=True)
class Group:
    """Trials that differ in nothing but their seed, with the benchmark that they were found with."""

    trials: tuple[TrialRecord, ...]
    info: BenchmarkInfo


def grouped(trials: Sequence[tuple[TrialRecord, BenchmarkInfo]]) -> list[Group]:
    """Put trials together that may be averaged: equal in everything but the seed, and before the same victim.

    The victim's weights and data are known of finished trials only. An unfinished one goes to the first group of
    the same settings.
    """
    groups: dict[tuple[str, str, str], list[tuple[TrialRecord, BenchmarkInfo]]] = defaultdict(list)
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


def settings(trial: TrialRecord) -> dict[str, Any]:
    """All of a trial's spec but its seed."""
    return {key: value for key, value in (trial.spec.to_json() | dict(trial.plain)).items() if key != "seed"}


def invalid_among(rows: Iterable[Row], specs: Iterable[TrialSpec]) -> list[Row]:
    """The rows of these trials whose numbers are missing because a result does not count."""
    invalid = [row for row in rows if row.status == "invalid"]
    wanted = {_digest_of_settings(spec.to_json()) for spec in specs} if invalid else set()
    return [row for row in invalid if row.settings in wanted]


def settings_digest(trial: TrialRecord) -> str:
    """Ten hexadecimal digits of `settings`."""
    rest = {key: value for key, value in trial.plain.items() if key != "seed"}
    return _settings_digest(json.dumps(rest, sort_keys=True), trial.spec)


_DIGESTS: dict[str, str] = {}


def _settings_digest(plain: str, spec: TrialSpec) -> str:
    """The digest by what stands in the file, since seeds share it; keys that the file lacks have their defaults."""
    if plain not in _DIGESTS:
        _DIGESTS[plain] = _digest_of_settings(spec.to_json() | json.loads(plain))
    return _DIGESTS[plain]


def _digest_of_settings(plain: Mapping[str, Any]) -> str:
    return content_digest({key: value for key, value in plain.items() if key != "seed"})


def build_row(group: Group) -> Row:
    """Make the row of a group, without what depends on other rows: places, intervals, some flags."""
    first = group.trials[0]
    sound = [(trial, trial.result) for trial in group.trials if trial.result]
    status, reason = _status(group.trials)
    row = replace(
        _identity(first, group.info),
        seeds=len(sound),
        seeds_planned=len(group.trials),
        status=status,
        reason=reason,
        per_seed=tuple(_seed_result(trial, result, group.info.prices) for trial, result in sound),
        provenance=_provenance([result for _, result in sound]),
    )
    facts = next((trial.result.victim for trial in group.trials if trial.result), None)
    if facts:
        size = max((trial.curve.tested for trial, _ in sound), default=0)
        row = replace(row, victim_hash=facts.weights_hash, data_hash=facts.data_hash, test_inputs=size or None)
    if facts and sound and status != "invalid":
        row = _with_statistics(row, facts.accuracy)
    raised = {flag for _, result in sound for flag in result.flags} | code_flags([trial for trial, _ in sound])
    costs = _row_costs(first.spec.recoveries)
    return replace(row, flags=row_flags(row, raised, group.info.scale == "reduced", first.spec.tf32, costs))


def _row_costs(recoveries: Sequence[Component]) -> float:
    """How many queries an attack pays for an answer; one where recoveries are not installed."""
    known = registry().names(RecoveryEntry)
    entries = [(registry().get(RecoveryEntry, one.name), one) for one in recoveries if one.name in known]
    return math.prod(entry.queries_per_row(one.parameters) for entry, one in entries)


def _identity(trial: TrialRecord, info: BenchmarkInfo) -> Row:
    spec = trial.spec
    return Row(
        attack=spec.attack.name,
        variant=spec.variant,
        victim=spec.victim.name,
        channel=answered_by(spec.channel, spec.defences, spec.on_alarm),
        service=component_label(ChannelEntry, spec.channel),
        defence=_chain(owners_links(spec.defences, spec.on_alarm)),
        recovery=_chain([component_label(RecoveryEntry, one) for one in spec.recoveries]),
        clone=component_label(NetworkEntry, spec.clone),
        data_prior=spec.data_prior,
        pool=None if spec.pool is None else component_label(DatasetEntry, spec.pool),
        budget=spec.budget,
        profile=info.profile,
        protocol=spec.protocol,
        settings=settings_digest(trial),
        track=spec.track,
        kind="reference" if spec.kind == "supervised" else "attack",
    )


def _chain(labels: Sequence[str]) -> str:
    """Links by their labels, in their order; ``none`` without."""
    return " > ".join(labels) or "none"


def _status(trials: Sequence[TrialRecord]) -> tuple[RowStatus, str]:
    """The status of a row and, unless it is finished, the reason for it: of invalid seeds all, of others the first."""
    if invalid := [f"seed {trial.spec.seed}: {trial.reason}" for trial in trials if trial.status == "invalid"]:
        more = [f"and {len(invalid) - MOST_REASONS} more"] if len(invalid) > MOST_REASONS else []
        return "invalid", "; ".join([*invalid[:MOST_REASONS], *more])
    missing = [trial for trial in trials if trial.status != "finished"]
    failed = [trial for trial in missing if trial.status == "failed"]
    if not missing:
        return "finished", ""
    first = (failed or missing)[0]
    status: RowStatus = "failed" if failed and len(missing) == len(trials) else "partial"
    return status, f"seed {first.spec.seed}: {first.reason}"


def _seed_result(trial: TrialRecord, result: ResultFile, prices: PriceSheet | None) -> SeedResult:
    best, ledger = result.best_on_test, result.ledger
    attack, curved = trial.spec.kind == "attack", trial.spec.kind == "attack" and trial.spec.track == "native"
    return SeedResult(
        seed=trial.spec.seed,
        queries=ledger.spent,
        metrics=result.metrics.by_key(),
        queries_to=_reached(trial, result.victim.accuracy) if curved else {},
        auc=curves.area(trial.curve) if curved else None,
        best_on_test=best.accuracy if best else None,
        queries_to_maximum=curves.queries_to_maximum(trial.curve) if curved else None,
        victim_forward=ledger.victim_forward if attack else None,
        victim_backward=ledger.victim_backward if attack else None,
        seconds=trial.seconds,
        queries_per_second=trial.queries_per_second,
        cost=_cost(trial, result, prices) if attack and prices else None,
        query_label_entropy=result.query_label_entropy if attack else None,
        gradient_cosine=trial.curve.middle("gradient_cosine"),
        gradient_norm_ratio=trial.curve.middle("gradient_norm_ratio"),
        clone_start=result.clone.initial_hash,
        trial=trial.id,
        detectors=result.links.detectors,
        curve=trial.curve,
    )


def _reached(trial: TrialRecord, victim_accuracy: float) -> dict[int, int | None]:
    """The queries to each fraction of the victim's accuracy; None where the budget ended before."""
    return {goal: curves.queries_to(trial.curve, goal / 100 * victim_accuracy) for goal in GOALS}


def _cost(trial: TrialRecord, result: ResultFile, prices: PriceSheet) -> float | None:
    ledger = result.ledger
    device = result.provenance.device
    return prices.cost(trial.spec.channel.name, ledger.spent, ledger.explanations, trial.seconds, device)


def _provenance(results: Sequence[ResultFile]) -> dict[str, tuple[str, ...]]:
    """The values that results have of each fact, in the order of the seeds."""
    found: dict[str, dict[str, None]] = defaultdict(dict)
    for result in results:
        for name, value in result.provenance.facts().items():
            found[name][value] = None
    return {name: tuple(values) for name, values in sorted(found.items())}


def _with_statistics(row: Row, victim_accuracy: float) -> Row:
    seeds = row.per_seed
    metrics = {key: [one.metrics.get(key) for one in seeds] for key in _every(one.metrics for one in seeds)}
    goals = {goal: [one.queries_to.get(goal) for one in seeds] for goal in _every(one.queries_to for one in seeds)}
    means: dict[str, Any] = {name: _mean_of_all([getattr(one, name) for one in seeds]) for name in MEANS}
    mean = stats.mean([one.accuracy for one in seeds])
    return replace(
        row,
        victim_accuracy=victim_accuracy,
        metrics={key: _mean_of_all(values) for key, values in metrics.items()},
        normalised_accuracy=mean / victim_accuracy if mean is not None and victim_accuracy else None,
        queries=stats.mean([one.queries for one in seeds]) if row.kind == "attack" else None,
        queries_to={goal: _mean_of_all(values) for goal, values in goals.items()},
        **means,
    )


def _every(mappings: Iterable[Mapping[Key, Any]]) -> list[Key]:
    """The keys that any of the mappings has, sorted."""
    return sorted({key for mapping in mappings for key in mapping})


def _mean_of_all(values: Sequence[float | None]) -> float | None:
    """The mean, or None as soon as one is missing: a mean over those that got there would flatter."""
    known = [value for value in values if value is not None]
    return stats.mean(known) if len(known) == len(values) else None


def self_agreements(groups: Iterable[Group]) -> dict[str, float]:
    """How often victims that are random agree with themselves, by the hash of their weights."""
    met = [trial.result.victim for group in groups for trial in group.trials if trial.result]
    return {victim.weights_hash: victim.agreement for victim in met if victim.agreement is not None}


def victim_rows(rows: Sequence[Row], agreements: Mapping[str, float]) -> list[Row]:
    """One reference row per victim that rows have met.

    Args:
        rows: of attacks and references.
        agreements: of random victims with themselves, by hash: the most that the fidelity of a clone can be expected
            to be.
    """
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
            test_inputs=row.test_inputs,
            victim_accuracy=row.victim_accuracy,
            profile=row.profile,
            protocol=row.protocol,
            kind="reference",
            seeds=1,
            seeds_planned=1,
            metrics=_of_victim(row.victim_accuracy, agreements.get(row.victim_hash or "")),
            flags=tuple(flag for flag in row.flags if flag in OF_VICTIMS),
            normalised_accuracy=1.0,
        )
        for row in victims.values()
        if row.victim_accuracy is not None
    ]


def _of_victim(accuracy: float, agreement: float | None) -> dict[str, float | None]:
    """What a victim has itself; of a random one, how often it is right, and how often it agrees with itself."""
    if agreement is None:
        return of_victim(accuracy)
    return {**dict.fromkeys(of_victim(accuracy)), "accuracy": accuracy, "fidelity": agreement}


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
        *(row.clone, row.clone_init, row.data_prior, row.pool, row.track, row.budget, row.protocol),
    )
