"""The command line. Each command is imported when it is called, so that ``mebench --help`` imports little.

`mebench.api.exit_codes` has the exit codes.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import re
import sys
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click
from click.shell_completion import CompletionItem

from mebench.api.errors import ConfigurationError, MebenchError, UnwritableError
from mebench.api.exit_codes import ExitCode
from mebench.api.notices import notices_to
from mebench.api.printable import printable, without_controls
from mebench.api.version import VERSION
from mebench.cli.output import InputPath, say
from mebench.cli.plugin_folders import add_folders, folders_first
from mebench.cli.streams import drop_stderr, drop_stdout, settle_stdout, usable_streams

COMMANDS: dict[str, tuple[str, str]] = {
    "run": ("mebench.cli.run:run", "Run what is missing of a benchmark and print its leaderboard."),
    "plan": ("mebench.cli.plan:plan", "Show what would run: trials, queries, time."),
    "benchmarks": ("mebench.cli.benchmarks:benchmarks", "List the benchmarks that come with mebench, or copy one."),
    "status": ("mebench.cli.status:status", "Show how far a run is: what runs, what has failed, what is left."),
    "log": ("mebench.cli.log:log", "Print or follow the log of a trial."),
    "show": ("mebench.cli.show:show", "Show all about one trial: state, settings, evaluations, files."),
    "rerun": ("mebench.cli.rerun:rerun", "Run trials once more, such as all that have failed."),
    "leaderboard": ("mebench.cli.leaderboard:leaderboard", "Print the table of one or more results folders."),
    "merge": ("mebench.cli.merge:merge", "Put the results of several machines into one folder."),
    "compare": ("mebench.cli.compare:compare", "Tell whether results got worse than a baseline."),
    "matrix": ("mebench.cli.matrix:matrix", "Print what each attacker gets behind each defence."),
    "plot": ("mebench.cli.plot:plot", "Draw curves against queries, or the queries themselves."),
    "explain": ("mebench.cli.explain:explain", "Draw how a victim explains its answers."),
    "report": ("mebench.cli.report:report", "Write one self-contained web page about results."),
    "export": ("mebench.cli.export:export", "Write trials and curves as csv, parquet or sqlite."),
    "list": ("mebench.cli.list:list_", "List attacks, channels, networks and data sets."),
    "info": ("mebench.cli.info:info", "Say all about one name: parameters, defaults, paper."),
    "plugins": ("mebench.cli.plugins:plugins", "Show the plugins, and why one did not load."),
    "new": ("mebench.cli.new:new", "Write a small working plugin of your own."),
    "check": ("mebench.cli.check:check", "Check whether an attack plays fair."),
    "schema": ("mebench.cli.schema:schema", "Print the JSON schema of benchmark files, for editors."),
    "victims": ("mebench.cli.victims:victims", "List, train and check victims."),
    "data": ("mebench.cli.data:data", "Show where data sets are looked for, and fetch them."),
}
"""Where each command is and what it does, in the order of ``mebench --help``."""

MESSAGE = 2_000
"""Characters of an internal error that are shown."""
_PLACED = re.compile(r"^\S.*:\d+:\d+: ")


class _ReaderGone(Exception):  # noqa: N818 (nothing went wrong)
    """The reader of our output has closed its end."""


@contextlib.contextmanager
def _told_of_readers() -> Iterator[None]:
    """Tell apart a reader that went away, for which click would exit with 1."""
    try:
        yield
    except BrokenPipeError:
        raise _ReaderGone from None


class LazyGroup(click.Group):
    """Imports a command when it is called, and suggests the nearest name for one that does not exist."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of the commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Look a command up by its name."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            from mebench.api.suggestions import did_you_mean

            raise click.UsageError(f"no command {args[0]!r}{did_you_mean(args[0], COMMANDS)}", ctx)
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete the name of a command without importing any."""
        commands = [CompletionItem(name, help=text) for name, (_, text) in COMMANDS.items()]
        found = [one for one in commands if one.value.startswith(incomplete)]
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Take ``--plugin-dir`` wherever it stands: it is an option of mebench, and all others follow the command."""
        return super().parse_args(ctx, folders_first(args))

    def make_context(self, *arguments: Any, **more: Any) -> click.Context:
        """Read the options of mebench itself, of which ``--help`` and ``--version`` print."""
        with _told_of_readers():
            return super().make_context(*arguments, **more)

    def invoke(self, ctx: click.Context) -> object:
        """Run a command."""
        with _told_of_readers():
            return super().invoke(ctx)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="mebench", message="%(prog)s %(version)s")
