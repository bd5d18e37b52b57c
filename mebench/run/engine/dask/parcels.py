"""Files on their way between machines that share no folder.

They are packed as bytes by name, and unpacked in an order that a crash in the midst of it does no harm to.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from mebench.api.errors import UnwritableError
from mebench.api.files import why, write_atomically

Files = dict[str, bytes]
"""What files hold, by their names below a folder."""
Marks = dict[str, tuple[int, int]]
"""Size and time of the last change of files, by their names below a folder."""
_FIRST = "checkpoint.safetensors"
_LAST = (_FIRST, "clone.safetensors", "result.json")
"""What says that all else is there is packed first, and written last."""


def packed(folder: Path, unless: Mapping[str, tuple[int, int]] | None = None) -> tuple[Files, Marks]:
    """Read the files of a folder, those left out whose names begin with a dot.

    Args:
        folder: which may be missing.
        unless: marks of files that are known already; what has not changed since is left out.

    Returns:
        What was read, and the marks of all that are there.
    """
    files: Files = {}
    marks: Marks = {}
    for name in sorted(_names(folder), key=lambda name: name != _FIRST):
        with contextlib.suppress(OSError):  # renamed away meanwhile
            standing = (folder / name).stat()
            mark = (standing.st_size, standing.st_mtime_ns)
            if (unless or {}).get(name) != mark:
                files[name] = (folder / name).read_bytes()
            marks[name] = mark
    return files, marks


def unpack(files: Mapping[str, bytes], folder: Path, *, whole: bool = False) -> None:
    """Write files into a folder.

    Args:
        files: by name; those that say that others are there come last.
        folder: made if it is missing.
        whole: whether what is not among them is deleted.

    Raises:
        UnwritableError: a file cannot be written.
    """
    for name in sorted(files, key=lambda name: _LAST.index(name) if name in _LAST else -1):
        write_atomically(_inside(folder, name), files[name])
    if whole:
        for name in set(_names(folder)) - set(files):
            try:
                (folder / name).unlink(missing_ok=True)
            except OSError as error:
                raise UnwritableError(folder / name, why(error)) from error


def _names(folder: Path) -> Iterator[str]:
    for path in folder.rglob("*"):
        name = path.relative_to(folder)
        if path.is_file() and not any(part.startswith(".") for part in name.parts):
            yield name.as_posix()


def _inside(folder: Path, name: str) -> Path:
    """The path of a file that another machine has named: never one outside the folder."""
    parts = Path(name).parts
    if Path(name).is_absolute() or ".." in parts or not parts:
        raise UnwritableError(folder / name, "is not in the folder")
    return folder / name
