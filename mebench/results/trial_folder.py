"""Results on disk: one folder per trial, and what a benchmark's folder holds beside them.

======================  =====================================================================================
file                    what it holds
======================  =====================================================================================
``spec.json``           the resolved `TrialSpec`
``code.json``           the code of each part that is not mebench's own: distribution, version, digest of its files
``env.json``            machine, versions, times of the last session (nothing that a result depends on)
``curve.jsonl``         one line per evaluation, append-only
``result.json``         written last, by atomic rename: its presence means that the trial is finished
``failure.json``        reason and traceback of the last failed try; gone once a later try finishes
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
import fcntl
import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from mebench.api.errors import ResultsError
from mebench.api.files import read_json, write_atomically, write_json
from mebench.api.spec import TrialSpec
from mebench.registry.code import Code

Status = Literal["new", "partial", "failed", "finished"]


class TrialFolder:
    """The folder of one trial.

    Args:
        path: the folder; its name is the trial's id.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @classmethod
    def of(cls, root: Path, spec: TrialSpec) -> TrialFolder:
        """The folder of ``spec`` in a benchmark's folder; not created yet."""
        return cls(root / spec.id)

    @property
    def status(self) -> Status:
        """How far the trial is, judged by the files alone."""
        if (self.path / "result.json").exists():
            return "finished"
        if (self.path / "failure.json").exists():
            return "failed"
        return "partial" if (self.path / "spec.json").exists() else "new"

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
    def locked(self) -> Iterator[None]:
        """Hold the folder for this process.

        Raises:
            ResultsError: another process holds it.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / ".lock").open("w") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise ResultsError(f"{self.path}: another process is running this trial") from None
            yield

    def begin(self, spec: TrialSpec, code: Mapping[str, Code] | None = None) -> None:
        """Make the folder, write the spec and what code runs, and forget an earlier failure."""
        self.path.mkdir(parents=True, exist_ok=True)
        if code is not None:
            write_json(self.path / "code.json", {part: asdict(one) for part, one in code.items()})
        write_json(self.path / "spec.json", spec.to_json())
        (self.path / "failure.json").unlink(missing_ok=True)

    def spec(self) -> TrialSpec:
        """The spec that the folder was made for."""
        return TrialSpec.from_json(read_json(self.path / "spec.json"))

    def code(self) -> dict[str, Code] | None:
        """The code that ran, by kind and name of each part; None where that was not written down, or is damaged."""
        try:
            plain = read_json(self.path / "code.json")
        except (ResultsError, OSError, RecursionError):
            return None
        return {part: code for part, value in plain.items() if (code := Code.from_json(value)) is not None}

    def write_environment(self, values: dict[str, Any]) -> None:
        """Write ``env.json``."""
        write_json(self.path / "env.json", values)

    def append_curve(self, point: dict[str, Any]) -> str:
        """Add one evaluation and flush it to disk; return its line."""
        line = json.dumps(point)
        with (self.path / "curve.jsonl").open("a", encoding="utf-8") as handle:
            handle.write(f"{line}\n")
            handle.flush()
            os.fsync(handle.fileno())
        return line

    def write_curve(self, lines: Sequence[str]) -> None:
        """Write all evaluations anew: those that the checkpoint holds, whatever has become of the file since."""
        write_atomically(self.path / "curve.jsonl", "".join(f"{line}\n" for line in lines).encode())

    def curve(self) -> list[dict[str, Any]]:
        """All evaluations; a last line that was cut off by a crash is left out."""
        path = self.path / "curve.jsonl"
        if not path.exists():
            return []
        points: list[dict[str, Any]] = []
        lines = path.read_text(encoding="utf-8").splitlines()
        try:
            whole: list[dict[str, Any]] = json.loads(f"[{','.join(lines)}]")
        except json.JSONDecodeError:
            whole = []
        if len(whole) == len(lines):
            return whole
        for line in lines:
            try:
                points.append(json.loads(line))
            except json.JSONDecodeError:
                break
        return points

    def finish(self, result: dict[str, Any]) -> None:
        """Write ``result.json`` and drop the checkpoint and an earlier failure."""
        write_json(self.path / "result.json", result)
        (self.path / "failure.json").unlink(missing_ok=True)
        self.checkpoint.unlink(missing_ok=True)

    def fail(self, spec: TrialSpec, reason: str, traceback: str = "") -> None:
        """Record why a try failed; a finished result is never touched."""
        if self.status == "finished":
            return
        self.path.mkdir(parents=True, exist_ok=True)
        write_json(
            self.path / "failure.json",
            {"id": spec.id, "spec": spec.to_json(), "reason": reason, "traceback": traceback},
        )

    def result(self) -> dict[str, Any]:
        """The finished result. See docs/results.md for its keys."""
        return read_json(self.path / "result.json")

    def failure(self) -> dict[str, Any]:
        """``reason`` and ``traceback`` of the last failed try."""
        return read_json(self.path / "failure.json")

    def clear(self) -> None:
        """Forget everything but the log, so that the trial starts anew."""
        for file in (*self.path.glob("*"), *self.path.glob("samples/*.png")):
            if file.is_file() and file.name not in (".lock", "log.txt"):
                file.unlink()


def trial_folders(root: Path) -> list[TrialFolder]:
    """The trials in a benchmark's folder, by name: every folder with a spec, a result or a failure."""
    if not root.is_dir():
        raise ResultsError(f"{root}: no such results folder")
    with os.scandir(root) as entries:
        names = sorted(entry.name for entry in entries if entry.is_dir())
    files = ("result.json", "spec.json", "failure.json")
    paths = (f"{root}/{name}" for name in names)
    return [TrialFolder(Path(path)) for path in paths if any(os.path.exists(f"{path}/{file}") for file in files)]  # noqa: PTH110 (thousands of times)
