"""Stopping a run in which too many trials fail."""

from __future__ import annotations

from mebench.run.engine import Interrupts, Job, Listener, Outcome
from mebench.run.state import is_trial


class FailureLimit(Listener):
    """Lets a run save and stop once so many trials have failed for good.

    Args:
        most: how many; None for any number.
        interrupts: by which the engine is asked.

    Attributes:
        failed: trials, so far.
    """

    def __init__(self, most: int | None, interrupts: Interrupts) -> None:
        self._most, self._interrupts = most, interrupts
        self.failed = 0

    @property
    def reached(self) -> bool:
        """Whether the run was asked to stop."""
        return self._most is not None and self.failed >= self._most

    def ended(self, job: Job, outcome: Outcome) -> None:
        """Count, and ask where it is enough."""
        self.failed += is_trial(job) and outcome.ending == "failed"
        if self.reached:
            self._interrupts.stop()
