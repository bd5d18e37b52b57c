"""The options of ``mebench run`` that say where trials run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from mebench.cli.numbers import MOST_WORKERS
from mebench.run.engine.table import BATCH_SYSTEMS, ENGINES

Command = Callable[..., Any]
_OPTIONS = (
    click.option(
        "--engine",
        type=click.Choice(tuple(ENGINES)),
        help="Where trials run: "
        + "; ".join(f"{name}: {kind.summary}" for name, kind in ENGINES.items())
        + " [default: processes].",
    ),
    click.option("--scheduler", metavar="ADDRESS", help="dask: a scheduler that is there, such as tcp://host:8786."),
    click.option(
        "--cluster", type=click.Choice(tuple(BATCH_SYSTEMS)), help="dask: workers are jobs of this batch system."
    ),
    click.option(
        "--cluster-options",
        metavar="FILE",
        type=click.Path(dir_okay=False, path_type=Path),
        help="dask: a YAML file with the options of the batch system's jobs; see docs/many-machines.md.",
    ),
    click.option(
        "--per-gpu",
        metavar="N",
        type=click.IntRange(min=1, max=MOST_WORKERS),
        help="dask: trials at once on each GPU [default: 1]; one that finds no memory is tried again alone.",
    ),
)


def says_where(command: Command) -> Command:
    """Give a command the options ``engine``, ``scheduler``, ``cluster``, ``cluster_options`` and ``per_gpu``."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
