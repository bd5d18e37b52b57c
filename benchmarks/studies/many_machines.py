"""What it costs to hand out 10,000 trials to 200 workers that fail, and what is lost: ``python many_machines.py``.

The engine and dask's scheduler are the real ones, each in a process of its own. The workers are real dask workers, all
in a third process, so that the cost of the first two can be told from theirs. Only the trials are no trials: each waits
for its time, tells how far it is, and writes its checkpoint now and then as a trial does. Workers are closed at random
without a word, and others take their places.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import multiprocessing
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from mebench.api.progress import Progress
from mebench.run.engine import EngineSettings, Job, Listener, Outcome, open_engine
from mebench.run.engine.dask import worker as theirs

STEPS = 5
"""Parts of a trial; at the end of each it writes its checkpoint."""

STARTS_PER_SECOND = 10.0


def pretended(call: Any, order: Any, desk: Any, worker: Any) -> Outcome:
    """In place of a trial in a process of its own: wait, and go on from what another has written."""
    seconds, file = order.job.payload
    listener = theirs._Reporter(call, desk, worker)
    listener.started(order.job)
    done = int(file.read_text()) if file.exists() else 0
    for step in range(done, STEPS):
        time.sleep(seconds / STEPS)
        with (file.parent / "steps").open("a") as log:
            log.write(".")
        if worker.status.name != "running":  # it was killed meanwhile: nobody hears of this step
            return Outcome("stopped")
        file.write_text(str(step + 1))
        listener.progressed(order.job, Progress(step + 1, STEPS))
    return Outcome("done", STEPS, seconds=seconds)


async def crowd(address: str, workers: int, mean: float, seed: int) -> None:
    """Keep so many workers at the scheduler; each lives for a random time, ``mean`` on average."""
    from distributed import Worker

    chance = random.Random(seed)
    theirs._run = pretended

    async def place(number: int) -> None:
        await asyncio.sleep(number / STARTS_PER_SECOND)
        while True:
            worker = await Worker(address, nthreads=1, host="127.0.0.1", dashboard=False, memory_limit=0, nanny=None)
            await asyncio.sleep(chance.expovariate(1 / mean))
            await worker.close(executor_wait=False, nanny=False, reason="killed")

    await asyncio.gather(*(place(number) for number in range(workers)))


def run_crowd(address: str, workers: int, mean: float, seed: int) -> None:
    """The process of all workers."""
    import dask
    import distributed

    assert distributed.Worker  # at its import it sets up its loggers
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    quiet = {
        "distributed.worker.profile.enabled": False,
        "distributed.admin.system-monitor.interval": "60s",
        "distributed.comm.timeouts.connect": "120s",
    }
    with dask.config.set(quiet):
        asyncio.run(crowd(address, workers, mean, seed))


class Counter(Listener):
    """Counts what is told."""

    def __init__(self, every: int) -> None:
        self.ended_, self.every, self.begun = 0, every, time.monotonic()

    def ended(self, job: Job, outcome: Outcome) -> None:
        """One more."""
        self.ended_ += 1
        if self.ended_ % self.every == 0:
            sys.stderr.write(f"{self.ended_} after {time.monotonic() - self.begun:.0f} s\n")


def scheduler_in(folder: Path) -> tuple[subprocess.Popen[bytes], str]:
    """Start dask's own scheduler; return its process and address."""
    file = folder / "scheduler.json"
    command = ["-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"]
    with (folder / "scheduler.txt").open("wb") as log:
        process = subprocess.Popen([sys.executable, *command, "--scheduler-file", str(file)], stdout=log, stderr=log)
    while not file.exists() or not file.read_text():
        time.sleep(0.1)
    return process, json.loads(file.read_text())["address"]


def processor_seconds(process: int) -> float:
    """What a process has used so far."""
    words = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def study(trials: int, workers: int, seconds: float, mean: float, seed: int = 0) -> dict[str, float]:
    """Run so many trials of so many seconds each, and count."""
    chance = random.Random(seed)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        process, address = scheduler_in(folder)
        others = multiprocessing.get_context("spawn").Process(target=run_crowd, args=(address, workers, mean, seed))
        others.start()
        try:
            jobs = []
            for number in range(trials):
                (folder / str(number)).mkdir()
                payload = (chance.uniform(0.5, 1.5) * seconds, folder / str(number) / "count")
                jobs.append(Job(str(number), str(number), "nobody:nothing", payload))
            begun, used = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF)
            before = processor_seconds(process.pid)
            with open_engine("dask", EngineSettings(folder=folder / "out", scheduler=address)) as engine:
                outcomes = engine.run(jobs, [Counter(max(1, trials // 10))])
            after = resource.getrusage(resource.RUSAGE_SELF)
            engine_seconds = after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime
            done = [one for one in outcomes.values() if one.ending == "done"]
            steps = sum(len((folder / str(number) / "steps").read_text()) for number in range(trials))
            return {
                "trials": trials,
                "done": len(done),
                "workers": workers,
                "seconds of all": round(time.monotonic() - begun, 1),
                "seconds without any cost": round(sum(job.payload[0] for job in jobs) / workers, 1),
                "engine, ms of a processor per trial": round(1000 * engine_seconds / trials, 2),
                "scheduler, ms of a processor per trial": round(
                    1000 * (processor_seconds(process.pid) - before) / trials, 2
                ),
                "steps done twice, of 100": round(100 * (steps / (STEPS * trials) - 1), 2),
            }
        finally:
            others.kill()
            process.send_signal(signal.SIGTERM)
            process.wait()


def main() -> None:
    """Print one study as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=10.0, help="of a trial, on average")
    parser.add_argument("--life", type=float, default=120.0, help="seconds of a worker, on average")
    given = parser.parse_args()
    sys.stdout.write(json.dumps(study(given.trials, given.workers, given.seconds, given.life), indent=1) + "\n")


if __name__ == "__main__":
    main()
