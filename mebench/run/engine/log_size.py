"""Keeps the log of a job small, whatever the job and the programs that it starts print.

A job's output goes straight to the file, so that nothing is lost with a process. The engine looks at its size several
times a second, and cuts out the middle of one that has grown too long.
"""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path

MOST_BYTES = 8_000_000
"""A log that is longer is cut."""
KEPT_BYTES = 2_000_000
"""What stays of the beginning, and of the end."""
_CUT = re.compile(rb"\n--- ([0-9,]{1,25}) bytes were left out here --- *\n")
_MARK_BYTES = 64
_LONGEST_LINE = 10_000


def keep_small(log: Path) -> None:
    """Cut out the middle of a log that is too long, and say in a line how many bytes that were.

    Others may write to the log meanwhile, as long as they append. What they add while it is cut may be left out, too.
    A log that cannot be read or written is left alone.
    """
    with contextlib.suppress(OSError):
        if log.stat().st_size > MOST_BYTES:
            _cut(log)


def _cut(log: Path) -> None:
    with log.open("r+b") as file:
        beginning = file.read(KEPT_BYTES + _MARK_BYTES)
        earlier = _CUT.search(beginning)
        kept = beginning[: earlier.start()] if earlier else _whole_lines(beginning[:KEPT_BYTES])
        file.seek(-KEPT_BYTES, os.SEEK_END)
        end = _from_next_line(file.read(2 * KEPT_BYTES))
        place = len(kept)
        os.pwrite(file.fileno(), _mark(0), place)  # waits for whoever is writing much at once, which is to be counted
        left_out = os.fstat(file.fileno()).st_size - place - len(end)
        os.truncate(file.fileno(), place + _MARK_BYTES)
        if earlier:
            left_out += int(earlier[1].replace(b",", b"")) - _MARK_BYTES
        os.pwrite(file.fileno(), _mark(left_out), place)
    with log.open("ab") as file:
        file.write(end)


def _mark(left_out: int) -> bytes:
    """The line that takes the place of what is cut out, always of one length."""
    return f"\n--- {left_out:,} bytes were left out here ---".ljust(_MARK_BYTES - 1).encode() + b"\n"


def _whole_lines(text: bytes) -> bytes:
    """A beginning without its last line, which was cut, unless that is very long."""
    last = text.rfind(b"\n", len(text) - _LONGEST_LINE)
    return text if last < 0 else text[:last]


def _from_next_line(text: bytes) -> bytes:
    """An end without its first line, which was cut, unless that is very long."""
    first = text.find(b"\n", 0, _LONGEST_LINE)
    return text if first < 0 else text[first + 1 :]
