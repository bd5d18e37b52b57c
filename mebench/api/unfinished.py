"""Files and folders while they are written: named so, locked, and deleted once their writer is gone. Imports no torch.

A writer that is killed leaves them behind. Its lock goes with it, and a lock tells the truth on one machine between two
starts of it, which the name holds. What another machine has left on a shared disk, whose locks may not be seen here,
must be a day old as well.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import platform
import shutil
import tempfile
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import IO

PARTIAL = ".partial"
"""How the names of files end that are being written; they begin with a dot. Names of folders begin with it."""
FOREIGN_SECONDS = 86_400.0
_NAME_BYTES = 180
_MACHINE = "@"
_swept: set[str] = set()


@contextlib.contextmanager
def unfinished_file(target: Path) -> Iterator[tuple[IO[bytes], Path]]:
    """A new file in the folder of ``target``, to be renamed; locked while it is open, and deleted by an exception.

    A process looks for what others have left in a folder when it first writes there.
    """
    _sweep_once(target.parent)
    beginning = f".{os.fsdecode(os.fsencode(target.name)[:_NAME_BYTES])}.{machine()}-"
    while True:
        descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=beginning, suffix=PARTIAL)
        with os.fdopen(descriptor, "wb") as file:
            _lock(descriptor)
            if not os.fstat(descriptor).st_nlink:
                continue  # swept away by another writer before it was locked
            try:
                yield file, Path(name)
            except BaseException:
                Path(name).unlink(missing_ok=True)
                raise
            return


@contextlib.contextmanager
def unfinished_folder(parent: Path) -> Iterator[Path]:
    """A new folder in another, to be renamed; locked in the block, and deleted by an exception."""
    sweep(parent)
    while True:
        folder = Path(tempfile.mkdtemp(dir=parent, prefix=f"{PARTIAL}-{machine()}-"))
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            _lock(descriptor)
            if not folder.is_dir():
                continue  # swept away before it was locked
            try:
                yield folder
            except BaseException:
                shutil.rmtree(folder, ignore_errors=True)
                raise
            return
        finally:
            os.close(descriptor)


def sweep(folder: Path) -> None:
    """Delete what writers that are gone have left unfinished in a folder."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(".") and _is_unfinished(entry):
                with contextlib.suppress(OSError):
                    _delete_if_left(entry)


@cache
def machine() -> str:
    """Twelve characters that tell machines, and the starts of one, apart: whose locks can be trusted."""
    try:
        name = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")
    except (OSError, ValueError):
        name = platform.node()
    return _MACHINE + hashlib.sha256(name.encode()).hexdigest()[:11]


def _sweep_once(folder: Path) -> None:
    """A look takes as long as the folder is full, and a process writes to some of them thousands of times."""
    if (place := str(folder)) not in _swept:
        _swept.add(place)
        sweep(folder)


def _is_unfinished(entry: os.DirEntry[str]) -> bool:
    if entry.name.endswith(PARTIAL):
        return entry.is_file(follow_symlinks=False)
    return entry.name.startswith(f"{PARTIAL}-") and entry.is_dir(follow_symlinks=False)


def _delete_if_left(entry: os.DirEntry[str]) -> None:
    """Delete it, unless somebody is writing it, or may be."""
    ours = machine() in entry.name or _MACHINE not in entry.name  # without: of a version that named no machine
    if not ours and time.time() - entry.stat(follow_symlinks=False).st_mtime < FOREIGN_SECONDS:
        return
    descriptor = os.open(entry.path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if entry.is_dir(follow_symlinks=False):
            shutil.rmtree(entry.path)
        else:
            Path(entry.path).unlink()
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> None:
    with contextlib.suppress(OSError):  # some file systems have no locks
        fcntl.flock(descriptor, fcntl.LOCK_EX)
