"""The standard streams, made fit for use: closed ones, ones that know ASCII alone, a stderr on a full disk."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

from mebench.api.forgiving import Forgiving


@contextlib.contextmanager
def usable_streams() -> Iterator[None]:
    """Let every standard stream be one that can be written to or read from, while a command runs."""
    _open_what_is_closed()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that only knows ASCII still gets its table
    before = sys.stderr
    sys.stderr = Forgiving(before, _drop)
    try:
        yield
    finally:
        sys.stderr = before


def drop_stdout() -> None:
    """Let nothing more be written to stdout, neither now nor when what is buffered is flushed at the end."""
    _drop(sys.stdout)


def drop_stderr() -> None:
    """Let nothing more be written to stderr."""
    _drop(sys.stderr)


def settle_stdout() -> None:
    """Write what is buffered for stdout now, or never: Python would end with an error of its own if it cannot."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        drop_stdout()


def _drop(stream: TextIO) -> None:
    with contextlib.suppress(OSError, ValueError):
        sink = os.open(os.devnull, os.O_WRONLY)
        os.dup2(sink, stream.fileno())
        os.close(sink)


def _open_what_is_closed() -> None:
    """Open closed descriptors on the null device: a file opened later would be taken for a standard stream."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            with contextlib.suppress(OSError):
                os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free
    if sys.stdin is None:
        sys.stdin = Path(os.devnull).open(encoding="utf-8")  # noqa: SIM115 (open as long as the process lives)
    if sys.stdout is None:
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 (open as long as the process lives)
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 (open as long as the process lives)
