"""Leases: who holds a thing on disk, on this machine or another. Imports no torch.

A lease is a file ``NAME-N`` beside what it is for. Who takes one makes the next number: of several who try, one makes
the file. Its holder renews it by counting on in it, and writes ``free`` when it lets go. Whoever finds that the count
has stood still for `EXPIRY_SECONDS` of its own clock takes the next number: no two machines need agree on the time, and
no lock of a file system need reach from one to the other. Of a process on the same machine it is known whether it is
there, and one that only stands still keeps what it holds.

The file with the highest number counts. It is never deleted, so a number that was read long ago cannot be made again
unnoticed.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from mebench.api.errors import MebenchError
from mebench.api.printable import printable
from mebench.api.unfinished import machine

BEAT_SECONDS = 5.0
"""Between two signs of life of a holder."""
EXPIRY_SECONDS = 45.0
"""After so long without one a lease may be taken over, unless its holder runs on this machine."""
LEASE = ".lease"
"""What the files are called that say who holds a folder, before their number."""
_COUNT = 12
_FREE = "free".ljust(_COUNT)
_MOST_BYTES = 1_000


class HeldError(MebenchError):
    """Another process holds the lease; the message says which."""


class LostError(MebenchError):
    """Another process has taken the lease over meanwhile."""


@dataclass(frozen=True)
class _Record:
    """What a lease's file says.

    Attributes:
        number: of the file.
        count: as it stands there.
        holder: process, its start, machine and host; empty while the file is being made.
    """

    number: int
    count: str
    holder: dict[str, Any]

    @property
    def free(self) -> bool:
        return self.count == _FREE

    @property
    def here(self) -> bool | None:
        """Whether its holder runs on this machine; None if it is of another, or does not say."""
        if self.holder.get("machine") != _place_of_processes():
            return None
        started = _started(self.holder.get("process"))
        return started is not None and started == self.holder.get("started")

    def __str__(self) -> str:
        process, host = self.holder.get("process"), self.holder.get("host")
        return printable(f"process {process} on {host}") if process and host else "another process"


class LeasePlace:
    """Where a lease is. One object watches whether its holder gives signs of life: keep it between two tries.

    Args:
        folder: made when the lease is taken.
        name: what its files are called, before their number; begins with a dot.
    """

    def __init__(self, folder: Path, name: str = LEASE) -> None:
        self._folder, self._name = folder, name
        self._pattern = re.compile(re.escape(name) + r"-([0-9]{1,9})")
        self._seen: tuple[int, str] | None = None
        self._since = 0.0
        self._moved = False

    def holder(self) -> str | None:
        """Who holds it, as ``process 123 on machine``; None if nobody does, or its holder on this machine is gone."""
        record = self._newest()
        return None if record is None or record.free or record.here is False else str(record)

    @property
    def is_silent(self) -> bool:
        """Whether its holder has given no sign of life since it was first looked at by `take`."""
        return self._seen is not None and not self._moved

    def take(self) -> Lease:
        """Take the lease.

        Raises:
            HeldError: another process holds it.
            OSError: no file can be made there.
        """
        record = self._newest()
        if record is not None and not record.free and not self._is_over(record):
            raise HeldError(str(record))
        number = record.number + 1 if record else 1
        self._folder.mkdir(parents=True, exist_ok=True)
        path = self._path(number)
        try:
            os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644))
        except FileExistsError:
            raise HeldError(str(self._newest() or "another process")) from None
        lease = Lease(self, number)
        if lease.is_lost:  # what was read was of long ago
            path.unlink(missing_ok=True)
            raise HeldError(str(self._newest() or "another process"))
        lease.begin()
        for older in self._numbers():
            if older < number:
                with contextlib.suppress(OSError):
                    self._path(older).unlink()
        self._seen = None
        return lease

    def _is_over(self, record: _Record) -> bool:
        """Whether a holder is gone, as far as this object has watched it."""
        if record.here is not None:
            return not record.here
        now = time.monotonic()
        if self._seen != (record.number, record.count):
            self._moved = self._seen is not None
            self._seen, self._since = (record.number, record.count), now
        return now > self._since + EXPIRY_SECONDS

    def _path(self, number: int) -> Path:
        return self._folder / f"{self._name}-{number}"

    def _numbers(self) -> Iterator[int]:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError), os.scandir(self._folder) as entries:
            for entry in entries:
                if found := self._pattern.fullmatch(entry.name):
                    yield int(found[1])

    def _newest(self) -> _Record | None:
        try:
            number = max(self._numbers(), default=0)
            return self._read(number) if number else None
        except PermissionError:
            return None

    def _read(self, number: int) -> _Record:
        try:
            with self._path(number).open(encoding="utf-8", errors="replace") as file:
                text = file.read(_MOST_BYTES)
        except IsADirectoryError:  # which nobody of ours has made
            return _Record(number, _FREE, {})
        except OSError:  # it is gone, since a newer one is there
            return _Record(number, "", {})
        holder: Any = {}
        with contextlib.suppress(ValueError, RecursionError):
            holder = json.loads(text[_COUNT:] or "{}")
        return _Record(number, text[:_COUNT], holder if isinstance(holder, dict) else {})


class Lease:
    """A lease that this process holds: renewed by a thread of it until `release`.

    Args:
        place: where it is.
        number: of its file.
    """

    def __init__(self, place: LeasePlace, number: int) -> None:
        self._place, self._number = place, number
        self._path = place._path(number)
        self._beats = 0
        self._process = os.getpid()

    @property
    def is_lost(self) -> bool:
        """Whether another process has taken it over."""
        return max(self._place._numbers(), default=0) > self._number

    def begin(self) -> None:
        """Say whose it is, and renew it from now on."""
        about = {
            "process": self._process,
            "started": _started(self._process),
            "machine": _place_of_processes(),
            "host": socket.gethostname(),
        }
        self._write(f"{0:0{_COUNT}d}{json.dumps(about)}\n")
        _heart.add(self)

    def beat(self) -> None:
        """Give a sign of life."""
        self._beats += 1
        self._write(f"{self._beats:0{_COUNT}d}")

    def confirm(self) -> None:
        """Make sure that it is still held.

        Raises:
            LostError: another process has taken it over.
        """
        if self.is_lost:
            raise LostError(self._place.holder() or "another process")

    def release(self) -> None:
        """Let go of it."""
        if self._process == os.getpid():  # else this is a fork of its holder
            _heart.remove(self)
            self._write(_FREE)

    def _write(self, text: str) -> None:
        """Closed each time, which is when other machines on a network disk get to see it."""
        with contextlib.suppress(OSError):  # on a full disk it goes unsaid; or the folder was moved
            handle = os.open(self._path, os.O_WRONLY | os.O_CLOEXEC)
            try:
                os.pwrite(handle, text.encode(), 0)
            finally:
                os.close(handle)


@contextlib.contextmanager
def leased(place: LeasePlace, while_held: Callable[[HeldError], None]) -> Iterator[Lease]:
    """Hold a lease in the block.

    Args:
        place: where it is.
        while_held: called again and again while another process holds it; sleeps, or raises.

    Raises:
        OSError: no file can be made there.
    """
    while True:
        try:
            lease = place.take()
            break
        except HeldError as error:
            while_held(error)
    try:
        yield lease
    finally:
        lease.release()


class _Heart:
    """Renews all leases of a process, in one thread that is there while there are any."""

    def __init__(self) -> None:
        self._leases: set[Lease] = set()
        self._changing = threading.Lock()
        self._process = 0

    def add(self, lease: Lease) -> None:
        """Renew a lease from now on."""
        with self._changing:
            self._leases.add(lease)
            if self._process != os.getpid():
                self._process = os.getpid()
                threading.Thread(target=self._beat, name="leases", daemon=True).start()

    def remove(self, lease: Lease) -> None:
        """Renew it no more."""
        with self._changing:
            self._leases.discard(lease)

    def _beat(self) -> None:
        while True:
            time.sleep(BEAT_SECONDS)
            with self._changing:
                for lease in self._leases:
                    lease.beat()

    def forget(self) -> None:
        """In a fork: what its parent holds is the parent's."""
        self.__init__()  # type: ignore[misc]


_heart = _Heart()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_heart.forget)


@cache
def _place_of_processes() -> str:
    """What tells where a process's number means something: the machine, its start, and the container."""
    try:
        return f"{machine()} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return machine()


def _started(process: object) -> int | None:
    """When a process started, in ticks of this machine; 0 where that is not told; None if it is gone, or a zombie."""
    if not isinstance(process, int) or process <= 0:
        return None
    try:
        state, *more = Path(f"/proc/{process}/stat").read_text(errors="replace").rpartition(")")[2].split()
        return None if state in ("Z", "X") else int(more[18])
    except (OSError, ValueError, IndexError):
        if Path("/proc/self/stat").exists():
            return None
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return None
    except OSError:
        return 0
    return 0
