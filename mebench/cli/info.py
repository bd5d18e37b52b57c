"""``mebench info``: everything about one name."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from mebench.api.errors import UnknownNameError
from mebench.api.shortened import bound
from mebench.cli import completion

if TYPE_CHECKING:
    from rich.console import Console

    from mebench.registry.card import Number
    from mebench.registry.entry import Entry
    from mebench.registry.parameter import Parameter


@click.command()
@click.argument("name", shell_complete=completion.completing(completion.registered()))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def info(name: str, as_json: bool) -> None:
    """Say all about NAME, an attack, channel, network, data set, metric, victim or report: what it is, what can be set.

    \b
    Examples:
      mebench info megex
      mebench info vg
      mebench info fashion-mnist-10k --json
      mebench info fidelity
    """
    from mebench.registry.entries import KINDS, BuiltinMetric

    found = [entry for kind in KINDS if (entry := _find(kind, name))]
    carded = _carded(name)
    if carded is None and (measuring := _measuring(name)):
        found.append(measuring)
    if not found and carded is None:
        raise UnknownNameError(_unknown(name))
    # Of what every trial is measured by, the card says all: there is nothing to set.
    told = [entry for entry in found if carded is None or not isinstance(entry, BuiltinMetric)]
    if as_json:
        cards = [_card_json(carded)] if carded else []
        click.echo(json.dumps([*map(_json, told), *cards], indent=1))
        return
    from mebench.cli.screen import console

    screen = console()
    for entry in told:
        _print(screen, entry)
    if carded:
        screen.print() if told else None
        _print_card(screen, carded)


def _find(kind: type[Entry], name: str) -> Entry | None:
    from mebench.registry.catalogue import registry

    try:
        return registry().get(kind, name)
    except UnknownNameError:
        return None


def _carded(name: str) -> Number | None:
    """The number of results that has this name, if it has a card."""
    from mebench.results.numbers import numbers

    found = numbers().get(name)
    return found if found and found.card.formula else None


def _measuring(name: str) -> Entry | None:
    """The metric that has several numbers, of which this is one."""
    from mebench.registry.catalogue import registry

    entry, _ = registry().measured().get(name, (None, None))
    return entry if entry and entry.outputs else None


def _unknown(name: str) -> str:
    from mebench.api.suggestions import did_you_mean
    from mebench.registry.catalogue import catalogue
    from mebench.registry.entries import KINDS
    from mebench.results.numbers import numbers

    registry, plugins = catalogue().registry, catalogue().plugins
    known = [*(known for kind in KINDS for known in registry.names(kind)), *numbers()]
    failed = any(plugin.error for plugin in plugins)
    hint = " (a plugin did not load: see `mebench plugins`)" if failed else "; see `mebench list`"
    return f"nothing is named {name!r}{did_you_mean(name, known) or hint}"


def _facts(entry: Entry) -> dict[str, str]:
    """What is known besides the parameters, in words."""
    from mebench.registry.catalogue import registry

    known = registry()
    facts = {"from": known.origin(type(entry), entry.name)} | entry.facts(known)
    return {key: value for key, value in facts.items() if value}


def _print(screen: Console, entry: Entry) -> None:
    from mebench.cli.screen import print_table

    screen.print(f"{entry.name}, {entry.phrase}", style="bold")
    screen.print(entry.summary)
    screen.print()
    for key, value in _facts(entry).items():
        screen.print(f"{key}: {value}")
    screen.print()
    if not entry.declared:
        screen.print("It has no parameters.")
        return
    rows = [(one.name, one.type, _written(one.default), _range(one), one.help) for one in entry.declared]
    print_table(screen, ("parameter", "type", "default", "range", "what it is"), rows, wrap=["what it is"])


def _print_card(screen: Console, number: Number) -> None:
    screen.print(f"{number.name}, a metric", style="bold")
    for key, value in number.facts().items():
        screen.print(f"{key}: {value}", markup=False)
    if measuring := _measuring(number.name):
        screen.print(f"measured by: {measuring.name}, see `mebench info {measuring.name}`", markup=False)


def _card_json(number: Number) -> dict[str, Any]:
    card = number.card
    told = {"formula": card.formula, "range": card.range, "better": number.better, "misleads": card.misleads}
    more = {"unit": card.unit, "detail": card.detail}
    return {"kind": "metric", "name": number.name, "title": number.title, **told, **more}


def _range(parameter: Parameter) -> str:
    if parameter.choices:
        return " | ".join(map(str, parameter.choices))
    low, high = parameter.minimum, parameter.maximum
    if low is not None and high is not None:
        return f"{bound(low)} to {bound(high)}"
    return f">= {bound(low)}" if low is not None else f"<= {bound(high)}" if high is not None else ""


def _written(value: Any) -> str:
    """A value as it is written in a benchmark file."""
    return value if isinstance(value, str) else json.dumps(value)


def _json(entry: Entry) -> dict[str, Any]:
    parameters = [asdict(parameter) for parameter in entry.declared]
    return {
        "kind": entry.kind,
        "name": entry.name,
        "summary": entry.summary,
        **_facts(entry),
        "parameters": parameters,
    }
