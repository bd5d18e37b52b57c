"""Processes of their own that need not import torch: the fork server of this process makes them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path

from mebench.run.engine.forkserver import HELD_BACK, start_process


class Forked:
    """A process that runs a program: as much of `subprocess.Popen` as tests ask for.

    It leads a session of its own, and finds what this process finds.

    Args:
        program: its text.
        arguments: what it finds in ``sys.argv``.
        folder: that it runs in.
        errors: where its stderr goes; that of this process without it.

    Attributes:
        pid: of the process.
        stdout: what it prints.
    """

    def __init__(self, program: str, arguments: list[str], folder: Path, errors: Path | None = None) -> None:
        reader, writer = Pipe(duplex=False)
        with reader, writer:
            what = (program, ["-c", *arguments], folder, dict(os.environ), writer, errors)
            self._process = start_process(_run, what, "forked", 1)
            self.stdout = os.fdopen(os.dup(reader.fileno()), encoding="utf-8")
        assert self._process.pid is not None
        self.pid = self._process.pid

    @property
    def returncode(self) -> int | None:
        """As `subprocess.Popen` has it."""
        return self._process.exitcode

    def poll(self) -> int | None:
        return self.returncode

    def wait(self, timeout: float | None = None) -> None:
        self._process.join(timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired("forked", timeout or 0)

    def communicate(self, timeout: float | None = None) -> tuple[str, None]:
        """What it has printed, once it has ended."""
        printed: list[str] = []
        reading = threading.Thread(target=lambda: printed.append(self.stdout.read()), daemon=True)
        reading.start()
        reading.join(timeout)
        if not printed:
            raise subprocess.TimeoutExpired("forked", timeout or 0)
        self.wait(timeout)
        return printed[0], None

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)


def _run(
    program: str, words: list[str], folder: Path, variables: dict[str, str], writer: Connection, errors: Path | None
) -> None:
    os.setsid()
    os.dup2(writer.fileno(), 1)
    writer.close()
    if errors is not None:
        os.dup2(os.open(errors, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
    sys.stdout = sys.__stdout__ = os.fdopen(1, "w", closefd=False)  # those there are of other files
    sys.stderr = sys.__stderr__ = os.fdopen(2, "w", buffering=1, errors="backslashreplace", closefd=False)
    os.environ.clear()
    os.environ.update(variables)
    os.chdir(folder)
    sys.argv = words
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HELD_BACK)
    exec(compile(program, "<forked>", "exec"), {"__name__": "__main__"})
