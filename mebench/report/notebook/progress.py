"""How far a run is, as a notebook shows it: a bar for all of it, and a line for each trial that runs."""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from html import escape
from typing import Any, Protocol

from mebench.api.durations import clock_time
from mebench.api.plurals import short
from mebench.api.spec import TrialSpec
from mebench.api.subjects import about
from mebench.run.audience import Audience
from mebench.run.engine import Job, Listener, Outcome
from mebench.run.pace import Clock
from mebench.run.state import RunState
from mebench.run.time_left import Speeds

REDRAW_SECONDS = 0.5
MOST_LINES = 20
"""Running trials, and failures, that are shown."""


def in_notebook() -> bool:
    """Whether this process is the kernel of a notebook, which shows HTML."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return hasattr(shell, "kernel")


class Area(Protocol):
    """Where HTML is shown."""

    def show(self, html: str) -> None:
        """Show it in place of what was shown before."""


class InNotebook(Audience):
    """Shows a run below the cell that has started it."""

    def __init__(self) -> None:
        self._notes: list[str] = []
        self._area = _Area()
        self._display: NotebookDisplay | None = None

    @contextmanager
    def looking(self) -> Iterator[None]:
        """See `Audience`."""
        self._area.show("looking for data, plugins and devices")
        yield

    def noted(self, line: str) -> None:
        """See `Audience`; also what is said when the trials are over."""
        self._notes.append(line)
        if self._display is not None:
            self._display.draw()

    def set_aside(self, line: str) -> None:
        """See `Audience`."""
        self._notes.append(line)

    @contextmanager
    def watching(self, trials: Sequence[TrialSpec], slots: int, speeds: Speeds) -> Iterator[list[Listener]]:
        """See `Audience`."""
        self._display = NotebookDisplay(self._area, trials, slots, speeds, notes=self._notes)
        try:
            yield [self._display]
        finally:
            self._display.draw()


class NotebookDisplay(RunState):
    """A bar and lines, drawn anew in one place.

    Args:
        area: the place.
        trials, slots, speeds, clock: see `RunState`.
        notes: lines that stand below.
    """

    def __init__(
        self,
        area: Area,
        trials: Sequence[TrialSpec],
        slots: int = 1,
        speeds: Speeds | None = None,
        clock: Clock = time.monotonic,
        *,
        notes: Sequence[str] = (),
    ) -> None:
        super().__init__(trials, slots, speeds, clock)
        self._notes, self._failures = notes, list[str]()
        self._area = area
        self._drawn = float("-inf")

    def ended(self, job: Job, outcome: Outcome) -> None:
        """Keep why a job failed."""
        super().ended(job, outcome)
        if outcome.ending == "failed":
            self._failures.append(about(job.title, outcome.reason))

    def interrupted(self, level: int) -> None:
        """Say at once that it was heard."""
        changed = level != self.level
        super().interrupted(level)
        if changed:
            self.draw()

    def tick(self) -> None:
        """Draw now and then."""
        if self.clock() - self._drawn > REDRAW_SECONDS:
            self.draw()

    def draw(self) -> None:
        """Draw it as it is now."""
        self._drawn = self.clock()
        self._area.show(self.html())

    def html(self) -> str:
        """What is shown; every text is escaped."""
        running = [pace.fraction for _, pace in self.running.values()]
        done = self.done + self.failed + sum(running)
        parts = [f"{_bar(done, self.total)} {escape(self.summary())}"]
        for job, pace in list(self.running.values())[:MOST_LINES]:
            latest, left = pace.latest, self.remaining.of(job, pace)
            words = [job.title]
            if latest is not None:
                words.append(f"{short(latest.done)}/{short(latest.total)} {latest.unit}")
                words += [f"accuracy {100 * latest.accuracy:.1f} %"] if latest.accuracy is not None else []
            words += [f"{clock_time(left.seconds)} left"] if left is not None else []
            parts.append(f"{_bar(pace.fraction, 1)} {escape(', '.join(words))}")
        parts += [f"<b>failed</b> {escape(line)}" for line in self._failures[:MOST_LINES]]
        parts += [escape(line) for line in self._notes]
        return "<br>".join(parts)


class _Area:
    """A place below the cell; made when something is shown first."""

    def __init__(self) -> None:
        self._handle: Any = None

    def show(self, html: str) -> None:
        display = importlib.import_module("IPython.display")  # no dependency: only a notebook comes here
        if self._handle is None:
            self._handle = display.display(display.HTML(html), display_id=True)
        else:
            self._handle.update(display.HTML(html))


def _bar(done: float, total: float) -> str:
    return f'<progress value="{done:.3f}" max="{max(total, 1):.0f}" style="width: 12em"></progress>'
