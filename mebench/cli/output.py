"""Where commands write to: lines for the user, and files and folders that are checked before the work begins."""

from __future__ import annotations

import shutil
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

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
    click.echo(for_terminal(printable(line), sys.stdout if stdout else sys.stderr), err=not stdout)


def for_terminal(line: str, stream: TextIO) -> str:
    """A line as it is, or, on a terminal, in lines that fit it, without a word in two."""
    if not stream.isatty():
        return line
    width = shutil.get_terminal_size().columns
    return textwrap.fill(line, max(10, width), break_long_words=False, break_on_hyphens=False)


NO_PATH = "the path is empty: give a name (is a variable of the shell not set?)"


class InputPath(click.Path):
    """A path to read from; an empty one is not taken for the current folder.

    Args:
        options: of `click.Path`.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(path_type=Path, **options)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path."""
        if value == "":
            self.fail(NO_PATH, param, ctx)
        return super().convert(value, param, ctx)


class _CheckedPath(_PathType):
    """A path that is looked at before the work begins; whatever is wrong with it is wrong usage."""

    def problem(self, path: Path) -> str:
        """Say what is wrong with a path, after its name; empty if nothing is known."""
        raise NotImplementedError

    def convert(self, value: str | Path, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """The path."""
        if value == "":
            self.fail(NO_PATH, param, ctx)
        path = Path(value)
        if problem := self.problem(path):
            self.fail(f"{path} {problem}", param, ctx)
        return path


class OutputFile(_CheckedPath):
    """A file to write.

    Args:
        stream: whether ``-`` stands for stdout.
    """

    name = "file"

    def __init__(self, *, stream: bool = False) -> None:
        self._stream = stream

    def convert(self, value: str | Path, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """The file's path."""
        if str(value) != "-":
            return super().convert(value, param, ctx)
        if not self._stream:
            self.fail("stdout cannot take it: give the name of a file", param, ctx)
        return STDOUT

    def problem(self, path: Path) -> str:
        """Say what keeps it from being written."""
        problem = problem_with(path)
        return problem and f"cannot be written: {problem}"


class OutputFolder(_CheckedPath):
    """A folder to write into, which may not exist yet."""

    name = "directory"

    def problem(self, path: Path) -> str:
        """Say what keeps files from being written into it."""
        problem = problem_below(path)
        return problem and f"cannot hold files: {problem}"


class ResultsFolder(_CheckedPath):
    """A folder that may hold results already, and is only read."""

    name = "directory"

    def problem(self, path: Path) -> str:
        """Say so if it is a file."""
        return "is not a folder" if path.is_file() else ""
