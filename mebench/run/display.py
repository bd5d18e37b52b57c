"""Progress of a run on the screen: a live table in a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from collections.abc import Sequence

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from mebench.api.durations import clock_time
from mebench.api.plurals import short
from mebench.api.spec import TrialSpec
from mebench.api.subjects import about
from mebench.run.engine import Job, Outcome
from mebench.run.pace import Clock, Pace
from mebench.run.state import RunState
from mebench.run.time_left import Estimate, Speeds

REDRAW_SECONDS = 0.25
LINE_SECONDS = 30.0
WIDE = 84


class LiveDisplay(RunState):
    """A line for each running job and one for all, redrawn in place; what has ended scrolls by above.

    Args:
        console: a terminal.
        trials, slots, speeds, clock: see `RunState`.
        brief: whether all that is shown is the line for all.
    """

    def __init__(
        self,
        console: Console,
        trials: Sequence[TrialSpec],
        slots: int = 1,
        speeds: Speeds | None = None,
        clock: Clock = time.monotonic,
        *,
        brief: bool = False,
    ) -> None:
        super().__init__(trials, slots, speeds, clock)
        self._console, self._brief = console, brief
        self._live = Live(console=console, auto_refresh=False, get_renderable=self.lines, transient=True)
        self._drawn = float("-inf")

    def __enter__(self) -> LiveDisplay:
        self._live.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._live.stop()

    def retried(self, job: Job, outcome: Outcome) -> None:
        """Let the reason scroll by."""
        super().retried(job, outcome)
        if not self._brief:
            self._console.print(retried_line(job, outcome))

    def ended(self, job: Job, outcome: Outcome) -> None:
        """Let the job's last line scroll by."""
        super().ended(job, outcome)
        if not self._brief:
            self._console.print(ended_line(job, outcome))

    def interrupted(self, level: int) -> None:
        """Say at once that it was heard."""
        if level != self.level:
            self._console.print(interrupted_line(level))
        super().interrupted(level)
        self._live.refresh()

    def tick(self) -> None:
        """Redraw now and then."""
        if self.clock() - self._drawn > REDRAW_SECONDS:
            self._drawn = self.clock()
            self._live.refresh()

    def lines(self) -> Group:
        """The lines as they are now, as wide as the console.

        The last one is not padded: the terminal echoes ``^C`` there, which must not open a new line.
        """
        return Group(
            *([self._table()] if self.running and not self._brief else []),
            Text(self.summary(), style="bold", no_wrap=True, overflow="ellipsis"),
        )

    def _table(self) -> Table:
        width = self._console.width
        wide = width >= WIDE
        table = Table(box=None, expand=True, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
        table.add_column("running", ratio=1, no_wrap=True, overflow="ellipsis")
        if wide:
            table.add_column("", width=min(40, width // 4))
        for title in ("spent", "per s", "left", "accuracy" if wide else "acc."):
            table.add_column(title, justify="right", no_wrap=True)
        for job, pace in self.running.values():
            bar = [ProgressBar(total=1.0, completed=pace.fraction)] if wide else []
            table.add_row(Text(job.title), *bar, *_cells(pace, self.remaining.of(job, pace)))
        return table


class LineDisplay(RunState):
    """One line for each start and end, and now and then one on what is running.

    Args:
        console: where it goes.
        trials, slots, speeds, clock: see `RunState`.
    """

    def __init__(
        self,
        console: Console,
        trials: Sequence[TrialSpec],
        slots: int = 1,
        speeds: Speeds | None = None,
        clock: Clock = time.monotonic,
    ) -> None:
        super().__init__(trials, slots, speeds, clock)
        self._console = console
        self._said = clock()

    def __enter__(self) -> LineDisplay:
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def started(self, job: Job) -> None:
        """Say so."""
        super().started(job)
        self._say(Text(f"start   {job.title}"))

    def retried(self, job: Job, outcome: Outcome) -> None:
        """Say why."""
        super().retried(job, outcome)
        self._say(retried_line(job, outcome))

    def ended(self, job: Job, outcome: Outcome) -> None:
        """Say how."""
        super().ended(job, outcome)
        self._say(Text.assemble(ended_line(job, outcome), f" [{self.summary()}]"))

    def interrupted(self, level: int) -> None:
        """Say that it was heard."""
        if level != self.level:
            self._say(Text(interrupted_line(level)))
        super().interrupted(level)

    def tick(self) -> None:
        """Say now and then what is running."""
        if self.clock() - self._said > LINE_SECONDS and self.running:
            jobs = [f"{job.title} {100 * pace.fraction:.0f} %" for job, pace in self.running.values()]
            self._say(Text(f"running {', '.join(jobs)} [{self.summary()}]"))

    def _say(self, line: Text) -> None:
        self._said = self.clock()
        self._console.print(line, soft_wrap=True)


def ended_line(job: Job, outcome: Outcome) -> Text:
    """How a job ended: its scores and its time, or the reason."""
    word, style = {"done": ("done", "green"), "failed": ("failed", "bold red"), "stopped": ("stopped", "yellow")}[
        outcome.ending
    ]
    if outcome.ending == "failed":
        said = about(job.title, outcome.reason) + (f" (log: {job.log})" if job.log else "")
        return Text.assemble((f"{word:8}", style), said)
    line = Text.assemble((f"{word:8}", style), job.title)
    if outcome.ending == "done":
        scores = outcome.value if isinstance(outcome.value, dict) else {}
        words = [f"{name} {100 * scores[name]:.1f} %" for name in ("accuracy", "fidelity") if name in scores]
        words += [str(scores[name]) for name in ("source", "note") if scores.get(name)]
        line.append(f": {', '.join([*words, clock_time(outcome.seconds)])}")
    return line


def retried_line(job: Job, outcome: Outcome) -> Text:
    """Why a job will be tried again."""
    return Text.assemble(("again   ", "yellow"), about(job.title, outcome.reason))


def interrupted_line(level: int) -> str:
    """What the user reads after asking to stop."""
    if level > 1:
        return "killing what is still running"
    return "stopping: saving checkpoints (Ctrl-C again to kill)"


def _cells(pace: Pace, left: Estimate | None) -> tuple[str, str, str, str]:
    """Spent of total, units per second, time left, last accuracy."""
    latest = pace.latest
    if latest is None:
        return "starting", "", "", ""
    unit = "" if latest.unit == "queries" else f" {latest.unit}"
    return (
        f"{short(latest.done)}/{short(latest.total)}{unit}",
        "" if pace.rate is None else short(pace.rate),
        "" if left is None else clock_time(left.seconds) if left.whole else f"> {clock_time(left.seconds)}",
        "" if latest.accuracy is None else f"{100 * latest.accuracy:.1f} %",
    )
