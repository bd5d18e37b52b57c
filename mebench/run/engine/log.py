"""The log of a job: what it prints, and its life in lines of their own, each with a time."""

from __future__ import annotations

import contextlib
import logging
import os
import resource
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from mebench.api.durations import measured
from mebench.run.engine.jobs import Outcome

_FORM = "%(asctime)s %(message)s"
_TIME = "%Y-%m-%dT%H:%M:%S+00:00"


def log_to_stderr() -> None:
    """Write what mebench notes in this process to stderr, which is the job's log; with times in UTC."""
    form = logging.Formatter(_FORM, _TIME)
    form.converter = time.gmtime
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(form)
    logger = logging.getLogger("mebench")
    logger.handlers = [handler]
    logger.setLevel(logging.INFO)
    logger.propagate = False


def begun(title: str, device: str, threads: int) -> str:
    """The line that a log begins with, at each try."""
    return f"--- {_now()} {title}: process {os.getpid()}, {device}, {threads} thread(s)"


def over(outcome: Outcome) -> str:
    """The line on how a try ended, and the time of a processor that this process and its children took."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu = sum(one.ru_utime + one.ru_stime for one in used)
    return f"{_ended(outcome)} ({measured(cpu)} of a processor)"


def note_death(log: Path | None, outcome: Outcome) -> None:
    """Add how a process ended that could not say so itself; a log that cannot be written to is left alone."""
    if log is not None:
        with contextlib.suppress(OSError), log.open("a", encoding="utf-8") as file:
            file.write(_ended(outcome) + "\n")


def _ended(outcome: Outcome) -> str:
    why = f": {outcome.reason}" if outcome.reason else ""
    return f"{_now()} {outcome.ending} after {measured(outcome.seconds)}{why}"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
