"""Code as results know it: a distribution, its version, and a digest of its files. Imports no torch, runs nothing.

docs/plugins.md says what counts as the code of a trial.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path

OWN = "mebench"
"""The distribution whose version does not count: it has a protocol, which is a part of every trial's id."""
MOST_FILES = 2_000
MOST_BYTES = 16 << 20
_PASSED_OVER = ("__pycache__", "node_modules")
_NO_CODE = (".pyc", "~", ".md", ".rst")


@dataclass(frozen=True)
class Code:
    """Where something that a trial runs comes from.

    Attributes:
        distribution: a distribution; of what is not installed, the file.
        version: empty where it has none.
        digest: of its files; empty where they cannot be told.
    """

    distribution: str
    version: str = ""
    digest: str = ""

    def is_same(self, other: Code) -> bool:
        """Whether results of both belong together. What is not known of one of them does not count."""
        ours = self.distribution == other.distribution == OWN
        versions = ours or self.version == other.version
        return versions and (self.digest == other.digest or not (self.digest and other.digest))

    def told_from(self, other: Code) -> str:
        """Name it, with as much as tells it from the other."""
        named = f"{self.distribution} {self.version}".strip()
        return named if self.version != other.version or not self.digest else f"{named} ({self.digest})"

    @staticmethod
    def from_json(plain: object) -> Code | None:
        """The inverse of ``asdict``; None for what is none."""
        if not isinstance(plain, Mapping):
            return None
        values = [plain.get(name, "") for name in ("distribution", "version", "digest")]
        return Code(*values) if all(isinstance(value, str) for value in values) else None


def changes(before: Mapping[str, Code], now: Mapping[str, Code]) -> list[str]:
    """A clause for each part whose code is another now; parts that only one of them knows do not count."""
    return [
        f"{part} is of {now[part].told_from(before[part])}, was of {before[part].told_from(now[part])}"
        for part in now
        if part in before and not before[part].is_same(now[part])
    ]


@cache
def package_digest(module: str) -> str:
    """Sixteen hexadecimal digits of the files of the package that a module is in, or of the module by itself.

    They are read once per process, when the plugin is loaded, so that they are those of the code that runs. Of the
    portions of a namespace package, the one that the module is in counts. Empty where there are no files to read.
    """
    roots = list(_roots(module))
    return _short(b"".join(_tree(root) for root in roots)) if roots else ""


def file_digest(path: Path) -> str:
    """Sixteen hexadecimal digits of a file, however large; empty where it cannot be read.

    It is read once per process, and again when its size or time has changed.
    """
    try:
        state = path.stat()
        return _file_digest(path, state.st_mtime_ns, state.st_size) if stat.S_ISREG(state.st_mode) else ""
    except OSError:
        return ""


@cache
def _file_digest(path: Path, time: int, size: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]


def _roots(module: str) -> Iterator[Path]:
    """The folder of the outermost package around a module that is a regular one, or the module's file."""
    words = module.split(".")
    for length in range(1, len(words) + 1):
        try:
            found = importlib.util.find_spec(".".join(words[:length]))
        except (ImportError, ValueError, AttributeError):
            return
        if found is None:
            return
        if found.has_location and found.origin:
            file = Path(found.origin)
            yield file.parent if found.submodule_search_locations is not None else file
            return


def _tree(root: Path) -> bytes:
    """Names and digests of the files of a package, or of one file; links are followed, each folder once."""
    lines = []
    for file in islice(_files(root), MOST_FILES):
        name = os.fsencode(file.relative_to(root)) if file != root else os.fsencode(file.name)
        lines.append(name + b"\0" + _content(file))
    return b"\n".join(lines)


def _files(root: Path) -> Iterator[Path]:
    """The files that count, in an order that only their names make."""
    if not root.is_dir():
        yield root
        return
    seen: set[Path] = set()
    for folder, inside, files in os.walk(root, followlinks=True):
        place = Path(folder).resolve()
        fresh = [] if place in seen else sorted(name for name in inside if _counts(name))
        inside[:] = fresh
        if place not in seen:
            yield from (Path(folder, name) for name in sorted(files) if _counts(name))
        seen.add(place)


def _counts(name: str) -> bool:
    return not (name.startswith(".") or name.endswith(_NO_CODE) or name in _PASSED_OVER)


def _content(file: Path) -> bytes:
    """The digest of a file; of one that is very large, its size; a word for what is no file, or cannot be read."""
    try:
        state = file.stat()
        if not stat.S_ISREG(state.st_mode):
            return b"no file"
        if state.st_size > MOST_BYTES:
            return b"%d bytes" % state.st_size
        return hashlib.sha256(file.read_bytes()).digest()
    except OSError:
        return b"unreadable"


def _short(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
