"""Time spent in a trial, over all of its sessions; kept out of ``result.json``, which must not depend on it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any

from mebench.api.files import read_json, write_json


class TrialClock:
    """Adds the time of a ``with`` block to ``timing.json``.

    Args:
        path: of ``timing.json``; earlier sessions in it are kept.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self.queries = 0
        self._evaluation = 0.0

    def __enter__(self) -> TrialClock:
        self._start = time.monotonic()
        self._started = datetime.now(UTC).isoformat(timespec="seconds")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        earlier: dict[str, Any] = read_json(self._path) if self._path.exists() else {"sessions": []}
        session = {
            "started": self._started,
            "seconds": round(time.monotonic() - self._start, 3),
            "evaluation_seconds": round(self._evaluation, 3),
        }
        sessions = [*earlier["sessions"], session]
        seconds = sum(one["seconds"] for one in sessions)
        write_json(
            self._path,
            {
                "sessions": sessions,
                "seconds": round(seconds, 3),
                "evaluation_seconds": round(sum(one["evaluation_seconds"] for one in sessions), 3),
                "queries_per_second": round(self.queries / seconds, 1) if self.queries and seconds else None,
            },
        )

    @contextlib.contextmanager
    def evaluating(self) -> Iterator[None]:
        """Count the time of this block as evaluation."""
        start = time.monotonic()
        try:
            yield
        finally:
            self._evaluation += time.monotonic() - start
