"""``mebench info``: everything about one name."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from mebench.api.errors import UnknownNameError

if TYPE_CHECKING:
    from rich.console import Console

    from mebench.registry.entries import Kind
    from mebench.registry.entry import Entry
    from mebench.registry.parameter import Parameter
    from mebench.results.metric_cards import MetricCard

_KINDS: dict[Kind, str] = {
    "attack": "an attack",
    "channel": "a channel",
    "network": "a network",
    "dataset": "a data set",
    "strategy": "a query strategy",
    "learner": "a learner",
    "metric": "a metric",
    "victim": "a victim",
    "report": "a report",
}
_FAMILIES = {"generator": "makes its queries", "pool": "chooses among unlabelled inputs; its run needs a pool"}


@click.command()
@click.argument("name")
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
    from mebench.registry.entries import KINDS
    from mebench.results.metric_cards import CARDS

    found = [(kind, entry) for kind in KINDS if (entry := _find(kind, name))]
    card = CARDS.get(name)
    if card is None and (measuring := _measuring(name)):
        found.append(("metric", measuring))
    if not found and card is None:
        raise UnknownNameError(_unknown(name))
    if as_json:
        cards = [{"kind": "metric", **asdict(card)}] if card else []
        told = [_json(kind, entry) for kind, entry in found if card is None or kind != "metric"]
        click.echo(json.dumps([*told, *cards], indent=1))
        return
    from mebench.cli.screen import console

    screen = console()
    for kind, entry in found:
        if card is None or kind != "metric":
            _print(screen, kind, entry)
    if card:
        _print_card(screen, card)


def _find(kind: Kind, name: str) -> Entry | None:
    from mebench.registry.catalogue import registry

    try:
        return registry().get(kind, name)
    except UnknownNameError:
        return None


def _measuring(name: str) -> Entry | None:
    """The metric that has several numbers, of which this is one."""
    from mebench.registry.catalogue import registry

    entry, _ = registry().measured().get(name, (None, None))
    return entry if entry and entry.outputs else None


def _unknown(name: str) -> str:
    from mebench.api.suggestions import did_you_mean
    from mebench.registry.catalogue import catalogue
    from mebench.registry.entries import KINDS
    from mebench.results.metric_cards import CARDS

    registry, plugins = catalogue().registry, catalogue().plugins
    known = [*(known for kind in KINDS for known in registry.names(kind)), *CARDS, *registry.measured()]
    failed = any(plugin.error for plugin in plugins)
    hint = " (a plugin did not load: see `mebench plugins`)" if failed else "; see `mebench list`"
    return f"nothing is named {name!r}{did_you_mean(name, known) or hint}"


def _facts(kind: Kind, entry: Entry) -> dict[str, Any]:
    """What is known besides the parameters, in words."""
    from mebench.registry.catalogue import registry
    from mebench.registry.entries import (
        AttackEntry,
        ChannelEntry,
        DatasetEntry,
        LearnerEntry,
        MetricEntry,
        ReportEntry,
        StrategyEntry,
        VictimEntry,
    )

    facts: dict[str, Any] = {"from": registry().origin(kind, entry.name)}
    if isinstance(entry, AttackEntry):
        facts["paper"] = entry.paper
        facts["family"] = f"{entry.family} ({_FAMILIES[entry.family]})"
        facts["needs"] = ", ".join(sorted(entry.needs))
        facts["channels"] = ", ".join(registry().channels_for(entry)) or "none that is installed"
        facts["smallest budget"] = f"{entry.minimum_budget:,} queries" if entry.minimum_budget > 1 else ""
    elif isinstance(entry, StrategyEntry):
        facts["family"] = f"{entry.family} ({_FAMILIES[entry.family]})"
        facts["needs"] = ", ".join(sorted(entry.needs))
        facts["as an attack"] = f"{entry.name}+LEARNER, e.g. with {', '.join(registry().names('learner'))}"
    elif isinstance(entry, LearnerEntry):
        facts["needs"] = ", ".join(sorted(entry.needs))
        facts["as an attack"] = f"STRATEGY+{entry.name}, e.g. with {', '.join(registry().names('strategy'))}"
    elif isinstance(entry, MetricEntry):
        facts["better"] = "" if entry.outputs else entry.better
        facts["measured"] = "once, at the end of the trial" if entry.when == "end" else "at every evaluation"
        facts["numbers"] = ", ".join(output.name for output in entry.outputs)
    elif isinstance(entry, ChannelEntry):
        facts["gives"] = ", ".join(sorted(entry.gives))
    elif isinstance(entry, VictimEntry):
        facts["data"] = entry.data
        facts["image size"] = " x ".join(map(str, entry.image_size or ()))
        facts["mean, std"] = "; ".join(", ".join(map(str, values)) for values in (entry.mean, entry.std) if values)
    elif isinstance(entry, ReportEntry):
        facts["file"] = f"report.{entry.suffix}"
    elif isinstance(entry, DatasetEntry):
        facts["shape"] = " x ".join(map(str, entry.shape))
        facts["classes"] = str(entry.num_classes or "")
        facts["licence"] = entry.licence
        facts["source"] = entry.source
    return {key: value for key, value in facts.items() if value}


def _print(screen: Console, kind: Kind, entry: Entry) -> None:
    from mebench.cli.screen import print_table

    screen.print(f"{entry.name}, {_KINDS[kind]}", style="bold")
    screen.print(entry.summary)
    screen.print()
    for key, value in _facts(kind, entry).items():
        screen.print(f"{key}: {value}")
    screen.print()
    if not entry.declared:
        screen.print("It has no parameters.")
        return
    rows = [(one.name, one.type, _written(one.default), _range(one), one.help) for one in entry.declared]
    print_table(screen, ("parameter", "type", "default", "range", "what it is"), rows, wrap=["what it is"])


def _print_card(screen: Console, card: MetricCard) -> None:
    from mebench.results.metric_cards import facts

    screen.print(f"{card.name}, a metric", style="bold")
    for key, value in facts(card).items():
        screen.print(f"{key}: {value}", markup=False)
    if measuring := _measuring(card.name):
        screen.print(f"measured by: {measuring.name}, see `mebench info {measuring.name}`", markup=False)


def _range(parameter: Parameter) -> str:
    if parameter.choices:
        return " | ".join(map(str, parameter.choices))
    low, high = parameter.minimum, parameter.maximum
    if low is not None and high is not None:
        return f"{low:g} to {high:g}"
    return f">= {low:g}" if low is not None else f"<= {high:g}" if high is not None else ""


def _written(value: Any) -> str:
    """A value as it is written in a benchmark file."""
    return value if isinstance(value, str) else json.dumps(value)


def _json(kind: Kind, entry: Entry) -> dict[str, Any]:
    parameters = [asdict(parameter) for parameter in entry.declared]
    return {
        "kind": kind,
        "name": entry.name,
        "summary": entry.summary,
        **_facts(kind, entry),
        "parameters": parameters,
    }
