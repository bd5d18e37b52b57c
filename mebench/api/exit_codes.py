"""The exit codes of the command line, said once."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What a process says of itself when it ends."""

    FINE = 0
    WORSE = 1
    """A regression, or a check that failed."""
    USAGE = 2
    """Wrong usage or configuration, or nothing to compare."""
    INCOMPLETE = 3
    """Trials failed or are missing."""
    INTERNAL_ERROR = 70
    """A fault of mebench's own."""
    INTERRUPTED = 130
    BROKEN_PIPE = 141
    """The reader of a pipe went away."""
