"""Names as tables show them."""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any, cast

from mebench.api.errors import UnknownNameError
from mebench.api.spec import Component
from mebench.registry.catalogue import registry
from mebench.registry.entry import Entry
from mebench.registry.parameter import Parameter


def component_label(kind: type[Entry], component: Component) -> str:
    """Return the canonical name: with the parameters that differ from the defaults, ``probability(decimals=2)``,
    and those that are always shown, ``ig(steps=50)``.

    Of a component whose plugin is not installed the defaults are unknown: every parameter that is set is shown.
    """
    known = _parameters(cast(Any, kind), component.name)  # mypy takes no class for hashable
    names = {parameter.name for parameter in known}
    unknown = (Parameter(name, "str", None, "") for name in sorted(component.parameters) if name not in names)
    return Entry(component.name, "", "", (*known, *unknown)).label(component.parameters)


@cache
def _parameters(kind: type[Entry], name: str) -> tuple[Parameter, ...]:
    try:
        return registry().get(kind, name).declared
    except UnknownNameError:
        return ()


def cleaned(value: Any) -> Any:
    """Return JSON values with every string made `printable`."""
    kind = type(value)
    if kind is str:
        return _printable(value)
    if kind is dict:
        return {_printable(key): cleaned(inner) for key, inner in value.items()}
    return [cleaned(inner) for inner in value] if kind is list else value


def printable(text: object) -> str:
    """Return text of unknown origin on one line and without control characters, which could garble a terminal."""
    return _printable(str(text))


@lru_cache(maxsize=20_000)  # thousands of trials say the same words
def _printable(text: str) -> str:
    if text.isprintable():
        return text.strip()
    return "".join(c if c.isprintable() else " " if c.isspace() else "�" for c in text).strip()
