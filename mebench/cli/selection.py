"""The options by which `plan` and `run` choose trials, and what they say of them: what is planned is what runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from mebench.api.errors import ConfigurationError
from mebench.api.plurals import counted
from mebench.cli import completion
from mebench.cli.output import InputPath

if TYPE_CHECKING:
    from mebench.plan.shard import Shard

MOST_NAMED = 10
"""Damaged trials that are named."""
PROFILE = click.option(
    "--profile",
    metavar="NAME",
    shell_complete=completion.completing(completion.profiles),
    help="Profile of the file; its default without it.",
)
"""Which profile of a benchmark file."""


def takes_benchmark(name: str = "file") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Give a command a benchmark as its argument: a file, or the name of one that comes with mebench."""
    return click.argument(name, type=InputPath(), shell_complete=completion.benchmarks)


def _shard(context: click.Context, parameter: click.Parameter, value: str | None) -> Shard | None:
    from mebench.plan.shard import Shard

    try:
        return None if value is None else Shard.parse(value)
    except ConfigurationError as error:
        raise click.BadParameter(str(error)) from None


_CHOICES = (
    takes_benchmark(),
    PROFILE,
    click.option(
        "--only",
        metavar="GLOB",
        multiple=True,
        shell_complete=completion.only,
        help="Only these: ATTACK, ATTACK/VARIANT, ATTACK/VARIANT/VICTIM/CHANNEL or a trial's id; !GLOB leaves out.",
    ),
    click.option("--set", "overrides", metavar="KEY=VALUE", multiple=True, help="Change a value of the file."),
    click.option("--seeds", type=click.IntRange(min=1), help="Number of seeds, in place of the file's."),
    click.option(
        "--shard",
        metavar="I/N",
        callback=_shard,
        help="Only the I-th of N parts of the trials, which no other part has; I is 1 to N. See `mebench merge`.",
    ),
)


def selects_trials(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the argument FILE and ``--profile``, ``--only``, ``--set``, ``--seeds`` and ``--shard``."""
    for choice in reversed(_CHOICES):
        function = choice(function)
    return function


def keeps_other_code(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command ``--keep-other-code``."""
    option = click.option(
        "--keep-other-code",
        is_flag=True,
        help="Keep finished results that were made by other code than is here now; without it, they run anew.",
    )
    return option(function)


def damage_lines(damaged: Mapping[str, str]) -> Iterator[str]:
    """Say which trials are damaged, and what becomes of them."""
    for name, problem in list(damaged.items())[:MOST_NAMED]:
        yield f"damaged: {name}: {problem}"
    if len(damaged) > MOST_NAMED:
        yield f"damaged: {len(damaged) - MOST_NAMED} more"
    if damaged:
        yield "What is damaged is set aside, and its trials run anew."


def clone_lines(problems: Mapping[str, str]) -> Iterator[str]:
    """Say which clones are not those that were scored, by their trials: what is missing in one line, others by name."""
    missing = [name for name, problem in problems.items() if problem.endswith(" is missing")]
    others = {name: problem for name, problem in problems.items() if name not in missing}
    for name, problem in list(others.items())[:MOST_NAMED]:
        yield f"note: {name}: {problem}; its result counts"
    if len(others) > MOST_NAMED:
        yield f"note: the clones of {len(others) - MOST_NAMED} more trials are not as they were either"
    if missing:
        yield f"note: {counted(len(missing), 'trial')} without its clone, such as {missing[0]}; results count"


def other_code_lines(changed: Mapping[str, int], kept: bool) -> Iterator[str]:
    """Say what is other code now, for how many trials, and what becomes of them."""
    for change, count in changed.items():
        yield f"other code, {counted(count, 'trial')}: {change}"
    if changed and kept:
        yield "Finished results of other code are kept; what it has begun starts anew."
    elif changed:
        yield "Results of other code are set aside and their trials run anew; --keep-other-code keeps what is finished."
