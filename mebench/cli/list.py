"""``mebench list``: what can be named in a benchmark file."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from mebench.api.errors import UnknownNameError
from mebench.cli import completion

if TYPE_CHECKING:
    from mebench.registry.entry import Entry


@click.command("list")
@click.argument("kind", required=False, shell_complete=completion.completing(completion.kinds))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_(kind: str | None, as_json: bool) -> None:
    """List what can be named in a benchmark file; of one KIND only, e.g. attacks or channels.

    A strategy and a learner make an attack: `attack: random-pool+fit`.

    \b
    Examples:
      mebench list
      mebench list attacks
      mebench list channels --json
    """
    from mebench.api.notices import notice
    from mebench.registry.catalogue import catalogue
    from mebench.registry.entries import KINDS

    kinds = [_kind(kind)] if kind else list(KINDS)
    known = catalogue().registry
    for line in catalogue().failures():
        notice(line)
    if as_json:
        found = {
            one.plural: [
                {"name": entry.name, "summary": entry.summary, "origin": known.origin(one, entry.name)}
                for entry in known.entries(one)
            ]
            for one in kinds
        }
        click.echo(json.dumps(found, indent=1))
        return
    for one in kinds:
        _print(one, titled=len(kinds) > 1)


def _kind(word: str) -> type[Entry]:
    """The kind that a word means, in singular or plural."""
    from mebench.api.suggestions import did_you_mean
    from mebench.registry.entries import KINDS

    for kind in KINDS:
        if word.lower() in (kind.kind, kind.plural, kind.plural.replace("datasets", "data")):
            return kind
    raise UnknownNameError(f"unknown kind {word!r}{did_you_mean(word, [kind.plural for kind in KINDS])}")


def _print(kind: type[Entry], titled: bool) -> None:
    from mebench.cli.screen import console, print_table
    from mebench.registry.catalogue import registry

    screen = console()
    if titled:
        screen.print(f"{kind.plural}:", style="bold")
    known = registry()
    rows = [(entry.name, entry.summary, known.origin(kind, entry.name)) for entry in known.entries(kind)]
    if rows:
        print_table(screen, ("name", "what it is", "from"), rows, wrap=["what it is"])
    else:
        screen.print("none; see `mebench plugins`")
    if titled:
        screen.print()
