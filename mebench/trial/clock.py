"""Time spent in a trial, over all of its sessions; kept out of ``result.json``, which must not depend on it."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from mebench.api.errors import ResultsError, UnwritableError
from mebench.api.files import read_json, write_json

_log = logging.getLogger(__name__)


class TrialClock:
    """Adds the time of a ``with`` block to ``timing.json``.

    Args:
        path: of ``timing.json``; earlier sessions in it are kept.

    Attributes:
        queries: that were asked in all sessions.
        evaluation_seconds: of this session.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.queries = 0
        self.evaluation_seconds = 0.0

    def __enter__(self) -> TrialClock:
        self._start = time.monotonic()
        self._started = datetime.now(UTC).isoformat(timespec="seconds")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        session = {
            "started": self._started,
            "seconds": round(time.monotonic() - self._start, 3),
            "evaluation_seconds": round(self.evaluation_seconds, 3),
        }
        sessions = [*_sessions(self._path), session]
        seconds = sum(one["seconds"] for one in sessions)
        timing = {
            "sessions": sessions,
            "seconds": round(seconds, 3),
            "evaluation_seconds": round(sum(one["evaluation_seconds"] for one in sessions), 3),
            "queries_per_second": round(self.queries / seconds, 1) if self.queries and seconds else None,
        }
        try:
            write_json(self._path, timing)
        except UnwritableError as error:  # a result must not be lost for its time
            _log.warning("%s", error)

    @contextlib.contextmanager
    def evaluating(self) -> Iterator[None]:
        """Count the time of this block as evaluation."""
        start = time.monotonic()
        try:
            yield
        finally:
            self.evaluation_seconds += time.monotonic() - start


def _sessions(path: Path) -> list[dict[str, Any]]:
    """The sessions of a ``timing.json``; none if it is damaged, for a result must not be lost for its time."""
    if not path.exists():
        return []
    try:
        sessions = read_json(path)["sessions"]
        if all(min(float(one["seconds"]), float(one["evaluation_seconds"])) >= 0 for one in sessions):
            return list(sessions)
    except (ResultsError, OSError, LookupError, TypeError, ValueError, RecursionError):
        pass
    _log.warning("%s: damaged; the time of earlier sessions is not known any more", path)
    return []
