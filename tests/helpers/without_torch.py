"""Environments of processes that test the engine."""

from __future__ import annotations

import os
from pathlib import Path

HELPERS = Path(__file__).resolve().parent


def with_helpers() -> dict[str, str]:
    """Environment variables with which a process finds the modules of this folder."""
    return {**os.environ, "PYTHONPATH": str(HELPERS)}


def without_torch() -> dict[str, str]:
    """The same, and what it starts finds no torch: a fork server takes seconds to import it.

    What signals, variables and process ids do does not depend on it.
    """
    return {**os.environ, "PYTHONPATH": os.pathsep.join((str(HELPERS / "no_torch"), str(HELPERS)))}
