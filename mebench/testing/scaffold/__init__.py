"""Writing the first files of a plugin: a package that works and passes the conformance kit as it is."""

from __future__ import annotations

import re
import shutil
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template
from typing import Literal

from mebench.api.errors import ConfigurationError, UnwritableError
from mebench.api.files import write_text

Flavour = Literal["generator", "pool", "defence", "recovery", "detector"]
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST = 40
_SUFFIX = ".template"
_PHRASES = {"attack": "an attack", "defence": "a defence", "recovery": "a recovery", "detector": "a detector"}


@dataclass(frozen=True)
class NewPlugin:
    """A plugin that is to be written.

    Attributes:
        name: of what it brings: lower-case words of letters and digits, with hyphens between.
        flavour: an attack that makes its queries, ``generator``, or chooses among unlabelled inputs, ``pool``; or
            another kind of entry.
    """

    name: str
    flavour: Flavour = "generator"

    def __post_init__(self) -> None:
        """Check the name: it becomes the name of a folder and of a module."""
        if not _NAME.fullmatch(self.name) or len(self.name) > _LONGEST:
            raise ConfigurationError(
                f"{self.name!r} cannot name {_PHRASES[self.kind]}: write lower-case letters and digits with single "
                f"hyphens between words, a letter first, at most {_LONGEST} characters, e.g. 'my-{self.kind}'"
            )

    @property
    def kind(self) -> str:
        """What it brings in one word: ``attack``."""
        return "attack" if self.flavour in ("generator", "pool") else self.flavour

    @property
    def distribution(self) -> str:
        """The name of its distribution, and of its folder."""
        return f"mebench-{self.name}"

    @property
    def package(self) -> str:
        """The name of its Python package."""
        return f"mebench_{self.name.replace('-', '_')}"

    def write(self, parent: Path) -> list[Path]:
        """Write the files into a new folder below ``parent``; return them.

        Raises:
            ConfigurationError: the folder exists, or cannot be made.
            UnwritableError: a file cannot be written; none is left.
        """
        folder = parent / self.distribution
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            raise ConfigurationError(f"{folder} exists already; nothing was written. Choose another --dir") from None
        except OSError as error:
            raise ConfigurationError(f"{folder} cannot be made: {error.strerror}") from None
        texts = {folder / place: text for place, text in self._files()}
        try:
            for file, text in texts.items():
                write_text(file, text)
        except UnwritableError:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return sorted(texts)

    def _files(self) -> list[tuple[str, str]]:
        """Every file's place below the folder, and its text."""
        root = resources.files("mebench.testing.scaffold") / "templates"
        folders = dict.fromkeys(("shared", self.kind, self.flavour))
        found = [file for folder in folders for file in _templates(root / folder)]
        words = {"name": self.name, "kind": self.kind, "distribution": self.distribution, "package": self.package}
        words["title"] = "".join(word.capitalize() for word in self.name.split("-"))
        places = [(place.replace("package/", f"{self.package}/"), text) for place, text in found]
        return [(place, Template(text).substitute(words)) for place, text in places]


def _templates(folder: Traversable, prefix: str = "") -> list[tuple[str, str]]:
    """The templates in a folder and below it, each with its place and text."""
    found = []
    for entry in sorted(folder.iterdir(), key=lambda one: one.name):
        if entry.is_dir():
            found += _templates(entry, f"{prefix}{entry.name}/")
        elif entry.name.endswith(_SUFFIX):
            found.append((prefix + entry.name.removesuffix(_SUFFIX), entry.read_text(encoding="utf-8")))
    return found
