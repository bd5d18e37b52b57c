"""What an engine is told before it runs anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mebench.run.engine.interrupts import Interrupts
from mebench.run.machine import usable_cores


@dataclass(frozen=True)
class EngineSettings:
    """How jobs are to be run.

    Attributes:
        workers: how many at once; None leaves it to the engine.
        threads: of torch's operations in each job; the same for all, since results depend on it.
        most: how many jobs there are at most that could run at once.
        interrupts: the user's requests to stop.
        folder: the results folder.
        scheduler: address of a dask scheduler that is there already.
        cluster: kind of the batch system that dask workers are started on.
        cluster_options: YAML file with its options.
        per_gpu: how many jobs run on each GPU of a dask worker at once.
    """

    workers: int | None = None
    threads: int = 1
    most: int = 1
    interrupts: Interrupts = field(default_factory=Interrupts)
    folder: Path = Path()
    scheduler: str | None = None
    cluster: str | None = None
    cluster_options: Path | None = None
    per_gpu: int = 1

    def slots(self, devices: Sequence[str]) -> list[str]:
        """A device of this machine for each job that may run at once: one job per usable core, or per GPU."""
        count = self.workers
        if count is None:
            count = max(1, usable_cores() // self.threads) if devices[0] == "cpu" else len(devices)
        count = max(1, min(count, self.most))
        return [devices[k % len(devices)] for k in range(count)]
