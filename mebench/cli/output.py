"""Where commands write to: lines for the user, and files and folders that are checked before the work begins."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mebench.api.files import problem_below, problem_with
from mebench.api.printable import printable

if TYPE_CHECKING:
    _PathType = click.ParamType[Path]
else:  # not generic in older versions of click
    _PathType = click.ParamType

STDOUT = Path("/dev/stdout")


def say(line: str, *, stdout: bool = False) -> None:
    """Tell the user something in one line: on stderr, or, if it is what was asked for, on stdout."""
    click.echo(printable(line), err=not stdout)


class OutputFile(_PathType):
    """A file to write; whatever keeps it from being written is wrong usage.

    Args:
        stream: whether ``-`` stands for stdout.
    """

    name = "file"

    def __init__(self, *, stream: bool = False) -> None:
        self._stream = stream

    def convert(self, value: str | Path, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """The file's path."""
        if str(value) == "-":
            if not self._stream:
                self.fail("stdout cannot take it: give the name of a file", param, ctx)
            return STDOUT
        path = Path(value)
        if problem := problem_with(path):
            self.fail(f"{path} cannot be written: {problem}", param, ctx)
        return path


class OutputFolder(_PathType):
    """A folder to write into, which may not exist yet."""

    name = "directory"

    def convert(self, value: str | Path, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """The folder's path."""
        path = Path(value)
        if problem := problem_below(path):
            self.fail(f"{path} cannot hold files: {problem}", param, ctx)
        return path


class ResultsFolder(_PathType):
    """A folder that may hold results already, and is only read."""

    name = "directory"

    def convert(self, value: str | Path, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """The folder's path."""
        path = Path(value)
        if path.is_file():
            self.fail(f"{path} is not a folder", param, ctx)
        return path
