"""What is told about rows besides their numbers: provenance, problems, commands to run them again, specs."""

from __future__ import annotations

import json
import shlex
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mebench.report.page.source import PageRow, PageSource, read_quietly
from mebench.results.leaderboard.compute.rows import settings
from mebench.results.leaderboard.model import Reported, Row
from mebench.results.leaderboard.read.trials import TrialRecord
from mebench.results.leaderboard.write.labels import cleaned
from mebench.results.numbers import number
from mebench.results.written import NOTHING, as_reported

MAX_REASON = 1000
MAX_SPEC = 20_000
FRESH = "rerun"
"""Folder that commands write to, so that no finished result is in the way."""


@dataclass(frozen=True)
class Problem:
    """A reason why trials have no valid result, with the trials that share it."""

    status: str
    reason: str
    row: int
    label: str
    trials: tuple[str, ...]
    count: int


def problems(source: PageSource, shown: int = 5) -> list[Problem]:
    """Failed, unfinished and invalid trials, put together by row and reason, in the order of the page."""
    found: dict[tuple[int, str, str], list[TrialRecord]] = defaultdict(list)
    entries = {entry.number: entry for entry in source.entries}
    for entry in source.entries:
        told = False
        for trial in entry.trials:
            status, reason = trial_problem(trial)
            if status:
                told = True
                found[entry.number, status, reason[:MAX_REASON]].append(trial)
        if entry.row.status != "finished" and not told:
            found[entry.number, entry.row.status, entry.row.reason[:MAX_REASON]] = []
    return [
        Problem(
            *(status, reason, number, f"{entries[number].row.name} on {entries[number].row.victim}"),
            *(tuple(trial.id for trial in trials[:shown]), len(trials)),
        )
        for (number, status, reason), trials in found.items()
    ]


def trial_problem(trial: TrialRecord) -> tuple[str, str]:
    """Status and reason of a trial that has no valid result; both empty otherwise."""
    return ("", "") if trial.status == "finished" else (trial.status, trial.reason)


class Provenance:
    """Where results come from, read once per trial from ``result.json`` and ``env.json``.

    Args:
        source: whose trials to read.
    """

    def __init__(self, source: PageSource) -> None:
        self._of_entry = {entry.number: counts for entry in source.entries if (counts := _counted(entry))}
        for entry in source.entries:
            row, counts = entry.row, self._of_entry.get(entry.number)
            if counts is not None:
                hashes = {"victim": f"{row.victim}, weights {row.victim_hash}", "test data": row.data_hash}
                known = [(key, str(value)) for key, value in hashes.items() if value and row.victim_hash]
                counts.update(dict.fromkeys(known, len(row.per_seed)))

    def of(self, entry: PageRow) -> dict[str, list[tuple[str, int]]]:
        """Each fact of a row's trials with its values, and how many trials have it."""
        return _by_key(self._of_entry.get(entry.number, Counter()))

    def of_all(self) -> dict[str, list[tuple[str, int]]]:
        """The same of all trials."""
        total: Counter[tuple[str, str]] = Counter()
        for counts in self._of_entry.values():
            total.update(counts)
        return _by_key(total)


def _by_key(counts: Mapping[tuple[str, str], int]) -> dict[str, list[tuple[str, int]]]:
    result: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for (key, value), count in sorted(counts.items()):
        result[key].append((value, count))
    return dict(result)


def _counted(entry: PageRow) -> Counter[tuple[str, str]] | None:
    """The facts of a row's trials, or of the row itself where it was committed; None where nothing is told."""
    if not entry.trials:
        told = entry.row.provenance  # of a fact with several values it is not known how many trials have each
        counted = {(name, one): entry.row.seeds * (len(values) == 1) for name, values in told.items() for one in values}
        return Counter(counted) if counted else None
    counts: Counter[tuple[str, str]] = Counter()
    for trial in entry.trials:
        counts.update(_facts(trial))
    return counts


def _facts(trial: TrialRecord) -> Iterator[tuple[str, str]]:
    if trial.path is None or trial.status != "finished":
        return
    plain: dict[str, object] = dict(trial.result.provenance.facts()) if trial.result else {}
    environment = read_quietly(trial.path / "env.json")
    plain |= {key: environment[key] for key in ("platform", "machine", "cores") if key in environment}
    if isinstance(environment.get("device"), str):
        plain["device asked for"] = environment["device"]
    yield "protocol", str(trial.spec.protocol)
    yield from ((key, str(value)[:MAX_REASON]) for key, value in plain.items() if value is not None)


