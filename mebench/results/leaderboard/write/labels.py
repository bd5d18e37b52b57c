"""Names as tables show them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, cast

from mebench.api.errors import UnknownNameError
from mebench.api.printable import printable
from mebench.api.spec import Component, OnAlarm
from mebench.registry.catalogue import registry
from mebench.registry.defence_entries import DefenceEntry
from mebench.registry.entries import ChannelEntry
from mebench.registry.entry import Entry
from mebench.registry.parameter import Parameter
from mebench.registry.registry import Registry


def component_label(kind: type[Entry], component: Component) -> str:
    """Return the canonical name: with the parameters that differ from the defaults, ``probability(decimals=2)``,
    and those that are always shown, ``ig(steps=50)``.

    Of a component whose plugin is not installed the defaults are unknown: every parameter that is set is shown.
    """
    entry = _entry(registry(), cast(Any, kind), component.name)  # mypy takes no class for hashable
    known, shown = (entry.declared, entry.shown(component.parameters)) if entry else ((), ())
    names = {parameter.name for parameter in known}
    unknown = (Parameter(name, "str", None, "") for name in sorted(component.parameters) if name not in names)
    return Entry(component.name, "", "", (*shown, *unknown)).label(component.parameters)


AFTER_ALARM: Mapping[OnAlarm, str] = {"audit": "", "label": "labels after alarm", "refuse": "refusal after alarm"}
"""What becomes of a client after an alarm, as tables call it: a defence like others, of the owner's detectors."""


def answered_by(channel: Component, defences: Sequence[Component], on_alarm: OnAlarm = "audit") -> str:
    """The channel and the defences that it is behind, as tables call them."""
    return ", ".join([component_label(ChannelEntry, channel), *owners_links(defences, on_alarm)])


def owners_links(defences: Sequence[Component], on_alarm: OnAlarm = "audit") -> list[str]:
    """Defences in their order, as tables call them, and what becomes of clients after an alarm."""
    labels = [component_label(DefenceEntry, one) for one in defences]
    return [*labels, *filter(None, [AFTER_ALARM[on_alarm]])]


@cache
def _entry(known: Registry, kind: type[Entry], name: str) -> Entry | None:
    try:
        return known.get(kind, name)
    except UnknownNameError:
        return None


def cleaned(value: Any) -> Any:
    """Return JSON values with every string made `printable`."""
    kind = type(value)
    if kind is str:
        return printable(value)
    if kind is dict:
        return {printable(key): cleaned(inner) for key, inner in value.items()}
    return [cleaned(inner) for inner in value] if kind is list else value
