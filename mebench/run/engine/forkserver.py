"""Starts worker processes from a fork server that has imported torch once, in an environment made for it.

The fork server is started by exec, so what only a fresh process reads can be set for it without running mebench anew:

- glibc's two malloc thresholds: freed tensors are kept and used again instead of being returned to the kernel and
  faulted in anew. Forward and backward of the DFME generator on one core: 1.85 times as fast at batch 256 and width
  128 (page faults 856,630 -> 4; 27-60 % more memory), 1.3 times at batch 64 and width 16 (no more memory).
  ``MEBENCH_MALLOC=default`` turns it off, and what the user has set stays.
- the number of threads of OpenMP, MKL and OpenBLAS. It is the same for every job: sums are split by thread, so
  results would depend on how many jobs happened to run beside.
- ``PYTHONHASHSEED``, so that the order of a set of strings, too, is the same in every session.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from multiprocessing import forkserver, resource_tracker
from multiprocessing.context import ForkServerProcess
from types import ModuleType
from typing import Any

from mebench.run.engine.descendants import end_orphans

CONTEXT = multiprocessing.get_context("forkserver")
MALLOC = {"MALLOC_MMAP_THRESHOLD_": str(1 << 30), "MALLOC_TRIM_THRESHOLD_": str(16 << 30)}
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
HELD_BACK = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_starting = threading.Lock()


def start_process(function: Callable[..., None], args: tuple[Any, ...], name: str, threads: int) -> ForkServerProcess:
    """Start ``function(*args)`` in a new process; it begins with `HELD_BACK` blocked, and unblocks what it handles.

    Raises:
        OSError, EOFError: the system has no process left, or the fork server died.
    """
    with _starting:  # several threads may run jobs, and what is set meanwhile is the whole process's
        resource_tracker.ensure_running()  # first, since to start it unblocks signals
        with _no_main_module(), _may_have_children():
            with _environment(worker_environment(threads)), _held_back():
                CONTEXT.set_forkserver_preload(["mebench.run.engine.preload"])
                forkserver.ensure_running()
            process = CONTEXT.Process(target=function, args=args, name=name)
            process.start()
    return process


def end_left_behind() -> None:
    """End what workers that are gone have started and left behind; nothing where the system cannot tell."""
    server = getattr(forkserver._forkserver, "_forkserver_pid", None)
    if server is not None:
        with _starting:  # a process that is being started is known to nobody yet
            end_orphans(server, {one.pid for one in multiprocessing.active_children() if one.pid is not None})


def worker_environment(threads: int) -> dict[str, str]:
    """The variables that the fork server gets on top of this process's."""
    wanted = dict.fromkeys(THREADS, str(threads)) | {"PYTHONHASHSEED": "0"}
    if os.environ.get("MEBENCH_MALLOC") != "default" and _is_glibc():
        wanted |= {name: value for name, value in MALLOC.items() if name not in os.environ}
    return wanted


def _is_glibc() -> bool:
    try:
        return "glibc" in (os.confstr("CS_GNU_LIBC_VERSION") or "")
    except (ValueError, OSError):
        return False


@contextlib.contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextlib.contextmanager
def _held_back() -> Iterator[None]:
    """Block the signals that ask to stop: the fork server inherits that, so it outlives a Ctrl-C or a SIGTERM to all
    processes and goes on telling how its workers ended. It goes when the last process that uses it goes."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, HELD_BACK)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def _may_have_children() -> Iterator[None]:
    """Let a daemonic process, such as a dask worker, start one that does not go with it: ours see to their own end."""
    settings = multiprocessing.current_process()._config  # type: ignore[attr-defined]
    before = settings.pop("daemon", None)
    try:
        yield
    finally:
        if before is not None:
            settings["daemon"] = before


@contextlib.contextmanager
def _no_main_module() -> Iterator[None]:
    """Hide the main script from multiprocessing, which would import it again in every worker: jobs name what they
    run, so that costs time for nothing, and a script without a ``__main__`` guard would start itself again."""
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main
