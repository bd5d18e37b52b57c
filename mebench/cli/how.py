"""The options that say how trials run, of ``mebench run`` and ``mebench rerun``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mebench.cli import completion
from mebench.cli.loggers import loggers_named
from mebench.cli.numbers import Number
from mebench.cli.output import InputPath
from mebench.cli.words import OneOf
from mebench.run.bounds import MOST_SECONDS, MOST_THREADS, MOST_TRIES, MOST_WORKERS
from mebench.run.engine.table import BATCH_SYSTEMS, ENGINES

if TYPE_CHECKING:
    from mebench.run.session import RunOptions

Command = Callable[..., Any]
Decorator = Callable[[Command], Command]


def _device(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    import re

    from mebench.plan.file.schema import DEVICE, PATTERN_WORDS

    if value is not None and not re.fullmatch(DEVICE, value):
        raise click.BadParameter(f"{PATTERN_WORDS[DEVICE]}, not {value!r}")
    return value


def _where(threads: int | None, threads_without: str, device_without: str) -> tuple[Decorator, ...]:
    return (
        click.option(
            "--workers",
            type=click.IntRange(min=0, max=MOST_WORKERS),
            help="Trials at once [default: one per usable core, or per GPU]; 0: one after another in this process.",
        ),
        click.option(
            "--threads",
            type=click.IntRange(min=1, max=MOST_THREADS),
            default=threads,
            help="CPU threads of each trial and each victim; results depend on it in their last bits, so it is "
            f"recorded [default: {threads_without}].",
        ),
        click.option("--device", callback=_device, help=f"cpu, cuda, cuda:N or auto [default: {device_without}]."),
        click.option(
            "--engine",
            type=OneOf(tuple(ENGINES)),
            help="; ".join(f"{name}: {kind.summary}" for name, kind in ENGINES.items()) + " [default: processes].",
        ),
        click.option(
            "--scheduler", metavar="ADDRESS", help="dask: a scheduler that is there, such as tcp://host:8786."
        ),
        click.option(
            "--cluster", type=OneOf(tuple(BATCH_SYSTEMS)), help="dask: workers are jobs of this batch system."
        ),
        click.option(
            "--cluster-options",
            metavar="FILE",
            type=InputPath(dir_okay=False),
            help="dask: a YAML file with the options of the batch system's jobs; see docs/many-machines.md.",
        ),
        click.option(
            "--per-gpu",
            metavar="N",
            type=click.IntRange(min=1, max=MOST_WORKERS),
            help="dask: trials at once on each GPU [default: 1]; one that finds no memory is tried again alone.",
        ),
    )


_LIMITS = (
    click.option(
        "--timeout", metavar="SECONDS", type=Number(0, MOST_SECONDS, min_open=True), help="Give a trial up after this."
    ),
    click.option(
        "--stall-timeout",
        "stall",
        metavar="SECONDS",
        type=Number(0, MOST_SECONDS),
        default=1800.0,
        show_default=True,
        help="Give up what has not asked, learnt or told anything for so long; 0: never.",
    ),
    click.option(
        "--retries",
        metavar="N",
        type=click.IntRange(min=0, max=MOST_TRIES),
        default=0,
        show_default=True,
        help="Try a trial again up to so often, from its checkpoint, where the cause of its failure passes: its "
        "process was ended from outside, or memory was lacking, and then with no other beside it.",
    ),
    click.option(
        "--max-failures",
        metavar="N",
        type=click.IntRange(min=1),
        help="Save and stop once N trials have failed for good [default: run all others].",
    ),
)
_WATCHING = (
    click.option(
        "--log",
        "loggers",
        metavar="NAME",
        multiple=True,
        shell_complete=completion.completing(completion.registered("logger")),
        help="Tell this logger how the run goes on, such as tensorboard; repeatable. `mebench list loggers` shows "
        "them.",
    ),
    click.option(
        "--log-set",
        "logger_settings",
        metavar="NAME.PARAMETER=VALUE",
        multiple=True,
        help="Set a parameter of a logger; repeatable.",
    ),
    click.option("--json", "as_json", is_flag=True, help="Print the leaderboard as JSON; all else goes to stderr."),
    click.option(
        "--quiet",
        "-q",
        is_flag=True,
        help="Print the leaderboard and failures alone; on a terminal, one line shows how far it is meanwhile.",
    ),
)


def says_how(command: Command) -> Command:
    """Give a command the options of `run_options`, ``as_json`` and ``quiet``."""
    return _with(command, _where(1, "1", "the profile's"))


def says_how_or_as_before(command: Command) -> Command:
    """As `says_how`, for trials that have run before: what is not given is as it was."""
    return _with(command, _where(None, "as those of the folder's finished trials, or 1", "as before"))


def run_options(out: Path, how: Mapping[str, Any], **more: Any) -> RunOptions:
    """What `says_how` and `says_how_or_as_before` have read.

    Args:
        out: the results folder.
        how: the options' values by name.
        more: what `RunOptions` takes besides.

    Raises:
        ConfigurationError: the options do not go together.
    """
    from mebench.run.engine import engine_asked_for
    from mebench.run.session import RunOptions

    how = dict(how)
    of_dask = {name: how[name] for name in ("scheduler", "cluster", "cluster_options", "per_gpu")}
    how["engine"] = engine_asked_for(how["engine"], how["workers"], of_dask, lambda name: f"--{name.replace('_', '-')}")
    how["log"] = loggers_named(how.pop("loggers"), how.pop("logger_settings"))
    how["stall"] = how["stall"] or None
    return RunOptions(out, **how, **more)


def _with(command: Command, where: tuple[Decorator, ...]) -> Command:
    for option in reversed((*where, *_LIMITS, *_WATCHING)):
        command = option(command)
    return command