@click.option(
    "--plugin-dir",
    "folders",
    metavar="DIR",
    multiple=True,
    type=InputPath(exists=True, file_okay=False),
    help="Folder with one-file plugins, which need no packaging; before or after the command, more than once.",
)
@click.pass_context
def cli(context: click.Context, folders: tuple[Path, ...]) -> None:
    """Compare model-extraction attacks: same victim, same response channel, same enforced query budget.

    \b
    Examples:
      mebench run table1
      mebench plan table1 --profile paper
      mebench benchmarks copy table1
      mebench info megex
      mebench run mine.yaml --plugin-dir plugins
    """
    if folders:
        context.call_on_close(add_folders(folders))


def main(args: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; a command returns its own, or None for 0."""
    with usable_streams():
        try:
            with notices_to(_show_notice):
                code = cli.main(args, prog_name="mebench", standalone_mode=False)
            sys.stdout.flush()
            return code if isinstance(code, int) else ExitCode.FINE
        except (_ReaderGone, BrokenPipeError):
            drop_stdout()
            return ExitCode.BROKEN_PIPE
        except SystemExit as error:
            if not isinstance(error.__context__, BrokenPipeError):
                raise
            drop_stdout()  # click and rich would exit with 1 for it
            return ExitCode.BROKEN_PIPE
        except BaseException as error:
            settle_stdout()
            try:
                return _told(error)
            except BrokenPipeError:  # nobody reads stderr any more
                drop_stderr()
                return _told(error)


def _told(error: BaseException) -> int:
    """Say in a line what a command failed of, and return the exit code."""
    if isinstance(error, click.NoSuchOption):
        from mebench.cli.hints import no_such_option

        error = no_such_option(error)
    if isinstance(error, click.ClickException):
        shown = io.StringIO()
        error.show(shown)
        click.echo(without_controls(shown.getvalue()), err=True, nl=False)
        return error.exit_code
    if isinstance(error, MebenchError):
        _show(error)
        return error.exit_code
    if isinstance(error, (KeyboardInterrupt, click.Abort)):
        click.echo("mebench: interrupted", err=True)
        return ExitCode.INTERRUPTED
    if isinstance(error, OSError) and error.errno is not None:
        _show(_of_the_system(error))
        return ExitCode.USAGE
    if not isinstance(error, Exception):
        raise error
    _show_internal(error)
    return ExitCode.INTERNAL_ERROR


def _show_notice(line: str) -> None:
    say(f"note: {line}")


def _show(error: MebenchError) -> None:
    """Print an error of the user's, one line per problem."""
    if _debugging():
        traceback.print_exc()
    lines = error.problems if isinstance(error, ConfigurationError) else str(error).splitlines()
    for line in map(printable, lines):
        say(line if _PLACED.match(line) else f"mebench: {line}")


def _of_the_system(error: OSError) -> MebenchError:
    """What the machine refused, such as a full disk, in words."""
    if error.filename is not None:
        return MebenchError(f"{os.fsdecode(error.filename)}: {error.strerror}")
    if not _folder_is_there():
        return MebenchError("the current folder is gone: change to another")
    drop_stdout()
    return UnwritableError("the output", str(error.strerror))


def _folder_is_there() -> bool:
    try:
        return bool(os.getcwd())  # noqa: PTH109 (nothing but whether it works)
    except OSError:
        return False


def _show_internal(error: Exception) -> None:
    if _debugging():
        traceback.print_exc()
    what = printable(f"{type(error).__name__}: {error}")
    hint = "" if _debugging() else "; set MEBENCH_DEBUG=1 for the traceback"
    say(f"mebench: internal error: {' '.join(what.split())[:MESSAGE]}{hint}")


def _debugging() -> bool:
    return os.environ.get("MEBENCH_DEBUG", "") not in ("", "0")
