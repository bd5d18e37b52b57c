"""Reading and writing files whole. Every file that mebench writes goes through `write_atomically`. Imports no torch."""

from __future__ import annotations

import errno
import json
import os
import re
import stat
from pathlib import Path
from typing import IO, Any, BinaryIO

from mebench.api.errors import ResultsError, UnwritableError
from mebench.api.unfinished import unfinished_file

MAX_DEPTH = 100
"""Levels of a JSON file; no file of mebench's has a fifth of it."""
_DESCRIPTOR = re.compile(r"/dev/(?:(stdout)|(stderr))|/(?:dev|proc/self)/fd/([0-9]{1,9})")
_NOT_BESIDE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.EBUSY, errno.EXDEV)
"""Why a file can be written and not replaced: its folder cannot be written to, or it is mounted by itself."""


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        ResultsError: it cannot be read, is no JSON object, or one that is nested more than `MAX_DEPTH` levels deep.
    """
    return parse_json(read_bytes(path), path)


def parse_json(content: bytes, path: Path) -> dict[str, Any]:
    """Read a JSON object from what a file holds.

    Raises:
        ResultsError: as `read_json`.
    """
    try:
        value = json.loads(content.decode())
    except RecursionError:
        raise ResultsError(f"{path}: is nested too deeply") from None
    except ValueError as error:  # also a number of thousands of digits, and bytes that are not UTF-8
        raise ResultsError(f"{path}: not valid JSON ({error})") from None
    if not isinstance(value, dict):
        raise ResultsError(f"{path}: must hold a JSON object")
    if _is_deep(value):
        raise ResultsError(f"{path}: is nested too deeply")
    return value


def read_bytes(path: Path) -> bytes:
    """Read a file whole.

    Raises:
        ResultsError: it cannot be read, or is a pipe or a device, which may have no end; the message says why.
    """
    try:
        with open_regular(path) as file:
            return file.read()
    except FileNotFoundError:
        what = "is a link to nowhere" if path.is_symlink() else "no such file"
    except IsADirectoryError:
        what = "is a folder"
    except (OSError, ValueError) as error:
        what = f"cannot be read ({why(error)})"
    raise ResultsError(f"{path}: {what}")


def open_regular(path: Path) -> BinaryIO:
    """Open a file for reading without waiting at a pipe for who writes to it.

    Raises:
        IsADirectoryError: it is a folder.
        OSError: it cannot be opened, or is a pipe or a device, which may have no end.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    try:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, "a folder", str(path))
        if not stat.S_ISREG(mode):
            raise OSError(errno.EINVAL, "no regular file", str(path))
        return os.fdopen(descriptor, "rb")
    except BaseException:
        os.close(descriptor)
        raise


def _is_deep(value: Any) -> bool:
    level: list[Any] = [value]
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, (dict, list))
        ]
        if not level:
            return False
    return True


def write_json(path: Path, value: Any) -> None:
    """Write `json_bytes`; see `write_atomically`."""
    write_atomically(path, json_bytes(value))


def json_bytes(value: Any) -> bytes:
    """JSON with sorted keys, so that equal values are equal bytes."""
    return (json.dumps(value, indent=1, sort_keys=True) + "\n").encode()


