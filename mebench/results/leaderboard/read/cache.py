"""What finished trials were read to be, kept on disk, so that thousands are not read again whenever one is looked at.

It is never believed over the files themselves. A trial is known by the times, sizes and numbers of all its files, as
the file system has them, so that a file which was changed, replaced or copied is read again. Those that changed within
the last seconds are not kept: a further change could leave no trace in their times. Neither is what was read by other
code than this. Every line has a checksum; one that is broken is as if it were not there. Nothing is unpickled.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import platform
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import VERSION, BaseModel, TypeAdapter

from mebench.api.errors import MebenchError
from mebench.api.files import write_atomically
from mebench.api.spec import TrialSpec
from mebench.data.sources import cache_dir
from mebench.registry.code import Code
from mebench.results.curves import Curve
from mebench.results.heartbeat import file_system_clock
from mebench.results.leaderboard.read.trials import ResultFile, TrialRecord, parse
from mebench.results.leaderboard.write.labels import cleaned
from mebench.results.numbers import numbers

NAME = ".read-results"
FEWEST = 200
"""Trials of a folder for which it is worth the while; no folder of fewer gets a file."""
RACY_SECONDS, RACY_SECONDS_BLIND = 5.0, 86_400.0
"""How long ago files must have changed to be known by their times: by the clock of their file system, and where that
cannot be told."""
_FORMAT = b"mebench-read-results 1 "
_FILES = ("result.json", "curve.jsonl", "spec.json", "timing.json", "code.json")
"""All that a finished trial is read from."""
_HOUSE, _ROOMS = Path(__file__).parents[3], ("api", "guard", "oracle", "registry", "results")
"""Where the code is that has a say in what a trial is read to be."""


class _Line(BaseModel):
    """A finished trial as a line holds it.

    Attributes:
        name: of its folder.
        key: of its files; see `_key_of`.
        id: its own.
        seed, rest: its spec as it stands in the file: the seed, and all else as JSON, as other seeds have it.
        result: the result.
        curve: queries, accuracy, fidelity, and columns by name; null for columns without any value.
        seconds, queries_per_second: over all sessions.
        code: what code ran.
    """

    name: str
    key: str
    id: str
    seed: int
    rest: str
    result: ResultFile
    curve: tuple[list[Any], list[Any], list[Any], dict[str, list[Any] | None]]
    seconds: float | None
    queries_per_second: float | None
    code: dict[str, dict[str, str]] | None


_LINES = TypeAdapter(_Line)


class ReadResults:
    """The finished trials of a results folder as they were read before.

    Args:
        root: the results folder.
        trials: how many there are.
    """

    def __init__(self, root: Path, trials: int) -> None:
        self._root = root
        self._wanted = trials >= FEWEST
        self._places = list(_places(root)) if self._wanted else []
        self._head = _FORMAT + _reader().encode() + b"\n"
        self._kept: dict[str, _Line] = {}
        self._specs: dict[str, tuple[TrialSpec, dict[str, Any]]] = {}
        self._new: list[bytes] = []
        self._dead = 0
        self._now: Callable[[], float] | None = None
        self._racy = RACY_SECONDS
        self._file = next((place for place in self._places if self._load(place)), None)

    def read(self, path: Path, read: Callable[[], TrialRecord], notes: Sequence[str]) -> TrialRecord:
        """A trial as it was read before, or as it is read now.

        Args:
            path: its folder.
            read: reads it.
            notes: what has been noted; a trial that adds to it is not kept.
        """
        if not self._wanted:
            return read()
        before = _key_of(path)
        line = self._kept.get(path.name)
        if line is not None and line.key == before:
            with contextlib.suppress(ValueError):
                return self._record(line, path)
        count = len(notes)
        record = read()
        if record.status == "finished" and len(notes) == count and before and _key_of(path) == before:
            self._keep(path, before, record)
        return record

    def save(self) -> None:
        """Write what is new, where it can be written."""
        if not self._new:
            return
        if self._file is not None and self._dead <= len(self._kept):
            with contextlib.suppress(OSError), self._file.open("ab") as file:
                file.write(b"\n" + b"".join(self._new))
            return
        live = [_written(line) for line in self._kept.values()]
        for place in self._places:
            with contextlib.suppress(MebenchError, OSError):
                write_atomically(place, self._head + b"".join([*live, *self._new]))
                return

    def _load(self, place: Path) -> bool:
        """Read a file; False if there is none, or it is of another reader."""
        try:
            head, _, lines = place.read_bytes().partition(b"\n")
        except OSError:
            return False
        if head + b"\n" != self._head:
            return False
        for text in lines.split(b"\n"):
            checksum, _, content = text.partition(b" ")
            if text and checksum == _checksum(content):
                with contextlib.suppress(ValueError):
                    line = _LINES.validate_json(content)
                    self._dead += line.name in self._kept
                    self._kept[line.name] = line
        return True

    def _keep(self, path: Path, key: str, record: TrialRecord) -> None:
        """Remember a record, unless one of its files changed so lately that its times may say nothing."""
        if self._now is None:
            self._now = file_system_clock(self._root)
            self._racy = RACY_SECONDS if os.access(self._root, os.W_OK) else RACY_SECONDS_BLIND
        if _changed(key) > self._now() - self._racy:
            return
        with contextlib.suppress(ValueError, TypeError, AttributeError):
            self._new.append(_written(_line_of(path.name, key, record)))

    def _record(self, line: _Line, path: Path) -> TrialRecord:
        if line.rest not in self._specs:
            plain = json.loads(line.rest)
            self._specs[line.rest] = parse(TrialSpec, {**plain, "seed": 0}), plain
        spec, plain = self._specs[line.rest]
        queries, accuracy, fidelity, columns = line.curve
        nothing = (None,) * len(queries)
        return TrialRecord(
            line.id,
            replace(spec, seed=line.seed),
            {**plain, "seed": line.seed},
            "finished",
            result=line.result,
            curve=Curve(
                tuple(queries),
                tuple(accuracy),
                tuple(fidelity),
                {name: nothing if values is None else tuple(values) for name, values in columns.items()},
            ),
            seconds=line.seconds,
            queries_per_second=line.queries_per_second,
            path=path,
            code=None if line.code is None else {part: Code(**one) for part, one in line.code.items()},
        )


def _line_of(name: str, key: str, record: TrialRecord) -> _Line:
    """A record as a line; only of one that is the same once it is read again.

    Raises:
        ValueError, TypeError, AttributeError: it is not.
    """
    seed = record.plain["seed"]
    plain = {**record.plain, "seed": None}
    if type(seed) is not int or seed != record.spec.seed or cleaned(plain) != plain or record.result is None:
        raise ValueError("it is not as others are")
    curve = record.curve
    columns = {
        name: None if all(value is None for value in values) else list(values) for name, values in curve.columns.items()
    }
    return _Line.model_construct(
        name=name,
        key=key,
        id=record.id,
        seed=seed,
        rest=json.dumps(plain, allow_nan=False),
        result=record.result,
        curve=(list(curve.queries), list(curve.accuracy), list(curve.fidelity), columns),
        seconds=record.seconds,
        queries_per_second=record.queries_per_second,
        code=None if record.code is None else {part: asdict(one) for part, one in record.code.items()},
    )


def _written(line: _Line) -> bytes:
    """A line as bytes.

    Raises:
        ValueError: a number is not finite.
    """
    plain = {name: getattr(line, name) for name in _Line.model_fields}
    plain["result"] = line.result.model_dump(exclude_unset=True)
    content = json.dumps(plain, separators=(",", ":"), allow_nan=False).encode()
    return _checksum(content) + b" " + content + b"\n"


def _checksum(content: bytes) -> bytes:
    return b"%08x" % zlib.crc32(content)


def _key_of(path: Path) -> str:
    """What tells a change of a trial's files: size, times, and number of each; empty where there is no telling."""
    found: list[str] = []
    for name in _FILES:
        try:
            one = os.stat(f"{path}/{name}")  # noqa: PTH116 (thousands of times)
            found.append(f"{one.st_dev}.{one.st_ino}.{one.st_size}.{one.st_mtime_ns}.{one.st_ctime_ns}")
        except FileNotFoundError:
            found.append("-")
        except OSError:
            return ""
    return " ".join(found)


