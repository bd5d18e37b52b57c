"""How far a results folder is, by what lies in it: what runs and where, what has failed and why, what is left.

Told by the names of files, by heartbeats and, of finished trials, by their seals, so that ten thousand trials take a
second or so. What is damaged is what `mebench.results.damage` says, here as in all other places.
"""

from __future__ import annotations

import os
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from mebench.api.errors import ResultsError
from mebench.api.files import read_json
from mebench.api.printable import printable
from mebench.results.damage import Looks
from mebench.results.heartbeat import (
    SUFFIX,
    Heartbeat,
    file_system_clock,
    heartbeat_of,
    life,
    read_heartbeat,
)
from mebench.results.trial_folder import TrialFolder
from mebench.results.trial_names import FACTS, known_trials

TrialState = Literal["done", "running", "failed", "damaged", "partial", "lost", "new"]
STATES: tuple[TrialState, ...] = ("done", "running", "failed", "damaged", "lost", "partial", "new")
HOUR = 3600.0
MOST_TIMED, TIMED_PER_ROW = 300, 3
"""Finished trials whose time is read, of all and of one row."""
_NAME = re.compile(r"(?P<row>.*-q(?P<budget>[0-9]{1,15}))-s[0-9]{1,15}-[0-9a-f]{10}")


@dataclass(frozen=True)
class TrialStatus:
    """One trial.

    Attributes:
        id: its id.
        state: ``done``; ``running``; ``failed``; ``damaged``, where its result does not count or its folder cannot be
            used; ``lost``, where the process that ran it is gone without a word; ``partial``, where it was stopped;
            ``new``.
        beat: the last sign of the process that runs it, or has run it when it was lost.
        silence: seconds since that sign.
        holder: the process that runs it, in words.
        finished: when it was done, in seconds since 1970.
        cause, reason: of its failure; of damage the reason.
    """

    id: str
    state: TrialState
    beat: Heartbeat | None = None
    silence: float = 0.0
    holder: str = ""
    finished: float | None = None
    cause: str = ""
    reason: str = ""

    @property
    def fraction(self) -> float:
        """How much of it is done, in [0, 1], as far as its process tells."""
        if self.state == "done":
            return 1.0
        return min(1.0, self.beat.done / self.beat.total) if self.beat and self.beat.total else 0.0


@dataclass(frozen=True)
class Remaining:
    """How long the rest takes.

    Attributes:
        seconds: with as many trials at once as run now.
        whole: whether they cover all that is left; otherwise it takes at least so long.
    """

    seconds: float
    whole: bool


@dataclass(frozen=True)
class FolderStatus:
    """A results folder.

    Attributes:
        root: the folder.
        name, title, profile: of the benchmark.
        trials: all that were asked for, and others that lie there.
        victims: what prepares victims: names, and what they tell.
        now: the time by the clock of the file system.
    """

    root: Path
    name: str
    title: str
    profile: str
    trials: tuple[TrialStatus, ...]
    victims: Mapping[str, TrialStatus]
    now: float
    _seconds: Mapping[str, float] = field(default_factory=dict, repr=False)

    @property
    def counts(self) -> dict[TrialState, int]:
        """The number of trials in each state."""
        found = Counter(trial.state for trial in self.trials)
        return {state: found[state] for state in STATES if found[state]}

    def having(self, *states: TrialState) -> list[TrialStatus]:
        """The trials in one of these states."""
        return [trial for trial in self.trials if trial.state in states]

    @property
    def is_over(self) -> bool:
        """Whether every trial is done."""
        return all(trial.state == "done" for trial in self.trials)

    @property
    def queries(self) -> tuple[int, int]:
        """Queries asked, and all that may be asked."""
        budgets = [(trial, _budget(trial.id)) for trial in self.trials]
        spent = sum(budget * trial.fraction for trial, budget in budgets if trial.state in ("done", "running"))
        return round(spent), sum(budget for _, budget in budgets)

    @property
    def rate(self) -> float:
        """Queries per second of all running trials together."""
        return sum(self._rates)

    @property
    def _rates(self) -> list[float]:
        """Queries per second of each running trial that asks any."""
        beats = [trial.beat for trial in self.having("running") if trial.beat]
        return [beat.rate for beat in beats if beat.unit == "queries" and beat.rate]

    @property
    def done_in_an_hour(self) -> int:
        """How many trials were done in the last hour."""
        return sum(self.now - trial.finished < HOUR for trial in self.trials if trial.finished is not None)

    def failures(self) -> dict[str, list[TrialStatus]]:
        """The failed trials by cause, the most frequent first."""
        found: dict[str, list[TrialStatus]] = defaultdict(list)
        for trial in self.having("failed"):
            found[trial.cause].append(trial)
        return dict(sorted(found.items(), key=lambda one: (-len(one[1]), one[0])))

    @property
    def left(self) -> Remaining | None:
        """How long the rest takes; None where nothing runs or nothing is known."""
        running = self.having("running")
        if not running:
            return None
        ahead = [self._left_of(trial) for trial in running]
        waiting = [self._usual(trial) for trial in self.having("new", "partial", "lost", "failed", "damaged")]
        known = [seconds for seconds in (*ahead, *waiting) if seconds is not None]
        if not known:
            return None
        longest = max((seconds for seconds in ahead if seconds is not None), default=0.0)
        return Remaining(max(longest, sum(known) / len(running)), len(known) == len(ahead) + len(waiting))

    def _left_of(self, trial: TrialStatus) -> float | None:
        if trial.beat is not None and trial.beat.phase == "attack" and (left := trial.beat.left) is not None:
            return max(0.0, left - trial.silence)
        usual = self._usual(trial)
        return None if usual is None else (1 - trial.fraction) * usual

    def _usual(self, trial: TrialStatus) -> float | None:
        """Seconds of a whole trial: as others of its row took, or else by the mean rate of what runs."""
        if (seconds := self._seconds.get(_row(trial.id))) is not None:
            return seconds
        rates, budget = self._rates, _budget(trial.id)
        return budget * len(rates) / sum(rates) if rates and budget else None


