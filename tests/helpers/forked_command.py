"""A command of mebench in a process of its own that need not import torch: the fork server makes it."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from mebench.run.engine.forkserver import HELD_BACK, start_process


def forked_command(folder: Path, arguments: list[str], seconds: float) -> tuple[int, str, str]:
    """Run it in a folder, with the variables of this process; return its exit code and what it prints."""
    streams = folder / "stdout.txt", folder / "stderr.txt"
    process = start_process(_command, (folder, arguments, dict(os.environ), streams), "command", 1)
    process.join(seconds)
    if process.exitcode is None:
        process.kill()
        raise TimeoutError(streams[1].read_text())
    out, err = (stream.read_text() for stream in streams)
    return process.exitcode, out, err


def _command(folder: Path, arguments: list[str], variables: dict[str, str], streams: tuple[Path, Path]) -> None:
    for number, stream in enumerate(streams, start=1):
        os.dup2(os.open(stream, os.O_WRONLY | os.O_CREAT), number)
    os.environ.clear()
    os.environ.update(variables)
    os.chdir(folder)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HELD_BACK)
    from mebench.cli import main

    sys.exit(main(arguments))
