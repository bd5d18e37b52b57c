"""Results on disk: one folder per trial, and what a benchmark's folder holds beside them.

======================  =====================================================================================
file                    what it holds
======================  =====================================================================================
``spec.json``           the resolved `TrialSpec`
``code.json``           the code of each part that is not mebench's own: distribution, version, digest of its files
``env.json``            machine, versions, times of the last session (nothing that a result depends on)
``curve.jsonl``         one line per evaluation, append-only
``result.json``         written last, by atomic rename: its presence means that the trial is finished. It is sealed
``failure.json``        reason, cause and traceback of the last failed try; gone once a later try finishes
``timing.json``         seconds and queries per second over all sessions
``samples-early.png``   queries of the turn of the first evaluation, at about 1 % of the budget
``samples/*.png``       queries of the turns that pass 10, 25 and 50 % of the budget, by queries spent
``samples.png``         queries of the last turn
``clone.safetensors``, ``checkpoint.safetensors``, ``log.txt``
======================  =====================================================================================

``result.json``, ``curve.jsonl`` and ``clone.safetensors`` of the same spec are the same bytes on the same machine,
however often the trial was interrupted; everything that differs between runs is in ``env.json`` and ``timing.json``.
Nothing here imports torch.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from mebench.api.errors import ResultsError, UnwritableError
from mebench.api.files import read_bytes, read_json, why, write_json, write_text
from mebench.api.lease import LEASE, HeldError, Lease, LeasePlace, LostError
from mebench.api.spec import TrialSpec
from mebench.registry.code import Code
from mebench.results.seal import sealed

Status = Literal["new", "partial", "failed", "finished"]
_GLANCE = 0.2
"""Seconds between two looks at who holds a folder."""


class TrialFolder:
    """The folder of one trial.

    Args:
        path: the folder; its name is the trial's id.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._place = LeasePlace(path)
        self._lease: Lease | None = None

    @classmethod
    def of(cls, root: Path, spec: TrialSpec) -> TrialFolder:
        """The folder of ``spec`` in a benchmark's folder; not created yet."""
        return cls(root / spec.id)

    @property
    def status(self) -> Status:
        """How far the trial is, judged by the names of its files alone; `mebench.results.damage` looks into them."""
        if os.path.lexists(f"{self.path}/result.json"):
            return "finished"
        if os.path.lexists(f"{self.path}/failure.json"):
            return "failed"
        return "partial" if os.path.lexists(f"{self.path}/spec.json") else "new"

    @property
    def checkpoint(self) -> Path:
        """Where the checkpoint is, if there is one."""
        return self.path / "checkpoint.safetensors"

    @property
    def log(self) -> Path:
        """What the trial wrote to stdout and stderr."""
        return self.path / "log.txt"

    def picture(self, queries: int) -> Path:
        """Where the queries of the turn are kept after which so many were spent, between the first and the last."""
        return self.path / "samples" / f"{queries:09d}.png"

    def pictures(self, first: int, last: int) -> dict[int, Path]:
        """The pictures of queries that there are, by the queries spent, in that order.

        Args:
            first, last: queries spent at the first and at the last evaluation.
        """
        between = [file for file in (self.path / "samples").glob("*.png") if re.fullmatch("[0-9]{9,18}", file.stem)]
        found = {first: self.path / "samples-early.png"} | {int(file.stem): file for file in between}
        found[last] = self.path / "samples.png"
        return {queries: found[queries] for queries in sorted(found) if found[queries].exists()}

    @contextlib.contextmanager
    def locked(self, *, patient: bool = False) -> Iterator[None]:
        """Hold the folder for this process, on whatever machine the others are, and say so to them: see `holder`.

        Args:
            patient: whether to wait until it shows whether a holder on another machine is there at all.

        Raises:
            ResultsError: another process holds it.
            UnwritableError: it is no folder, or cannot be written to.
        """
        lease: Lease | None = None
        while lease is None:
            try:
                lease = self._place.take()
            except HeldError as error:
                if not (patient and self.is_silent):
                    raise ResultsError(f"{self.path}: {error} is running this trial") from None
                time.sleep(_GLANCE)
            except OSError as error:
                raise UnwritableError(self.path, why(error)) from error
        self._lease = lease
        try:
            yield
        finally:
            self._lease = None
            lease.release()

    def holder(self) -> str | None:
        """Who holds the folder, as ``process 123 on machine``; None if nobody does."""
        return self._place.holder()

    @property
    def is_silent(self) -> bool:
        """Whether who holds it has given no sign of life since `locked` first failed: it may be gone."""
        return self._place.is_silent

    def check_held(self) -> None:
        """Make sure that the folder is still held where this object holds it: it stood still, and another went on.

        Raises:
            ResultsError: another process has taken it over.
        """
        try:
            if self._lease is not None:
                self._lease.confirm()
        except LostError as error:
            raise ResultsError(f"{self.path}: {error} has gone on with this trial: this process stood still") from None

    def begin(self, spec: TrialSpec, code: Mapping[str, Code] | None = None) -> None:
        """Make the folder, write the spec and what code runs, and forget an earlier failure."""
        self.path.mkdir(parents=True, exist_ok=True)
        if code is not None:
            write_json(self.path / "code.json", {part: asdict(one) for part, one in code.items()})
        write_json(self.path / "spec.json", spec.to_json())
        _drop(self.path / "failure.json")

    def spec(self) -> TrialSpec:
        """The spec that the folder was made for."""
        return TrialSpec.from_json(read_json(self.path / "spec.json"))

    def code(self) -> dict[str, Code] | None:
        """The code that ran, by kind and name of each part; None where that was not written down.

        Raises:
            ResultsError: what was written down is damaged.
        """
        path = self.path / "code.json"
        if not os.path.lexists(path):
            return None
        found = {part: Code.from_json(value) for part, value in read_json(path).items()}
        code = {part: one for part, one in found.items() if one is not None}
        if len(code) < len(found):
            raise ResultsError(f"{path}: says of a part what is no code")
        return code

    def write_environment(self, values: dict[str, Any]) -> None:
        """Write ``env.json``."""
        write_json(self.path / "env.json", values)

    def append_curve(self, point: dict[str, Any]) -> str:
        """Add one evaluation and flush it to disk; return its line.

        Raises:
            UnwritableError: the disk is full, or the like; the checkpoint has all lines.
        """
        line, path = json.dumps(point), self.path / "curve.jsonl"
        try:
            with path.open("a", encoding="utf-8") as handle:
                handle.write(f"{line}\n")
                handle.flush()
                os.fsync(handle.fileno())
        except OSError as error:
            raise UnwritableError(path, why(error)) from error
        return line

    def write_curve(self, lines: Sequence[str]) -> None:
        """Write all evaluations anew: those that the checkpoint holds, whatever has become of the file since."""
        write_text(self.path / "curve.jsonl", "".join(f"{line}\n" for line in lines))

    def curve_content(self) -> bytes:
        """What ``curve.jsonl`` holds; nothing if there is no such file.

        Raises:
            ResultsError: it cannot be read.
        """
        path = self.path / "curve.jsonl"
        return read_bytes(path) if os.path.lexists(path) else b""

    def curve(self) -> list[dict[str, Any]]:
        """All evaluations; a last line that was cut off by a crash is left out.

        Raises:
            ResultsError: the file cannot be read, or is nested too deeply.
        """
        try:
            return _points(self.curve_content().splitlines())
        except RecursionError:
            raise ResultsError(f"{self.path / 'curve.jsonl'}: is nested too deeply") from None

    def finish(self, result: dict[str, Any]) -> None:
        """Seal the result and the curve, write ``result.json``, and drop the checkpoint and an earlier failure."""
        self.check_held()
        write_json(self.path / "result.json", sealed(result, self.curve_content()))
        _drop(self.path / "failure.json")
        _drop(self.checkpoint)

    def fail(self, spec: TrialSpec, reason: str, traceback: str = "", cause: str = "error") -> None:
        """Record why a try failed; a finished result is never touched.

        Args:
            spec: of the trial.
            reason: one line.
            traceback: of the exception, if there was one.
            cause: which kind of failure it is; see `mebench.run.engine.retries`.
        """
        if self.status == "finished":
            return
        self.path.mkdir(parents=True, exist_ok=True)
        write_json(
            self.path / "failure.json",
            {"id": spec.id, "spec": spec.to_json(), "reason": reason, "cause": cause, "traceback": traceback},
        )

    def result_content(self) -> bytes:
        """What ``result.json`` holds.

        Raises:
            ResultsError: it cannot be read.
        """
        return read_bytes(self.path / "result.json")

    def result(self) -> dict[str, Any]:
        """The finished result. See docs/results.md for its keys."""
        return read_json(self.path / "result.json")

    def failure(self) -> dict[str, Any]:
        """``reason``, ``cause`` and ``traceback`` of the last failed try; those of older versions have no cause."""
        return read_json(self.path / "failure.json")

    def clear(self) -> None:
        """Forget everything but the log, so that the trial starts anew."""
        for file in (*self.path.glob("*"), *self.path.glob("samples/*.png")):
            if file.is_file() and file.name != "log.txt" and not file.name.startswith(LEASE):
                file.unlink()