def read_status(root: Path, looks: Looks | None = None) -> FolderStatus:
    """Look at a results folder.

    Args:
        root: the folder.
        looks: given again, whatever is sound and did not change is not read again.

    Raises:
        ResultsError: it cannot be read.
    """
    now = file_system_clock(root)
    trials = tuple(trial_status(root, name, now, looks) for name in known_trials(root))
    facts = _facts(root)
    words = {key: printable(str(facts.get(key) or "")) for key in ("name", "title", "profile")}
    victims = dict(_preparing(root, now))
    return FolderStatus(root, **words, trials=trials, victims=victims, now=now(), _seconds=_seconds(root, trials))


def trial_status(root: Path, name: str, now: Callable[[], float], looks: Looks | None = None) -> TrialStatus:
    """Look at one trial.

    Args:
        root: the results folder.
        name: the trial's id.
        now: the clock of the file system; see `mebench.results.heartbeat.file_system_clock`.
        looks: see `read_status`.
    """
    path = f"{root}/{name}"
    folder = TrialFolder(Path(path))
    status = folder.status
    if status == "new" and not os.path.lexists(path):
        return TrialStatus(name, "new")
    if status in ("finished", "new") and (problem := (looks or Looks()).damage(folder, name)):
        return TrialStatus(name, "damaged", reason=problem)
    if status == "finished":
        return TrialStatus(name, "done", finished=_finished(path))
    alive = _running(name, folder.log, now)
    if alive is not None and alive.state == "running":
        return alive
    if holder := folder.holder():
        return TrialStatus(name, "running", holder=holder)
    if status == "failed":
        cause, reason = _failure(folder)
        return TrialStatus(name, "failed", cause=cause, reason=reason)
    return alive or TrialStatus(name, "new" if status == "new" else "partial")


def _finished(path: str) -> float | None:
    """When a trial was done; None if it was set aside meanwhile."""
    try:
        return os.lstat(f"{path}/result.json").st_mtime
    except OSError:
        return None


def _running(name: str, log: Path, now: Callable[[], float]) -> TrialStatus | None:
    """What the heartbeat beside a log says; None if there is none."""
    found = read_heartbeat(heartbeat_of(log))
    if found is None:
        return None
    beat, written = found
    age = max(0.0, now() - written)
    return TrialStatus(name, "lost" if life(beat, age) == "lost" else "running", beat, age, beat.holder)


def _failure(folder: TrialFolder) -> tuple[str, str]:
    """Cause and reason of the last failed try; versions before there were causes wrote none."""
    try:
        failure = folder.failure()
    except ResultsError as error:
        return "error", printable(str(error))
    return printable(str(failure.get("cause") or "error")), printable(
        str(failure.get("reason") or "no reason recorded")
    )


def _preparing(root: Path, now: Callable[[], float]) -> Iterator[tuple[str, TrialStatus]]:
    """What prepares victims at the moment, by the names of their logs."""
    for file in sorted((root / "logs").glob(f"*{SUFFIX}")):
        found = _running(file.stem, file, now)
        if found is not None and found.state == "running":
            yield file.stem.replace("victim-", "victim ", 1), found


def _facts(root: Path) -> dict[str, Any]:
    try:
        return read_json(root / FACTS)
    except ResultsError:
        return {}


def _budget(name: str) -> int:
    found = _NAME.fullmatch(name)
    return int(found["budget"]) if found else 0


def _row(name: str) -> str:
    """What trials have in common that differ in the seed and in what ids do not say."""
    found = _NAME.fullmatch(name)
    return found["row"] if found else name


def _seconds(root: Path, trials: Sequence[TrialStatus]) -> dict[str, float]:
    """Mean seconds of finished trials, by row, for the rows that have trials left."""
    open_rows = {_row(trial.id) for trial in trials if trial.state != "done"}
    found: dict[str, list[float]] = defaultdict(list)
    read = 0
    for trial in trials if open_rows else ():
        row = _row(trial.id)
        if trial.state != "done" or row not in open_rows or len(found[row]) >= TIMED_PER_ROW:
            continue
        if read == MOST_TIMED:
            break
        read += 1
        if (seconds := _time(root / trial.id / "timing.json")) is not None:
            found[row].append(seconds)
    return {row: sum(times) / len(times) for row, times in found.items() if times}


def _time(path: Path) -> float | None:
    try:
        seconds = read_json(path).get("seconds")
    except ResultsError:
        return None
    return float(seconds) if isinstance(seconds, (int, float)) and 0 <= seconds < float("inf") else None
