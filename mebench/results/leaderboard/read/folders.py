"""Reading results folders: every trial that can be read, and a note on everything that cannot.

This is where a finished trial is looked at: what is wrong with its files, or with what they say, makes it ``invalid``.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal

from mebench.api.errors import ResultsError
from mebench.api.files import parse_json, read_json
from mebench.api.printable import printable
from mebench.api.spec import TrialSpec, content_digest
from mebench.registry.code import Code
from mebench.results.curves import Curve
from mebench.results.leaderboard.read.cache import ReadResults
from mebench.results.leaderboard.read.invariants import broken_invariants
from mebench.results.leaderboard.read.trials import ResultFile, TrialRecord, parse
from mebench.results.seal import broken_curve, broken_seal, is_untouched
from mebench.results.trial_folder import TrialFolder, trial_folders

FORMAT = 1
_FOR_RESULTS = ("result.json", "spec.json", "failure.json")
_FOR_OTHERS = ("spec.json", "failure.json", "result.json")
"""Files that hold the spec, in the order in which they are believed; what a damaged result says comes last."""


class NewerResultError(ResultsError):
    """A result that only a newer mebench can read, and that is not damaged for all that is known."""


def read_trials(root: Path, notes: list[str]) -> list[TrialRecord]:
    """Read all trials of a benchmark's folder, adding a line to ``notes`` for each that cannot be told what it is."""
    trials = []
    folders = trial_folders(root)
    known = ReadResults(root, len(folders))
    for folder in folders:
        try:
            trials.append(known.read(folder.path, partial(read_trial, folder, notes), notes))
        except (ResultsError, ValueError) as error:
            notes.append(f"skipped {printable(folder.path.name)}: {_without(folder.path, error)}")
    known.save()
    return trials


def read_trial(folder: TrialFolder, notes: list[str]) -> TrialRecord:
    """Read a trial that has been begun.

    Raises:
        ResultsError: no file tells which trial it is.
        ValueError: as before.
    """
    status = folder.status
    if status == "finished":
        try:
            return read_finished(folder, notes)
        except ResultsError as error:
            return _without_result(folder, "invalid", str(error))
    if status == "failed":
        return _without_result(folder, "failed", _why_failed(folder))
    return _without_result(folder, "partial", "not finished")


def read_finished(folder: TrialFolder, notes: list[str]) -> TrialRecord:
    """Read a trial that has ended, and look for all that can be wrong with it.

    Raises:
        NewerResultError: it was written by a newer mebench.
        ResultsError: the result does not count; in one line, without the place of the folder.
    """
    try:
        return _read(folder, notes)
    except NewerResultError:
        raise
    except RecursionError:
        raise ResultsError("is nested too deeply") from None
    except (ResultsError, ValueError, OverflowError) as error:
        raise ResultsError(_without(folder.path, error)) from error


def _read(folder: TrialFolder, notes: list[str]) -> TrialRecord:
    content, curve = folder.result_content(), folder.curve_content()
    whole = parse_json(content, folder.path / "result.json")
    if problem := _not_as_written(folder, whole, content, curve):
        raise ResultsError(problem)
    if type(version := whole.get("format")) is int and version > FORMAT:
        raise NewerResultError(f"result.json has format {version}, this mebench reads {FORMAT}: update mebench")
    spec, plain = _spec(folder, _FOR_RESULTS, {"result.json": whole})
    result = parse(ResultFile, {key: whole[key] for key in ResultFile.model_fields if key in whole})
    seconds, speed = _timing(folder)
    record = TrialRecord(
        _identity_of(spec, plain),
        spec,
        plain,
        "finished",
        result=result,
        curve=Curve.from_points(folder.curve()),
        seconds=seconds,
        queries_per_second=speed,
        path=folder.path,
        code=_code(folder, notes),
    )
    if problems := broken_invariants(record):
        raise ResultsError("; ".join(problems))
    return record


def _without_result(folder: TrialFolder, status: Literal["failed", "partial", "invalid"], reason: str) -> TrialRecord:
    """The record of a trial of which no result counts."""
    spec, plain = _spec(folder, _FOR_OTHERS)
    return TrialRecord(_identity_of(spec, plain), spec, plain, status, reason=reason, path=folder.path)


def _identity_of(spec: TrialSpec, plain: Mapping[str, Any]) -> str:
    """The id of a spec as it stands in a file, where keys of other versions may be missing."""
    return f"{spec.prefix}-{content_digest(plain)}"


def _spec(
    folder: TrialFolder, files: Sequence[str], known: Mapping[str, Any] | None = None
) -> tuple[TrialSpec, dict[str, Any]]:
    """The spec, from the first file that has a good one, and as it stands there; some files may be known already."""
    problem: Exception | None = None
    for name in files:
        if not os.path.lexists(folder.path / name):
            continue
        try:
            plain: Any = (known or {}).get(name) or read_json(folder.path / name)
            plain = plain if name == "spec.json" else plain.get("spec")
            if not isinstance(plain, dict):
                raise ValueError(f"{name} holds no spec")
            return parse(TrialSpec, plain), plain
        except (ResultsError, ValueError) as error:
            problem = problem or error
    raise problem or ResultsError("no spec")


def _not_as_written(folder: TrialFolder, whole: Mapping[str, Any], content: bytes, curve: bytes) -> str:
    """Say how the files of a finished trial are not as this trial has written them; empty if nothing is known."""
    if is_untouched(content, curve, str(whole.get("id"))):
        return _other_trial(folder, whole)
    return broken_seal(whole) or _other_trial(folder, whole) or broken_curve(whole, curve)


def _other_trial(folder: TrialFolder, whole: Mapping[str, Any]) -> str:
    """Say of which trial a result is if it is not the folder's; empty if it is, or if that cannot be told."""
    if folder.path.name == whole.get("id"):
        return ""
    try:
        own = parse(TrialSpec, read_json(folder.path / "spec.json")).id
        alike = own in (whole["id"], parse(TrialSpec, whole["spec"]).id)
    except (ResultsError, ValueError, LookupError):
        return ""
    return "" if alike else f"result.json is of another trial, {printable(whole['id'])}"


def _why_failed(folder: TrialFolder) -> str:
    try:
        return printable(folder.failure().get("reason") or "no reason recorded")
    except ResultsError as error:
        return _without(folder.path, error)


def _timing(folder: TrialFolder) -> tuple[float | None, float | None]:
    """Seconds and queries per second; a missing or broken file only leaves them out."""
    try:
        timing = read_json(folder.path / "timing.json")
    except ResultsError:
        return None, None
    return _number(timing.get("seconds")), _number(timing.get("queries_per_second"))


def _number(value: Any) -> float | None:
    try:
        return float(value) if type(value) in (int, float) and math.isfinite(value) else None
    except OverflowError:
        return None


def _code(folder: TrialFolder, notes: list[str]) -> dict[str, Code] | None:
    try:
        return folder.code()
    except ResultsError as error:
        name = printable(folder.path.name)
        notes.append(f"{name}: {_without(folder.path, error)}: it is not known which code made its result")
        return None


def _without(path: Path, error: Exception) -> str:
    """The error without the place of the folder, which differs between machines."""
    return printable(str(error).replace(f"{path}/", "")) or type(error).__name__
