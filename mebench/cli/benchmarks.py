"""``mebench benchmarks``: the benchmark files that come with mebench."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from mebench.api.errors import ConfigurationError, UnknownNameError
from mebench.cli import completion
from mebench.cli.output import OutputFile, say


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.pass_context
def benchmarks(context: click.Context, as_json: bool) -> None:
    """List the benchmarks that come with mebench; their names stand for their files in every command.

    The first profile is the one that runs where none is asked for.

    \b
    Examples:
      mebench benchmarks
      mebench run table1
      mebench benchmarks copy table1
    """
    if context.invoked_subcommand is not None:
        return
    from mebench.plan.file.shipped import shipped

    found = [_facts(name, file) for name, file in shipped().items()]
    if as_json:
        click.echo(json.dumps(found, indent=1))
        return
    from mebench.cli.screen import console, print_table

    rows = [(one["name"], one["title"], ", ".join(one["profiles"]), one["paper"]) for one in found]
    print_table(console(), ("name", "what it measures", "profiles", "paper"), rows, wrap=["what it measures"])


@benchmarks.command()
@click.argument("name", shell_complete=completion.completing(completion.shipped_benchmarks))
@click.argument("file", required=False, type=OutputFile())
def copy(name: str, file: Path | None) -> None:
    """Write the benchmark NAME to FILE, or to NAME.yaml in this folder, to be edited.

    Its first line tells editors where its JSON schema is: `mebench schema > mebench.schema.json` beside it.

    \b
    Examples:
      mebench benchmarks copy table1
      mebench benchmarks copy table1 mine.yaml
    """
    from mebench.api.files import write_atomically
    from mebench.api.suggestions import did_you_mean
    from mebench.plan.file.shipped import shipped

    known = shipped()
    if name not in known:
        raise UnknownNameError(f"no benchmark {name!r} comes with mebench{did_you_mean(name, known)}")
    target = file or Path(f"{name}.yaml")
    if target.exists():
        raise ConfigurationError(f"{target}: is there already: delete it, or give another name behind {name}")
    write_atomically(target, known[name].read_bytes())
    say(f"wrote {target}; `mebench schema > mebench.schema.json` beside it lets editors complete and check it")


def _facts(name: str, file: Path) -> dict[str, Any]:
    """What is told of a benchmark; the profile that runs by itself comes first."""
    from mebench.plan.file.positions import read_document

    content = read_document(file).content
    profiles, first = list(content["profiles"]), content.get("default_profile")
    paper = content.get("paper") or {}
    return {
        "name": name,
        "title": content.get("title", ""),
        "profiles": sorted(profiles, key=lambda profile: profile != first) if first else profiles,
        "paper": paper.get("id", ""),
        "file": str(file),
    }
