"""``mebench new``: the first files of a plugin."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mebench.api.errors import ConfigurationError
from mebench.cli.output import OutputFolder
from mebench.cli.words import OneOf

if TYPE_CHECKING:
    from mebench.testing.scaffold import Flavour


@click.group()
def new() -> None:
    """Write a small working plugin of your own.

    \b
    Examples:
      mebench new attack stripes
      mebench new attack least-sure --flavour pool --dir plugins
    """


@new.command()
@click.argument("name")
@click.option(
    "--flavour",
    type=OneOf(["generator", "pool"]),
    default="generator",
    show_default=True,
    help="Whether it makes its queries, or chooses among unlabelled inputs.",
)
@click.option("--dir", "parent", type=OutputFolder(), default=Path(), help="Where the new folder goes; default: here.")
def attack(name: str, flavour: Flavour, parent: Path) -> None:
    """Write a package with the attack NAME: its code, card, test and first benchmark. It passes its test as it is.

    The folder is mebench-NAME; one that exists is never touched.

    \b
    Examples:
      mebench new attack stripes
      mebench new attack least-sure --flavour pool --dir plugins
    """
    from mebench.registry.catalogue import registry
    from mebench.registry.entries import AttackEntry
    from mebench.testing.scaffold import NewPlugin

    plugin = NewPlugin(name, flavour)
    if name in registry().names(AttackEntry):
        owner = registry().origin(AttackEntry, name)
        raise ConfigurationError(f"there is an attack {name!r} already, from {owner}: choose another name")
    folder = parent / plugin.distribution
    for file in plugin.write(parent):
        click.echo(f"wrote {file}")
    click.echo("\nnext:")
    for command, why in (
        (f"pip install -e {folder}", "make it known to mebench"),
        (f"mebench info {name}", "see what you declared"),
        (f"pytest {folder}", "the conformance kit"),
        (f"mebench run {folder / 'benchmark.yaml'}", "a row on a leaderboard"),
    ):
        click.echo(f"  {command:<{_COLUMN + len(str(folder))}}  # {why}")


_COLUMN = len("mebench run /benchmark.yaml")
