"""A plugin that was found, wherever it comes from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from mebench.api.errors import PluginError


@dataclass(frozen=True, eq=False)
class Source:
    """A plugin that was found, not loaded yet.

    Attributes:
        name: of the entry point, or of the file.
        distribution, version: where it comes from; of a one-file plugin, folder and file, and its ``__version__`` or
            a hash of its text.
        module: what its module is called once it is loaded.
        load: imports it.
        path: of a one-file plugin; else None.
        fixed: whether it cannot be switched off, as the rooms of mebench itself.
        prefix: what its modules are called, where that is not what it calls them itself.
    """

    name: str
    distribution: str
    version: str
    module: str
    load: Callable[[], Any]
    path: Path | None = None
    prefix: str = ""
    fixed: bool = False

    def target(self, written: str) -> str:
        """A ``"module:object"`` of this plugin's under the name that its module really has."""
        module, colon, attribute = written.partition(":")
        first, dot, rest = module.partition(".")
        return f"{self.prefix}{dot}{rest}{colon}{attribute}" if self.prefix and first == self.name else written


def refuse(reason: str) -> NoReturn:
    """What `Source.load` is where there is nothing to load.

    Raises:
        PluginError: the reason.
    """
    raise PluginError(reason)
