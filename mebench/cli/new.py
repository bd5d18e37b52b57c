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

_HERE = click.option(
    "--dir", "parent", type=OutputFolder(), default=Path(), help="Where the new folder goes; default: here."
)


@click.group()
def new() -> None:
    """Write a small working plugin of your own.

    \b
    Examples:
      mebench new attack stripes
      mebench new attack least-sure --flavour pool --dir plugins
      mebench new defence haze
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
@_HERE
def attack(name: str, flavour: Flavour, parent: Path) -> None:
    """Write a package with the attack NAME: its code, card, test and first benchmark. It passes its test as it is.

    The folder is mebench-NAME; one that exists is never touched.

    \b
    Examples:
      mebench new attack stripes
      mebench new attack least-sure --flavour pool --dir plugins
    """
    _write(name, flavour, parent)


@new.command()
@click.argument("name")
@_HERE
def defence(name: str, parent: Path) -> None:
    """Write a package with the defence NAME: its code, card, test and first benchmark. It passes its test as it is.

    \b
    Examples:
      mebench new defence haze
    """
    _write(name, "defence", parent)


@new.command()
@click.argument("name")
@_HERE
def recovery(name: str, parent: Path) -> None:
    """Write a package with the recovery NAME: its code, card, test and first benchmark. It passes its test as it is.

    \b
    Examples:
      mebench new recovery patience
    """
    _write(name, "recovery", parent)


@new.command()
@click.argument("name")
@_HERE
def detector(name: str, parent: Path) -> None:
    """Write a package with the detector NAME: its code, card, test and first benchmark. It passes its test as it is.

    \b
    Examples:
      mebench new detector parrots
    """
    _write(name, "detector", parent)


def _write(name: str, flavour: Flavour, parent: Path) -> None:
    """Write the files, and say what can be done next."""
    from mebench.registry.catalogue import registry
    from mebench.registry.entries import KINDS
    from mebench.testing.scaffold import NewPlugin

    plugin = NewPlugin(name, flavour)
    (kind,) = [one for one in KINDS if one.kind == plugin.kind]
    if name in registry().names(kind):
        owner = registry().origin(kind, name)
        raise ConfigurationError(f"there is {kind.phrase} {name!r} already, from {owner}: choose another name")
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
