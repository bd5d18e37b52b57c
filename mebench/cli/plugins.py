"""``mebench plugins``: what was found through entry points and in plugin folders, and what became of it."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from mebench.registry.catalogue import PluginStatus


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with the traceback behind each failure.")
@click.option("--freeze", is_flag=True, help="Print the requirement lines that install the loaded plugins again.")
def plugins(as_json: bool, freeze: bool) -> None:
    """Show every plugin: where it comes from, what it provides, and why it did not load.

    A plugin that did not load stops nothing but the benchmarks that need it. MEBENCH_DISABLE=NAME,NAME switches
    plugins off; MEBENCH_PLUGIN_DIR names folders with one-file plugins, as --plugin-dir does.

    \b
    Examples:
      mebench plugins
      mebench plugins --json
      mebench plugins --freeze > requirements.txt
      MEBENCH_DISABLE=dfme mebench plugins
    """
    from mebench.registry.catalogue import catalogue

    found = catalogue().plugins
    if freeze:
        from mebench.registry.requirements import frozen

        click.echo("\n".join(frozen(found)))
    elif as_json:
        rows = [{**asdict(one), "loaded": one.state == "loaded", "state": one.state} for one in found]
        click.echo(json.dumps(rows, indent=1))
    else:
        _print(found)


def _print(found: Sequence[PluginStatus]) -> None:
    from mebench.cli.screen import console, print_table
    from mebench.registry.catalogue import disabled_names
    from mebench.registry.sources import DISABLE

    screen = console()
    rows = [(one.name, one.origin, one.state, _remark(one)) for one in found]
    print_table(screen, ("plugin", "from", "state", "provides, or why not"), rows, wrap=["provides, or why not"])
    failed = [one.name for one in found if one.error]
    if failed:
        screen.print(f"{len(failed)} did not load; `mebench plugins --json` has the traceback.")
    unknown = disabled_names(os.environ.get(DISABLE, "")) - {one.name for one in found if one.disabled}
    if unknown:
        screen.print(f"{DISABLE} names what is no plugin that can be switched off: {', '.join(sorted(unknown))}.")


def _remark(one: PluginStatus) -> str:
    if one.disabled:
        return "switched off by MEBENCH_DISABLE"
    return one.error or ", ".join(one.provides) or "nothing"
