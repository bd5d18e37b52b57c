"""One trial in words and numbers, as its files tell it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mebench.api.errors import ResultsError
from mebench.api.files import read_json
from mebench.api.printable import printable
from mebench.results.clone_file import clone_problem
from mebench.results.heartbeat import file_system_clock
from mebench.results.status import trial_status
from mebench.results.trial_names import NamedTrial

_SETTINGS = ("victim", "channel", "attack", "clone", "pool")
_PLAIN = ("variant", "budget", "seed", "track", "data_prior", "evaluations", "kind")


@dataclass(frozen=True)
class TrialFacts:
    """One trial.

    Attributes:
        id, path: its id and its folder.
        state: see `mebench.results.status.TrialStatus`.
        holder, progress, silence: which process runs it, how far it has said to be, and how many seconds ago.
        cause, reason, traceback: of its failure, or of its damage.
        settings: what is attacked how, in words.
        scores: of the last clone, and the queries spent.
        flags: what a reader must know.
        clone: what is wrong with the clone's file, whatever the result is worth; nothing if all is well.
        curve: the evaluations.
        seconds: over all sessions.
        files: sizes in bytes.
    """

    id: str
    path: str
    state: str
    holder: str = ""
    progress: str = ""
    silence: float = 0.0
    cause: str = ""
    reason: str = ""
    traceback: str = ""
    settings: dict[str, str] = field(default_factory=dict)
    scores: dict[str, Any] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    clone: str = ""
    curve: tuple[dict[str, Any], ...] = ()
    seconds: float | None = None
    files: dict[str, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """All of it as plain JSON values."""
        return asdict(self)


def trial_facts(trial: NamedTrial) -> TrialFacts:
    """Read a trial's files; what cannot be read is left out, or is its damage."""
    folder = trial.folder
    now = trial_status(trial.root, trial.id, file_system_clock(trial.root))
    result = {} if now.state != "done" else _read(folder.path / "result.json")
    beat = now.beat
    return TrialFacts(
        id=trial.id,
        path=str(folder.path),
        state=now.state,
        holder=now.holder,
        progress=f"{beat.done:,} of {beat.total:,} {beat.unit}" if beat and beat.total else "",
        silence=round(now.silence, 1),
        cause=now.cause,
        reason=now.reason,
        traceback=str(_read(folder.path / "failure.json").get("traceback") or "") if now.state == "failed" else "",
        settings=_settings(_read(folder.path / "spec.json") or _mapping(result.get("spec"))),
        scores=_scores(result) | _links_took(folder.path),
        flags=tuple(printable(flag) for flag in result.get("flags") or ()),
        clone=clone_problem(folder) if now.state == "done" else "",
        curve=() if now.state == "damaged" else tuple(_curve(trial)),
        seconds=_seconds(folder.path),
        files=_files(folder.path),
    )


def _read(path: Path) -> dict[str, Any]:
    try:
        return read_json(path)
    except ResultsError:
        return {}


def _mapping(value: Any) -> dict[str, Any]:
    return dict(value) if isinstance(value, Mapping) else {}


def _settings(spec: Mapping[str, Any]) -> dict[str, str]:
    """What a spec says, in words: names with the parameters that are set."""
    told: dict[str, str] = {}
    for key in _SETTINGS:
        if one := _mapping(spec.get(key)):
            told[key] = _component(one)
    told |= {key: printable(str(spec[key])) for key in _PLAIN if spec.get(key) not in (None, "")}
    return told


def _component(one: Mapping[str, Any]) -> str:
    parameters = _mapping(one.get("parameters"))
    inside = ", ".join(f"{name}={value}" for name, value in parameters.items() if value is not None)
    return printable(f"{one.get('name')}" + (f" ({inside})" if inside else ""))


def _scores(result: Mapping[str, Any]) -> dict[str, Any]:
    metrics, ledger, victim = (_mapping(result.get(key)) for key in ("metrics", "ledger", "victim"))
    found = {printable(str(name)): value for name, value in metrics.items() if isinstance(value, (int, float))}
    if "spent" in ledger:
        found["queries spent"] = ledger["spent"]
    if "accuracy" in victim:
        found["victim accuracy"] = victim["accuracy"]
    return found


def _links_took(path: Path) -> dict[str, float]:
    """Milliseconds of processor time a query that defences and detectors took."""
    timing = _read(path / "timing.json")
    known = {f"{who} ms a query": timing.get(f"{who}_ms_per_query") for who in ("defence", "detector")}
    return {name: float(value) for name, value in known.items() if isinstance(value, (int, float))}


def _curve(trial: NamedTrial) -> list[dict[str, Any]]:
    try:
        return [point for point in trial.folder.curve() if isinstance(point, dict)]
    except ResultsError:
        return []


def _seconds(path: Path) -> float | None:
    seconds = _read(path / "timing.json").get("seconds")
    return float(seconds) if isinstance(seconds, (int, float)) else None


def _files(path: Path) -> dict[str, int]:
    found: dict[str, int] = {}
    with contextlib.suppress(OSError), os.scandir(path) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):  # a link in a circle, or gone
                if entry.is_file():
                    found[entry.name] = entry.stat().st_size
    return {printable(name): found[name] for name in sorted(found) if not name.startswith(".")}
