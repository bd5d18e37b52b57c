"""Runs jobs: in processes of their own, or one after another in this process. Nothing but this knows where."""

from __future__ import annotations

from mebench.run.engine.inline import InlineEngine
from mebench.run.engine.interrupts import Interrupts
from mebench.run.engine.jobs import Cause, Engine, Job, Listener, Outcome
from mebench.run.engine.processes import ProcessEngine

__all__ = ["Cause", "Engine", "InlineEngine", "Interrupts", "Job", "Listener", "Outcome", "ProcessEngine"]
