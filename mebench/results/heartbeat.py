"""What a job that runs tells others on disk: a small file beside its log, written every few seconds, gone at its end.

A process that is killed leaves it behind. It is then told from a living one's by its age, by the clock of the file
system that it lies on, since machines' own clocks differ; on the machine that has written it also by its process.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Literal

from mebench.api.files import open_regular
from mebench.api.printable import printable
from mebench.api.progress import Progress
from mebench.api.unfinished import machine

SUFFIX = ".heartbeat"
PERIOD = 5.0
"""Seconds between two writings."""
QUIET, LOST = 20.0, 120.0
"""Seconds without a sign after which it is worth a word, and after which the process is taken for gone: network file
systems show others' changes only after up to a minute."""
_MOST_BYTES = 4_000
_BEYOND = 1e30
_WORDS = ("host", "machine", "device", "unit", "phase")

Life = Literal["running", "quiet", "lost"]


@dataclass(frozen=True)
class Heartbeat:
    """The last sign of a job.

    Attributes:
        host, pid: the process that runs it.
        machine: tells machines and their starts apart; see `mebench.api.unfinished.machine`.
        started: when the job began, in seconds since 1970 by the clock of its host.
        device: as torch names it.
        done, total, unit, phase, accuracy: how far it is; see `mebench.api.progress.Progress`.
        rate: units per second over the last minute; None if that cannot be told.
        beats: how often it was written: a counter that grows as long as the process lives.
    """

    host: str
    pid: int
    machine: str
    started: float
    device: str = ""
    done: int = 0
    total: int = 0
    unit: str = "queries"
    phase: str = ""
    accuracy: float | None = None
    rate: float | None = None
    beats: int = 0

    @classmethod
    def begun(cls, device: str) -> Heartbeat:
        """The first sign of this process."""
        return cls(socket.gethostname(), os.getpid(), machine(), time.time(), device)

    @property
    def holder(self) -> str:
        """The process in words, as `mebench.results.trial_folder.TrialFolder.holder` has them."""
        return f"process {self.pid} on {self.host}"

    @property
    def progress(self) -> Progress | None:
        """How far it is; None before its first report."""
        return Progress(self.done, self.total, self.unit, self.accuracy, self.phase) if self.total else None

    @property
    def left(self) -> float | None:
        """Seconds until the end of this phase; None if that cannot be told."""
        return (self.total - self.done) / self.rate if self.rate and self.total else None


def heartbeat_of(log: Path) -> Path:
    """Where the heartbeat of a job is that has this log."""
    return log.with_suffix(SUFFIX)


def write_heartbeat(path: Path, beat: Heartbeat) -> None:
    """Write it whole, by a rename, and quickly: it is not worth waiting for the disk.

    Raises:
        OSError: it cannot be written.
    """
    beside = path.with_name(f".{path.name}.{beat.machine}-{beat.pid}.partial")
    beside.write_text(json.dumps(asdict(beat)), encoding="utf-8")
    beside.replace(path)


def read_heartbeat(path: Path) -> tuple[Heartbeat, float] | None:
    """Read it, with the time at which it was written by the clock of its file system; None if there is none."""
    try:
        with open_regular(path) as file:
            written = os.fstat(file.fileno()).st_mtime
            beat = _parsed(json.loads(file.read(_MOST_BYTES)))
    except (OSError, ValueError, RecursionError):
        return None
    return None if beat is None else (beat, written)


def life(beat: Heartbeat, age: float) -> Life:
    """Whether a process still runs that has left this sign.

    Args:
        beat: the sign.
        age: seconds since it was written.
    """
    if age < QUIET:
        return "running"
    if age > LOST or (beat.machine == machine() and not _is_there(beat.pid)):
        return "lost"
    return "quiet"


def file_system_clock(folder: Path) -> Callable[[], float]:
    """What tells the time as the file system of a folder has it, in seconds since 1970.

    Where nothing can be written to the folder, it is this machine's own time.
    """
    ahead = 0.0
    with contextlib.suppress(OSError), tempfile.TemporaryFile(dir=folder) as file:
        file.write(b"now")
        file.flush()
        ahead = os.fstat(file.fileno()).st_mtime - time.time()
    return lambda: time.time() + ahead


def _parsed(plain: Any) -> Heartbeat | None:
    """A heartbeat from JSON values; None if they are none."""
    if not isinstance(plain, Mapping) or not {"host", "pid", "machine", "started"} <= plain.keys():
        return None
    known = {one.name: plain[one.name] for one in fields(Heartbeat) if one.name in plain}
    numbers = [known.get(name) for name in ("pid", "started", "done", "total", "beats")]
    maybe = [known.get(name) for name in ("accuracy", "rate")]
    if not all(_is_number(value) for value in [*numbers, *(one for one in maybe if one is not None)]):
        return None
    words = {name: printable(str(known.get(name, "")))[:100] for name in _WORDS}
    return Heartbeat(**(known | words))


def _is_number(value: object) -> bool:
    """Whether it is one to count and to divide with: NaN and what is beyond all counting are not."""
    return isinstance(value, (int, float)) and abs(value) < _BEYOND


def _is_there(pid: int) -> bool:
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError, ValueError):
        return True
    return True
