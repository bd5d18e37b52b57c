"""Which files of a user's folders are taken: what is hidden is left out, links are followed, and all else is told."""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mebench.api.errors import DataUnavailableError
from mebench.api.notices import notice
from mebench.api.suggestions import did_you_mean

PICTURES = frozenset(
    {
        *(".png", ".apng", ".jpg", ".jpeg", ".jpe", ".jfif", ".jp2", ".j2k", ".webp", ".gif", ".bmp", ".dib", ".tga"),
        *(".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm", ".pfm"),
    }
)
"""Endings of picture files, in lower case; those in upper case are taken too."""
_OF_SYSTEMS = frozenset({"__MACOSX", "@eaDir"})  # as hidden, though their names do not begin with a dot
_SHOWN = 3


@dataclass
class LeftOut:
    """What was not taken of a folder.

    Attributes:
        hidden: names of hidden files and folders.
        others: how many files there were of every other ending, an empty one for none.
        loops: links to a folder above them.
        loose: pictures that lie beside the folders of the classes.
    """

    hidden: list[str] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)
    loops: list[str] = field(default_factory=list)
    loose: list[str] = field(default_factory=list)

    def add(self, other: LeftOut) -> None:
        """Count what was left out elsewhere, too."""
        self.hidden += other.hidden
        self.others += other.others
        self.loops += other.loops
        self.loose += other.loose

    def tell(self, name: str, folder: Path, wanted: str) -> None:
        """Say once what it was, if it was anything.

        Args:
            name: of the data set.
            folder: where it lies.
            wanted: what was looked for, in the plural.
        """
        if words := self.words(wanted):
            notice(f"{name}: {folder}: left out {words}")

    def words(self, wanted: str) -> str:
        """What it was, in words; empty if it was nothing."""
        return ", ".join(self._parts(wanted))

    def _parts(self, wanted: str) -> Iterator[str]:
        one = wanted.removesuffix("s")
        if self.hidden:
            yield f"{len(self.hidden)} hidden ({some(sorted(set(self.hidden)))})"
        if self.others:
            endings = [ending or "without an ending" for ending, _ in sorted(self.others.items(), key=_most_first)]
            words = counted(
                self.others.total(), f"that is no {one} by its name", f"that are no {wanted} by their names"
            )
            yield f"{words} ({some(endings)})"
        if self.loops:
            yield f"{counted(len(self.loops), 'link', 'links')} back to a folder above ({some(self.loops)})"
        if self.loose:
            yield f"{counted(len(self.loose), one, wanted)} in no class's folder ({some(self.loose)})"


def _most_first(counted: tuple[str, int]) -> tuple[int, str]:
    return -counted[1], counted[0]


def counted(count: int, one: str, many: str) -> str:
    """A number and what it counts: ``1 file``, ``2 files``."""
    return f"{count:,} {one if count == 1 else many}"


def some(names: Sequence[str]) -> str:
    """The first of them, for a message."""
    return ", ".join([*names[:_SHOWN], *(["..."] if len(names) > _SHOWN else [])])


def no_such_folder(folder: Path, wanted: str = "") -> DataUnavailableError:
    """The error for a folder that is not there; it names one that is nearly so called.

    Args:
        folder: that is not there.
        wanted: a clause on what it must hold, or nothing.
    """
    if folder.exists():
        return DataUnavailableError(f"{folder}: is a file and no folder")
    present = [one.name for one in sorted(folder.parent.glob("[!.]*")) if one.is_dir()]
    near = did_you_mean(folder.name, present)
    for name in present:
        if unicodedata.normalize("NFC", name) == unicodedata.normalize("NFC", folder.name):
            near = f". There is one whose name looks the same, with its accents written in another way: {name!a}"
    return DataUnavailableError(f"{folder}: no such folder{wanted and '; '}{wanted}{near}")


def files_below(folder: Path, endings: Collection[str], left_out: LeftOut, above: Sequence[Path] = ()) -> list[Path]:
    """Every file with one of these endings (in lower or upper case) in a folder and below it, in no order.

    Links to files and folders are followed; a link back to a folder above it is not.

    Args:
        folder: is there.
        endings: in lower case, with the dot.
        left_out: is told what is not taken.
        above: folders that it lies in, to which no link back is followed either.

    Raises:
        DataUnavailableError: a folder cannot be listed, or what looks like a picture or a folder is a link to nothing.
    """
    return list(_below(folder, endings, left_out, tuple(map(_identity, above))))


def _below(
    folder: Path, endings: Collection[str], left_out: LeftOut, above: tuple[tuple[int, int], ...]
) -> Iterator[Path]:
    here = (*above, _identity(folder))
    for entry in shown(folder, endings, left_out):
        if entry.is_dir():
            if _identity(folder / entry.name) in here:
                left_out.loops.append(entry.name)
            else:
                yield from _below(folder / entry.name, endings, left_out, here)
        else:
            yield folder / entry.name


def _identity(folder: Path) -> tuple[int, int]:
    stat = folder.stat()
    return stat.st_dev, stat.st_ino


def shown(folder: Path, endings: Collection[str], left_out: LeftOut) -> list[os.DirEntry[str]]:
    """The folders, and the files with one of these endings, that are in a folder and are not hidden.

    Raises:
        DataUnavailableError: as `files_below`.
    """
    return [entry for entry in _entries(folder) if _is_taken(entry, endings, left_out)]


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError as error:
        raise DataUnavailableError(f"{folder}: cannot be listed ({error.strerror})") from None


def _is_taken(entry: os.DirEntry[str], endings: Collection[str], left_out: LeftOut) -> bool:
    if entry.name.startswith(".") or entry.name in _OF_SYSTEMS:
        left_out.hidden.append(entry.name)
        return False
    ending, path = Path(entry.name).suffix.lower(), Path(entry.path)
    if path.is_dir() or (path.is_file() and ending in endings):
        return True
    if entry.is_symlink() and not path.exists() and (ending in endings or not ending):
        raise DataUnavailableError(f"{path}: a link to {path.readlink()}, which is not there: mend it, or delete it")
    left_out.others[ending] += 1
    return False
