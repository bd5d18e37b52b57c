"""The options by which `plan` and `run` choose trials: what is planned is then what runs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

_CHOICES = (
    click.argument("file", type=click.Path(path_type=Path)),
    click.option("--profile", metavar="NAME", help="Profile of the file; its default without it."),
    click.option(
        "--only",
        metavar="GLOB",
        multiple=True,
        help="Only these: ATTACK, ATTACK/VARIANT, ATTACK/VARIANT/VICTIM/CHANNEL or a trial's id; !GLOB leaves out.",
    ),
    click.option("--set", "overrides", metavar="KEY=VALUE", multiple=True, help="Change a value of the file."),
    click.option("--seeds", type=click.IntRange(min=1), help="Number of seeds, in place of the file's."),
)


def selects_trials(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the argument FILE and ``--profile``, ``--only``, ``--set`` and ``--seeds``."""
    for choice in reversed(_CHOICES):
        function = choice(function)
    return function
