"""What is put back in this process after a plugin was loaded, whatever its code has set meanwhile."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

from mebench.api.files import umask
from mebench.api.process_limits import armed, disarm, limits, set_limits


class LoadingState:
    """The state of this process now, to which `put_back` brings it.

    Libraries raise the limit of recursion and add to the import path: that stays.
    """

    def __init__(self) -> None:
        self._folder, self._variables = _folder(), os.environ.copy()
        self._recursion, self._umask = sys.getrecursionlimit(), umask()
        self._limits, self._armed = limits(), armed()
        self._paths, self._finders, self._modules = list(sys.path), list(sys.meta_path), dict(sys.modules)

    def put_back(self) -> bool:
        """Put it back; return whether the working directory was another."""
        if os.environ.copy() != self._variables:
            os.environ.clear()
            os.environ.update(self._variables)
        if sys.getrecursionlimit() < self._recursion:
            sys.setrecursionlimit(self._recursion)
        os.umask(self._umask)
        with contextlib.suppress(ValueError, OSError):
            set_limits(self._limits)
        disarm(self._armed)
        self._let_import()
        moved = _folder() != self._folder
        if moved and self._folder is not None:
            os.chdir(self._folder)
        return moved

    def _let_import(self) -> None:
        """What could be imported before can be imported again, and what was imported is what it was."""
        sys.path += [one for one in self._paths if one not in sys.path]
        sys.meta_path += [one for one in self._finders if one not in sys.meta_path]
        sys.modules.update(self._modules)


def _folder() -> Path | None:
    """The working directory; None if it has been removed."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        return None