def _changed(key: str) -> float:
    """When the last of the files has changed, in seconds since 1970."""
    times = (int(time) for one in key.split() if one != "-" for time in one.split(".")[3:])
    return max(times, default=0) / 1e9


def _places(root: Path) -> Iterator[Path]:
    """Where the file may be: in the results folder, or in the user's cache where that cannot be written to."""
    yield root / NAME
    where = hashlib.sha256(os.fsencode(os.path.realpath(root))).hexdigest()[:20]
    yield cache_dir() / "read-results" / where


@cache
def _reader() -> str:
    """A digest of the code that reads results, and of the numbers that it knows: other code may read them otherwise."""
    digest = hashlib.sha256(f"{platform.python_version()} {VERSION}".encode())
    for room in _ROOMS:
        for file in sorted((_HOUSE / room).rglob("*.py")):
            digest.update(os.fsencode(file.relative_to(_HOUSE)) + file.read_bytes())
    for key, number in numbers().items():
        digest.update(f"{key}: {_plain(number)}".encode())
    return digest.hexdigest()[:20]


def _plain(number: object) -> Mapping[str, str]:
    """What a number's card says; functions by their names, since their addresses differ from run to run."""
    facts = vars(number) if hasattr(number, "__dict__") else {}
    return {name: getattr(value, "__qualname__", None) or repr(value) for name, value in facts.items()}