def trial_folders(root: Path) -> list[TrialFolder]:
    """The trials in a benchmark's folder, by name: every folder with a spec, a result or a failure."""
    if not root.is_dir():
        raise ResultsError(f"{root}: no such results folder")
    with os.scandir(root) as entries:
        names = sorted(entry.name for entry in entries if _is_folder(entry))
    return [TrialFolder(Path(path)) for name in names if _is_trial(path := f"{root}/{name}")]


def has_trials(root: Path) -> bool:
    """Whether a folder holds any trial; quicker than to list them."""
    with os.scandir(root) as entries:
        return any(_is_folder(entry) and _is_trial(entry.path) for entry in entries)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """Whether an entry is a folder, or a link to one; a link in a circle, which cannot be followed, is none."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def _is_trial(path: str) -> bool:
    return any(os.path.lexists(f"{path}/{file}") for file in ("result.json", "spec.json", "failure.json"))


def _drop(path: Path) -> None:
    """Delete a file, if there is one; a folder in its place, which holds what is not ours, gets another name."""
    try:
        path.unlink(missing_ok=True)
    except OSError:
        path.rename(path.with_name(f".{path.name.removeprefix('.')}-{time.time_ns()}"))


def _points(lines: Sequence[bytes]) -> list[dict[str, Any]]:
    """The lines of a curve up to the first that is no JSON."""
    with contextlib.suppress(ValueError):
        whole: list[dict[str, Any]] = json.loads(b"[" + b",".join(lines) + b"]")
        if len(whole) == len(lines):
            return whole
    points = []
    with contextlib.suppress(ValueError):
        for line in lines:
            points.append(json.loads(line))
    return points
