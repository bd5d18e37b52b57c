"""Everything of a trial that changes, on disk: it goes on from there to the same result, bit for bit on a CPU."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from mebench.api.errors import ResultsError
from mebench.guard.call import Guard
from mebench.trial.state_file import load_state, save_state, unsavable

FORMAT = 3
"""Of the checkpoint; one of another format is not read, and the trial starts anew."""
_log = logging.getLogger(__name__)


class Part(Protocol):
    """Something of a trial that changes."""

    def state_dict(self) -> dict[str, Any]:
        """Everything that changes."""

    def load_state_dict(self, state: Mapping[str, Any], /) -> None:
        """Go on from a ``state_dict()``."""


class Checkpoint:
    """Saves and restores the parts of a trial.

    Args:
        path: of the file.
        parts: by name; restored in this order.
        guard: of the attack, which is named where a state cannot be saved, unless the part has a ``guard`` of its own.
    """

    def __init__(self, path: Path, parts: Mapping[str, Part], guard: Guard) -> None:
        self._path, self._parts, self._guard = path, parts, guard

    def save(self) -> None:
        """Write the state of all parts.

        Raises:
            PluginFaultError: a state holds what a checkpoint cannot.
        """
        state = {name: part.state_dict() for name, part in self._parts.items()}
        try:
            save_state(self._path, {"format": FORMAT, **state})
        except TypeError as error:
            for name, part in self._parts.items():
                if problem := unsavable(state[name], f"state[{name!r}]"):
                    getattr(part, "guard", self._guard).fail(problem)
            raise AssertionError("every part can be saved, and the whole cannot") from error

    def resume(self) -> None:
        """Restore all parts, if there is a checkpoint that can be read."""
        if not self._path.exists():
            return
        try:
            state = load_state(self._path)
        except ResultsError as error:
            _log.warning("%s; the trial starts anew", error)
            return
        if state.get("format") != FORMAT:
            _log.warning("%s: written by another version of mebench; the trial starts anew", self._path)
            return
        for name, part in self._parts.items():
            part.load_state_dict(state[name])
