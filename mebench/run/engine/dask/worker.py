"""What happens in a dask worker: a job runs in a process of its own, by the engine that one machine has.

The worker itself imports no torch. A crash, a leak or an out-of-memory kill of a job's process loses that job alone.
"""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import socket
import threading
import time
from dataclasses import dataclass, field, replace
from importlib import metadata
from pathlib import Path
from typing import Any

from mebench.api.progress import Progress
from mebench.api.unfinished import unfinished_folder
from mebench.api.version import VERSION
from mebench.models.victims.cache import victims_dir
from mebench.run.engine.dask.calls import Call, Question, Reply, Survey
from mebench.run.engine.dask.parcels import Files, Marks, packed, unpack
from mebench.run.engine.handle import STOPPED_FROM_OUTSIDE
from mebench.run.engine.interrupts import KILL, Interrupts
from mebench.run.engine.jobs import Job, Listener, Outcome
from mebench.run.engine.processes import ProcessEngine
from mebench.run.engine.worker import Order, settings_of

REPORT_SECONDS = 1.0
"""Between two reports of a job's progress."""
DEAF_SECONDS = 90.0
"""After so long without a word of the run that asked, its jobs save and stop; after twice that, they are killed."""
CACHE = "MEBENCH_CACHE"
DISTRIBUTIONS = ("torch", "torchvision", "numpy", "distributed")


@dataclass
class Desk:
    """What a worker knows of one run.

    Attributes:
        interrupts: what the user of the run has asked for.
        heard: when the run last said anything, on this process's own clock.
        folders: of the calls that are at work here, by token.
    """

    interrupts: Interrupts = field(default_factory=Interrupts)
    heard: float = field(default_factory=time.monotonic)
    folders: dict[str, Path] = field(default_factory=dict)

    def look(self) -> None:
        """Stop what runs if the run that asked for it is gone."""
        silence = time.monotonic() - self.heard
        level = KILL if silence > 2 * DEAF_SECONDS else 1 if silence > DEAF_SECONDS else 0
        self.interrupts.level = max(self.interrupts.level, level)


_desks: dict[str, Desk] = {}
_installing = threading.Lock()


def versions() -> dict[str, str]:
    """The versions that must be the same wherever a run's trials run."""
    found = {"mebench": VERSION, "python": ".".join(platform.python_version_tuple()[:2])}
    for name in DISTRIBUTIONS:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


def survey(question: Question) -> Survey:
    """Look what this worker is and sees."""
    here = versions()
    names = sorted({*question.versions, *here})
    pairs = ((name, here.get(name, "none"), question.versions.get(name, "none")) for name in names)
    return Survey(
        socket.gethostname(),
        tuple(f"{name} {there} in place of {wanted}" for name, there, wanted in pairs if there != wanted),
        question.results.is_file(),
        question.cache.is_file() and os.environ.get(CACHE, question.cache_set) == question.cache_set,
    )


def tell(run: str, level: int) -> None:
    """Hear from a run that it goes on, and what its user has asked for."""
    if desk := _desks.get(run):
        desk.heard = time.monotonic()
        desk.interrupts.level = level


def changed(run: str, token: str, known: Marks) -> tuple[Files, Marks]:
    """What has changed in the folder of a call that is at work here; the result comes with the reply alone."""
    desk = _desks.get(run)
    folder = desk.folders.get(token) if desk else None
    if folder is None:
        return {}, {}
    files, marks = packed(folder, known)
    return {name: content for name, content in files.items() if name != "result.json"}, marks


