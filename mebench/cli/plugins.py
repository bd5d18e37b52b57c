"""``mebench plugins``: what was found through entry points, and what became of it."""

from __future__ import annotations

import json
from dataclasses import asdict

import click


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with the traceback behind each failure.")
def plugins(as_json: bool) -> None:
    """Show every plugin: where it comes from, what it provides, and why it did not load.

    A plugin that did not load stops nothing but the benchmarks that need it.

    \b
    Examples:
      mebench plugins
      mebench plugins --json
    """
    from mebench.plugins import catalogue

    found = catalogue().plugins
    if as_json:
        click.echo(json.dumps([{**asdict(one), "loaded": not one.error} for one in found], indent=1))
        return
    from mebench.cli.screen import console, print_table

    screen = console()
    rows = [
        (
            one.name,
            one.origin,
            "failed" if one.error else "loaded",
            one.error or ", ".join(one.provides) or "nothing",
        )
        for one in found
    ]
    print_table(screen, ("plugin", "from", "state", "provides, or why not"), rows, wrap=["provides, or why not"])
    failed = [one.name for one in found if one.error]
    if failed:
        screen.print(f"{len(failed)} did not load; `mebench plugins --json` has the traceback.")
