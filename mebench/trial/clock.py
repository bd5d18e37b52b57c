"""Time spent in a trial, over all of its sessions; kept out of ``result.json``, which must not depend on it."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
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
        more: tells further seconds of this session, by name: what defences and detectors took.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.queries = 0
        self.evaluation_seconds = 0.0
        self.more: Callable[[], Mapping[str, float]] = dict

    def __enter__(self) -> TrialClock:
        self._start = time.monotonic()
        self._started = datetime.now(UTC).isoformat(timespec="seconds")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        session = {
            "started": self._started,
            "seconds": round(time.monotonic() - self._start, 3),
            "evaluation_seconds": round(self.evaluation_seconds, 3),
            **{name: round(value, 6) for name, value in self.more().items()},
        }
        sessions = [*_sessions(self._path), session]
        seconds = sum(one["seconds"] for one in sessions)
        timing = {
            "sessions": sessions,
            "seconds": round(seconds, 3),
            "evaluation_seconds": round(sum(one["evaluation_seconds"] for one in sessions), 3),
            "queries_per_second": round(self.queries / seconds, 1) if self.queries and seconds else None,
            **_per_query(sessions, self.queries),
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


def _per_query(sessions: Sequence[Mapping[str, Any]], queries: int) -> dict[str, float]:
    """Milliseconds a query that defences and detectors took, as far as every session tells."""
    found = {}
    for who in ("defence", "detector"):
        took = [one.get(f"{who}_seconds") for one in sessions]
        if queries and all(isinstance(one, float) for one in took):
            found[f"{who}_ms_per_query"] = round(1000 * sum(filter(None, took)) / queries, 4)
    return found


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