def carry_out(call: Call) -> Reply:
    """Run a job in a process of its own, and say what has become of it. Called by dask, in a thread of the worker."""
    from distributed import get_worker

    worker = get_worker()
    desk = _desks.setdefault(call.run, Desk())
    desk.heard = time.monotonic()
    _give_malloc_back()
    order = _settled(call.order)
    for name, files in call.victims.items():
        install_victim(_victims_root(order), name, files)
    if call.files is None:
        outcome = _run(call, order, desk, worker)
        return Reply(outcome, victims=_victims(call, order, outcome))
    scratch = Path(worker.local_directory) / "mebench" / call.token / call.order.job.key
    try:
        unpack(call.files, scratch)
        desk.folders[call.token] = scratch
        outcome = _run(call, replace(order, job=order.job.moved(scratch)), desk, worker)
        files, _ = packed(scratch)
    finally:
        desk.folders.pop(call.token, None)
        shutil.rmtree(scratch.parent, ignore_errors=True)
    log = b"" if order.job.folder or not order.job.log else files.get(order.job.log.name, b"")
    return Reply(outcome, files if order.job.folder else None, log, _victims(call, order, outcome))


def _run(call: Call, order: Order, desk: Desk, worker: Any) -> Outcome:
    """Run the job by an engine of one slot; what the batch system has stopped is stopped, and goes on elsewhere."""
    job = replace(order.job, needs=(), retries=0)
    engine = ProcessEngine([order.device], order.threads, desk.interrupts, order.settings)
    outcomes = engine.run([job], [_Reporter(call, desk, worker)])
    outcome = outcomes.get(job.key, Outcome("stopped"))
    return replace(outcome, ending="stopped") if outcome.reason == STOPPED_FROM_OUTSIDE else outcome


class _Reporter(Listener):
    """Tells the engine that the job has started, and how far it is."""

    def __init__(self, call: Call, desk: Desk, worker: Any) -> None:
        self._call, self._desk, self._worker = call, desk, worker
        self._next = 0.0

    def started(self, job: Job) -> None:
        """See `Listener`."""
        self._say(None)

    def progressed(self, job: Job, progress: Progress) -> None:
        """See `Listener`."""
        if (now := time.monotonic()) >= self._next:
            self._next = now + REPORT_SECONDS
            self._say(progress)

    def tick(self) -> None:
        """See `Listener`."""
        self._desk.look()

    def _say(self, progress: Progress | None) -> None:
        said = (
            None
            if progress is None
            else [progress.done, progress.total, progress.unit, progress.accuracy, progress.phase]
        )
        with contextlib.suppress(Exception):  # the connection may be closing, and the job goes on
            self._worker.log_event(self._call.run, [self._call.token, said])


def install_victim(root: Path, name: str, files: Files) -> None:
    """Put a victim into the cache of this machine, unless it is there.

    Args:
        root: where victims are kept.
        name: of its folder, which ends with the digest of all that it depends on.
        files: what the folder holds.
    """
    with _installing:
        if (root / name).exists():
            return
        root.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(OSError), unfinished_folder(root) as partial:  # OSError: another worker was faster
            partial.chmod(0o755)
            unpack(files, partial)
            partial.rename(root / name)


def _victims(call: Call, order: Order, outcome: Outcome) -> dict[str, Files]:
    """The victim that the job has prepared, from the cache of this machine."""
    name = outcome.value.get("cached") if call.keep_victims and isinstance(outcome.value, dict) else None
    return {name: packed(_victims_root(order) / name)[0]} if name else {}


def _victims_root(order: Order) -> Path:
    """Where the job looks for victims."""
    own = order.settings.get(CACHE)
    return Path(own).expanduser() / "victims" if own else victims_dir()


def _settled(order: Order) -> Order:
    """The order with this machine's own settings of mebench, such as the folders of its data and its cache, first."""
    return replace(order, settings={**order.settings, **settings_of(os.environ)})


def _give_malloc_back() -> None:
    """Take away what a nanny of dask sets for the memory of its workers: trials are up to 1.8 times as fast without."""
    import dask

    theirs = dask.config.get("distributed.nanny.pre-spawn-environ", {})
    name = "MALLOC_TRIM_THRESHOLD_"
    if name in os.environ and os.environ[name] == str(theirs.get(name)):
        del os.environ[name]
