"""How commands name trials: by any part of their id, in a results folder that is found without being told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import click

from mebench.cli import completion
from mebench.cli.output import ResultsFolder


def trials_of(context: click.Context) -> Iterator[str]:
    """The ids of the trials in the results folders that are meant, for shells."""
    from mebench.results.trial_names import known_trials, results_folders

    for root in results_folders(context.params.get("place")):
        yield from known_trials(root)


def takes_trial(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the argument TRIAL."""
    return click.argument("trial", shell_complete=completion.completing(trials_of))(function)


def takes_place(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command ``--out``, as `mebench run` has it."""
    option = click.option(
        "--out",
        "place",
        metavar="DIR",
        type=ResultsFolder(),
        help="Results folder, or a folder of them [default: this one, or those below runs].",
    )
    return option(function)
