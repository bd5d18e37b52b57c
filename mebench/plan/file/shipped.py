"""The benchmark files that come with mebench, by name; and which file is meant by what a user wrote.

They are those of the folder ``benchmarks`` of the repository; a wheel holds them as ``mebench/benchmarks``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from mebench.api.errors import ConfigurationError
from mebench.api.notices import notice
from mebench.api.suggestions import did_you_mean, nearest

SUFFIXES = (".yaml", ".yml")
_PACKAGE = Path(__file__).resolve().parents[2]


def shipped() -> dict[str, Path]:
    """The benchmark files that come with mebench by name, which is that of the file without its suffix; sorted."""
    for folder in (_PACKAGE / "benchmarks", _PACKAGE.parent / "benchmarks"):  # of a wheel; of a checkout
        if found := {file.stem: file for file in sorted(folder.glob("*.yaml"))}:
            return found
    return {}


def benchmark_file(written: str | Path) -> Path:
    """The file that a user means: the path, if there is a file; else what comes with mebench under this name.

    Where a name is taken, and a file beside it differs from it by a suffix alone, a notice says so.

    Raises:
        ConfigurationError: neither; the message names what is near.
    """
    path, name, known = Path(written), str(written), shipped()
    there = _is_there(path)
    is_folder = there and os.path.isdir(path)  # noqa: PTH112 (an OSError is no folder)
    if there and not is_folder:
        return path
    if name in known:
        for own in _with_suffix(path):
            notice(f"{name} is the benchmark that comes with mebench; for the file here, write {own}")
        return known[name]
    if is_folder:
        raise ConfigurationError(f"{path}: is a folder, not a benchmark file")
    raise ConfigurationError(f"{path}: no such file{_hint(path, known)}")


def _is_there(path: Path) -> bool:
    """Whether there is something of this path, also where it cannot be looked at."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return False
    except OSError:  # reading it says what is wrong
        return True
    return True


def _with_suffix(path: Path) -> Iterator[Path]:
    """Files that are called like the path, with the suffix of a benchmark file."""
    for suffix in SUFFIXES:
        if path.name and (own := path.with_name(path.name + suffix)).is_file():
            yield own


def _hint(path: Path, known: dict[str, Path]) -> str:
    """What may be meant instead."""
    for own in _with_suffix(path):
        return f". Did you mean {str(own)!r}?"
    is_name = path.suffix not in SUFFIXES and path.parent == Path()
    beside = _beside(path)
    if is_name:
        said = did_you_mean(path.name, [*known, *beside])
        return f", nor a benchmark of this name{said if '?' in said else ': `mebench benchmarks` lists what there is'}"
    if near := nearest(path.name, beside):
        return f". Did you mean {str(path.with_name(near))!r}?"
    if path.suffix in SUFFIXES and (meant := nearest(path.stem, known)):
        return f": for the benchmark that comes with mebench, write {meant}"
    return ""


def _beside(path: Path) -> list[str]:
    """The names of benchmark files in the folder of a path."""
    try:
        return sorted(file.name for file in path.parent.iterdir() if file.suffix in SUFFIXES)
    except OSError:
        return []
