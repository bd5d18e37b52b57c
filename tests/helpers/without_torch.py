"""Environments of processes that test the engine."""

from __future__ import annotations

import os
from pathlib import Path

HELPERS = Path(__file__).resolve().parent


def without_torch() -> dict[str, str]:
    """Environment variables with which a process finds the modules of this folder, and what it starts finds no torch:
    a fork server takes seconds to import it.

    What signals, variables and process ids do does not depend on it.
    """
    return {**os.environ, "PYTHONPATH": os.pathsep.join((str(HELPERS / "no_torch"), str(HELPERS)))}
