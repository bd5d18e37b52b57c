"""A job on its way to its end, from one worker to the next if need be."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mebench.results.trial_folder import TrialFolder
from mebench.run.engine.dask.crew import Berth, Hand
from mebench.run.engine.dask.parcels import Marks
from mebench.run.engine.jobs import Job

if TYPE_CHECKING:
    from distributed import Future

BUSY_SECONDS = 20.0
"""How long a job waits for another process that is at work in its folder and gives signs of life."""
MOST_LOSSES = 10
"""How many workers in a row a job may lose without coming any further: it may be the job that they are lost of."""
MOST_FALSE_STARTS = 30
"""How many it may lose besides before it has told how far it is: it is hardly the job that these are lost of."""


@dataclass
class Errand:
    """A job and its fate so far.

    Attributes:
        job: what is to be done.
        told: whether it was said that the job starts.
        losses, false_starts: workers that it has lost in a row without coming any further, after it had told there
            how far it is, and before.
        begun_there: whether it has told in this try how far it is.
        furthest, reached: how far it was at most, before and in this try.
        held: what holds its folder for this process, where the folder travels.
        place: its folder, watched while another process holds it.
        begun: when it was first called, on this process's own clock.
    """

    job: Job
    told: bool = False
    losses: int = 0
    false_starts: int = 0
    begun_there: bool = False
    furthest: int = 0
    reached: int = 0
    held: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)
    place: TrialFolder | None = None
    begun: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """Since it was first called."""
        return time.monotonic() - self.begun

    @property
    def may_wait(self) -> bool:
        """Whether another process that holds its folder may still let go of it, or may be gone."""
        return self.seconds < BUSY_SECONDS or (self.place is not None and self.place.is_silent)

    @property
    def lost(self) -> int:
        """How many workers it has lost in a row without coming any further."""
        return self.losses + self.false_starts

    def far(self, done: int) -> None:
        """Note how far it is."""
        self.begun_there = True
        self.reached = max(self.reached, done)

    def lose(self) -> bool:
        """Note that its worker was lost; say whether to call it again."""
        if self.reached > self.furthest:
            self.losses = self.false_starts = 0
        if self.begun_there:
            self.losses += 1
        else:
            self.false_starts += 1
        self.furthest = max(self.furthest, self.reached)
        self.begun_there, self.reached = False, 0
        return self.losses <= MOST_LOSSES and self.false_starts <= MOST_FALSE_STARTS


@dataclass
class Flight:
    """A call that has not come back.

    Attributes:
        errand: what it is for.
        hand, berth: the worker, and the device.
        future: dask's promise of the reply.
        travels: whether the job's folder is sent there and back.
        marks: of the files that have come back so far.
    """

    errand: Errand
    hand: Hand
    berth: Berth
    future: Future[Any]
    travels: bool
    marks: Marks = field(default_factory=dict)
