"""``mebench schema``: the JSON schema of benchmark files."""

from __future__ import annotations

import json

import click


@click.command()
def schema() -> None:
    """Print the JSON schema of benchmark files, with every name and parameter that is installed.

    Editors use it to complete and check YAML as you type.

    \b
    Example:
      mebench schema > mebench.schema.json
    """
    from mebench.plan.file.jsonschema import benchmark_schema
    from mebench.registry.catalogue import registry

    click.echo(json.dumps(benchmark_schema(registry()), indent=1))
