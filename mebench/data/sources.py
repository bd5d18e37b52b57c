"""Where data sets are looked for: folders and file names only, so that listing them never imports torch.

In this order: the folder given (and then nowhere else), the folder in ``MEBENCH_DATA``, the folder of a system
package, the torchvision layout in the cache, a download with checksum (unless ``MEBENCH_OFFLINE=1``).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mebench.api.errors import ConfigurationError, DataUnavailableError
from mebench.data.downloads import Download

GIVEN = "folder given"
ENVIRONMENT = "MEBENCH_DATA"
SYSTEM = "system package"
CACHE = "cache"
EMBEDDED = "embedded in the package"


def cache_dir() -> Path:
    """Where mebench keeps what can be made or fetched again: ``MEBENCH_CACHE``, else the user's cache folder."""
    if own := os.environ.get("MEBENCH_CACHE"):
        return Path(own).expanduser()
    if shared := os.environ.get("XDG_CACHE_HOME"):
        return Path(shared).expanduser() / "mebench"
    return Path.home() / ".cache" / "mebench"


def download_folder() -> Path:
    """Where downloads go, in torchvision's layout."""
    return cache_dir() / "datasets"


def offline() -> bool:
    """Whether ``MEBENCH_OFFLINE`` forbids downloads."""
    return os.environ.get("MEBENCH_OFFLINE", "") not in ("", "0")


@dataclass(frozen=True)
class Layout:
    """How a data set lies on disk.

    Attributes:
        name: as registered.
        files: names that must all be there, each plain or with ``.gz``; a name with a slash at its end is a folder.
        alternatives: other sets of names, any of which will do instead, if the data comes in several forms.
        folders: below a folder that may hold several data sets, where the files can be.
        system: folder and name of a system package, if there is one.
        embedded: folder inside mebench, if it ships with the package.
        download: what fetches it into the download folder, or None.
        what, url: what to fetch by hand, and where it is published.
        kind: what it is, for errors.
        licence: of what is no registered data set; of those the registry knows.
    """

    name: str
    files: tuple[str, ...]
    alternatives: tuple[tuple[str, ...], ...] = ()
    folders: tuple[str, ...] = ()
    system: tuple[Path, str] | None = None
    embedded: Path | None = None
    download: Download | None = None
    what: str = ""
    url: str = ""
    kind: str = "data set"
    licence: str = ""


@dataclass(frozen=True)
class Found:
    """Where a data set was found.

    Attributes:
        folder: holds the files.
        place: ``folder given``, ``MEBENCH_DATA``, ``system package ...``, ``cache`` or ``embedded in the package``;
            part of results, so it names no path.
    """

    folder: Path
    place: str

    def file(self, name: str) -> Path:
        """The file of that name, plain or compressed."""
        plain = self.folder / name
        return plain if _is(plain, Path.is_file) else self.folder / f"{name}.gz"

    def has(self, name: str) -> bool:
        """Whether a file is there, plain or compressed; or a folder, whose name ends in a slash."""
        return _is(self.folder / name, Path.is_dir) if name.endswith("/") else _is(self.file(name), Path.is_file)

    def holds(self, names: tuple[str, ...]) -> bool:
        """Whether all these files and folders are there."""
        return all(self.has(name) for name in names)


def _is(path: Path, kind: Callable[[Path], bool]) -> bool:
    """Whether something of a kind is there; nothing is at a path that the system refuses, such as one too long."""
    try:
        return kind(path)
    except OSError:
        return False


def candidates(layout: Layout, root: str | None = None) -> Iterator[Found]:
    """Every place where the data set is looked for, in order; a file given stands for its folder."""
    if root is not None:
        given = given_folder(layout.name, root)
        for folder in ("", *layout.folders):
            yield Found((given.parent if _is(given, Path.is_file) else given) / folder, GIVEN)
        return
    if layout.embedded is not None:
        yield Found(layout.embedded, EMBEDDED)
        return
    if own := os.environ.get("MEBENCH_DATA"):
        for folder in layout.folders:
            yield Found(Path(own).expanduser() / folder, ENVIRONMENT)
    if layout.system is not None:
        yield Found(layout.system[0], f"{SYSTEM} {layout.system[1]}")
    for folder in layout.folders:
        yield Found(download_folder() / folder, CACHE)


def given_folder(name: str, root: str) -> Path:
    """The folder of a data set that a user gives; an empty path is not taken for the current folder.

    Raises:
        ConfigurationError: it is empty.
    """
    if not root.strip():
        raise ConfigurationError(f"data set {name!r}: its `root` is empty: name the folder, or leave it out")
    return Path(root).expanduser()


def find(layout: Layout, root: str | None = None) -> Found | None:
    """The first place that holds all the files, or None."""
    for found in candidates(layout, root):
        if any(found.holds(names) for names in (layout.files, *layout.alternatives)):
            return found
    return None


def unavailable(layout: Layout, root: str | None, reason: str = "") -> DataUnavailableError:
    """The one error for a data set that is nowhere: every place looked at, and what to do."""
    looked = ", ".join(f"{found.folder} ({found.place}{_lacks(layout, found)})" for found in candidates(layout, root))
    message = f"{layout.kind} {layout.name!r} not found; looked in {looked}"
    if reason:
        message += f"; {reason}"
    return DataUnavailableError(f"{message}. {_advice(layout, root)}")


def _lacks(layout: Layout, found: Found) -> str:
    """Name what is missing where only a part of the files was found."""
    missing = [name for name in layout.files if not found.has(name)]
    return f", lacks {', '.join(missing)}" if len(missing) < len(layout.files) else ""


def _advice(layout: Layout, root: str | None) -> str:
    if root is not None:
        return f"Put {layout.what} there, or leave out `root` to look elsewhere"
    if layout.embedded is not None:
        return "Install mebench again"
    target = download_folder() / layout.folders[0]
    below = f"{layout.folders[0]} below a folder" if layout.folders[0] else "a folder"
    steps = [f"put {layout.what} from {layout.url} into {target}, or into {below} that MEBENCH_DATA names"]
    if layout.system is not None:
        steps.insert(0, f"`apt-get install {layout.system[1]}` (Debian, Ubuntu)")
    advice = ", or ".join(steps)
    return f"Without internet access: {advice}" if layout.download else f"{advice[0].upper()}{advice[1:]}"
