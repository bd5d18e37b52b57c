"""Everything of a trial that changes, on disk: it goes on from there to the same result, bit for bit on a CPU."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import torch

from mebench.api.errors import ResultsError
from mebench.guard.call import Guard
from mebench.models.state_file import load_state, save_state, unsavable
from mebench.registry.safe_import import what_happened

FORMAT = 4
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
        belongs_to: which trial it is of, and before which victim; a checkpoint of another is not read.
    """

    def __init__(
        self, path: Path, parts: Mapping[str, Part], guard: Guard, belongs_to: Mapping[str, str] | None = None
    ) -> None:
        self._path, self._parts, self._guard = path, parts, guard
        self._head = {"format": FORMAT, "belongs_to": dict(belongs_to or {})}

    def save(self) -> None:
        """Write the state of all parts.

        Raises:
            PluginFaultError: a state holds what a checkpoint cannot.
        """
        state = {name: part.state_dict() for name, part in self._parts.items()}
        try:
            save_state(self._path, {**self._head, **state})
        except TypeError as error:
            for name, part in self._parts.items():
                if problem := unsavable(state[name], f"state[{name!r}]"):
                    getattr(part, "guard", self._guard).fail(problem)
            raise AssertionError("every part can be saved, and the whole cannot") from error
        _log.info("checkpoint saved")

    def resume(self) -> None:
        """Restore all parts, if there is a checkpoint.

        Raises:
            ResultsError: it cannot be gone on with; the parts may be half restored, and are of no use any more.
        """
        if not self._path.exists():
            return
        state = load_state(self._path)
        if state.get("format") != FORMAT:
            raise ResultsError(f"{self._path}: written by another version of mebench")
        if state.get("belongs_to") != self._head["belongs_to"]:
            raise ResultsError(f"{self._path}: of another trial, or before another victim")
        for name, part in self._parts.items():
            try:
                part.load_state_dict(state[name])
            except (MemoryError, torch.OutOfMemoryError):
                raise
            except Exception as error:
                raise ResultsError(f"{self._path}: {name} cannot go on from it ({what_happened(error)})") from error
        _log.info("goes on from its checkpoint")
