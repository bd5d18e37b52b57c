"""Runs jobs: in processes of their own, or one after another in this process. Nothing but this knows where."""

from __future__ import annotations

from mebench.engine.inline import InlineEngine
from mebench.engine.interrupts import Interrupts
from mebench.engine.jobs import Engine, Job, Listener, Outcome
from mebench.engine.processes import ProcessEngine

__all__ = ["Engine", "InlineEngine", "Interrupts", "Job", "Listener", "Outcome", "ProcessEngine"]