class Commands:
    """The lines that run rows again.

    Args:
        source: all rows, since a short pattern must not match others.
        provenance: for the device and the number of threads.
    """

    def __init__(self, source: PageSource, provenance: Provenance) -> None:
        self._source, self._provenance = source, provenance
        self._count = Counter(_pattern(entry) for entry in source.entries if entry.trials)

    def of(self, entry: PageRow) -> str:
        """The line for one row; empty for rows that have no trials or whose benchmark file is not known."""
        first = entry.trials[0] if entry.trials else None
        file = self._source.files.get(first.path.parent, "") if first and first.path else ""
        if first is None or not file:
            return ""
        words = ["mebench", "run", file]
        if entry.group and entry.group.info.profile:
            words += ["--profile", entry.group.info.profile]
        seeds = [trial.spec.seed for trial in entry.trials]
        if self._count[_pattern(entry)] == 1:
            words += ["--only", _pattern(entry)]
        else:
            words += [word for trial in entry.trials for word in ("--only", trial.id)]
        if seeds == list(range(len(seeds))):
            words += ["--seeds", str(len(seeds))]
        return shlex.join([*words, *self._machine(entry), "--out", FRESH])

    def _machine(self, entry: PageRow) -> Iterator[str]:
        """Device and threads, where all trials of the row agree on them and they are not the default."""
        facts = self._provenance.of(entry)
        devices, threads = facts.get("device asked for", []), facts.get("threads", [])
        if len(devices) == 1:
            yield from ("--device", devices[0][0].partition(":")[0])
        if len(threads) == 1 and threads[0][0] != "1":
            yield from ("--threads", threads[0][0])


def _pattern(entry: PageRow) -> str:
    """``attack/variant/victim/channel``, with what `fnmatch` would take for a wildcard written so that it is not."""
    row = entry.row
    name = f"{row.attack}/{row.variant}/{row.victim}/{row.channel}"
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)


def spec_text(entry: PageRow) -> str:
    """The resolved spec of a row as indented JSON, with all of its seeds."""
    if not entry.trials:
        return ""
    plain = cleaned(settings(entry.trials[0])) | {"seed": [trial.spec.seed for trial in entry.trials]}
    text = json.dumps(plain, indent=1, sort_keys=True, ensure_ascii=False)
    return text if len(text) <= MAX_SPEC else f"{text[:MAX_SPEC]}\n... cut off here: see spec.json"


@dataclass(frozen=True)
class Beside:
    """A number of the paper's beside ours.

    Attributes:
        row: the row that it is for, if there is one.
        others: rows of the same attack and variant on another victim or budget.
    """

    number: Reported
    row: Row | None
    others: tuple[Row, ...]

    @property
    def name(self) -> str:
        """Attack and variant."""
        return f"{self.number.attack} {self.number.variant or ''}".replace(" default", "").strip()

    @property
    def difference(self) -> str:
        """Measured minus reported, in points."""
        if self.row is None or self.row.accuracy is None or self.number.accuracy is None:
            return NOTHING
        return f"{100 * self.row.accuracy - self.number.accuracy:+.1f}"

    @property
    def has_scores(self) -> bool:
        """Whether the paper reports accuracy or fidelity."""
        return self.number.accuracy is not None or self.number.fidelity is not None

    @property
    def more(self) -> list[tuple[str, str, str]]:
        """Title, reported and measured of the paper's other numbers for the row."""
        return [
            (
                one.title,
                f"{value:,.10g}",
                as_reported(one, None if self.row is None else self.row.number(one.name)),
            )
            for one, value in ((number(key), value) for key, value in self.number.metrics.items())
        ]


def reported_beside_measured(source: PageSource) -> list[Beside]:
    """Each of the paper's numbers with the row that it is for, or with what comes nearest to it here."""
    attacks = [row for row in source.board.rows if row.kind == "attack" and row.accuracy is not None]
    found = []
    for reported in source.board.benchmark.reported:
        row = next((row for row in source.board.rows if reported.is_for(row)), None)
        alike = [one for one in attacks if one.attack == reported.attack and reported.variant in (None, one.variant)]
        found.append(Beside(reported, row, () if row else tuple(alike[:2])))
    return found
