"""Runs jobs: in processes of their own, one after another in this process, or on many machines.

Nothing but this knows where.
"""

from __future__ import annotations

from mebench.run.engine.inline import InlineEngine
from mebench.run.engine.interrupts import Interrupts
from mebench.run.engine.jobs import Cause, Engine, Job, Listener, Outcome
from mebench.run.engine.processes import ProcessEngine
from mebench.run.engine.settings import EngineSettings
from mebench.run.engine.table import engine_asked_for, open_engine

__all__ = [
    "Cause",
    "Engine",
    "EngineSettings",
    "InlineEngine",
    "Interrupts",
    "Job",
    "Listener",
    "Outcome",
    "ProcessEngine",
    "engine_asked_for",
    "open_engine",
]