def write_text(path: Path, text: str) -> None:
    """Write text as UTF-8, with ``?`` for what is no character, such as half of a name; see `write_atomically`."""
    write_atomically(path, text.encode(errors="replace"))


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file whole, and respect what is there.

    A link stays, and the file that it leads to is written. That file is replaced by one rename, so that a crash leaves
    the old one or the new one and never half of it; its mode and its owner stay. Written in place are a file with
    several names (hard links), one that is not ours or in a folder that cannot be written to, a pipe, a device, and
    ``/dev/stdout``. A file that is read-only is not written. Folders that are missing are made.

    Raises:
        UnwritableError: it cannot be written; an old file is as it was.
        BrokenPipeError: the reader of a pipe went away.
    """
    try:
        _write(path, content)
    except BrokenPipeError:
        raise
    except (OSError, ValueError) as error:
        raise UnwritableError(path, why(error)) from error


def why(error: OSError | ValueError) -> str:
    """What an operation on a file failed of, in words."""
    if isinstance(error, FileExistsError):
        return f"{error.filename} is not a folder"
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


def problem_with(path: Path) -> str:
    """Say what will keep a file from being written; empty if nothing is known."""
    if _DESCRIPTOR.fullmatch(str(path)):
        return ""
    try:
        target = Path(os.path.realpath(path))
        standing = _standing(target)
        if standing is not None:
            return "is a folder" if stat.S_ISDIR(standing.st_mode) else "" if _writable(target) else "is read-only"
        return problem_below(target.parent)
    except (OSError, ValueError) as error:
        return why(error)


def problem_below(folder: Path) -> str:
    """Say what will keep files from being written into a folder, which may not exist yet; empty if nothing is known."""
    try:
        for place in (folder, *folder.absolute().parents):
            if (standing := _standing(place)) is not None:
                if not stat.S_ISDIR(standing.st_mode):
                    return f"{place} is not a folder"
                return "" if os.access(place, os.W_OK | os.X_OK) else f"{place} cannot be written to"
    except (OSError, ValueError) as error:
        return why(error)
    return ""


def umask() -> int:
    """The process's umask, which can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


def _write(path: Path, content: bytes) -> None:
    if found := _DESCRIPTOR.fullmatch(str(path)):
        number = 1 if found[1] else 2 if found[2] else int(found[3])
        with os.fdopen(os.dup(number), "wb") as stream:
            stream.write(content)
        return
    if (standing := _standing(path)) is None:
        target = Path(os.path.realpath(path))
        target.parent.mkdir(parents=True, exist_ok=True)
        _replace(target, content, None)
    elif stat.S_ISDIR(standing.st_mode):
        raise IsADirectoryError(errno.EISDIR, "is a folder")
    elif not stat.S_ISREG(standing.st_mode):
        with os.fdopen(os.open(path, os.O_WRONLY), "wb") as stream:
            stream.write(content)
    elif not _writable(path):
        raise PermissionError(errno.EACCES, "is read-only")
    elif standing.st_nlink > 1:
        _overwrite(path, content)
    else:
        try:
            _replace(Path(os.path.realpath(path)), content, standing)
        except OSError as error:
            if error.errno not in _NOT_BESIDE:
                raise
            _overwrite(path, content)


def _standing(path: Path) -> os.stat_result | None:
    """What is at a path, behind links; None if there is nothing."""
    try:
        return path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None


def _writable(path: Path) -> bool:
    return os.access(path, os.W_OK)


def _overwrite(path: Path, content: bytes) -> None:
    """Write over a file that must stay the same file; put the old content back if the new one does not fit."""
    with path.open("r+b", buffering=0) as file:
        before = file.read()
        try:
            _fill(file, content)
            os.fsync(file.fileno())
        except BaseException:
            _fill(file, before)
            raise


def _fill(file: IO[bytes], content: bytes) -> None:
    file.seek(0)
    left = memoryview(content)
    while left:
        left = left[file.write(left) :]
    file.truncate(len(content))


def _replace(target: Path, content: bytes, standing: os.stat_result | None) -> None:
    """Write a new file beside ``target`` and rename it; it gets mode and owner of what it replaces."""
    with unfinished_file(target) as (file, temporary):
        if standing is not None and (standing.st_uid, standing.st_gid) != _owner(file):
            os.fchown(file.fileno(), standing.st_uid, standing.st_gid)
        # mkstemp's own mode keeps others from reading results
        os.fchmod(file.fileno(), 0o666 & ~umask() if standing is None else stat.S_IMODE(standing.st_mode))
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
        temporary.replace(target)


def _owner(file: IO[bytes]) -> tuple[int, int]:
    found = os.fstat(file.fileno())
    return found.st_uid, found.st_gid
