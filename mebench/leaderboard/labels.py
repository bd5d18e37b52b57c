"""Names as tables show them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from mebench.errors import UnknownNameError
from mebench.plugins import registry
from mebench.registry import Kind
from mebench.spec import Component


def component_label(kind: Kind, component: Component) -> str:
    """Return the canonical name: with the parameters that differ from the defaults, ``probability(decimals=2)``.

    Of a component whose plugin is not installed the defaults are unknown: every parameter that is set is shown.
    """
    defaults = _defaults(kind, component.name)
    known = [name for name in defaults if name in component.parameters]
    names = known + sorted(set(component.parameters) - set(known))
    shown = [
        f"{name}={_word(component.parameters[name])}"
        for name in names
        if component.parameters[name] != defaults.get(name)
    ]
    return f"{component.name}({','.join(shown)})" if shown else component.name


@cache
def _defaults(kind: Kind, name: str) -> Mapping[str, Any]:
    try:
        return {parameter.name: parameter.default for parameter in registry().get(kind, name).parameters}
    except UnknownNameError:
        return {}


def _word(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return "/".join(map(_word, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def cleaned(value: Any) -> Any:
    """Return JSON values with every string made `printable`."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, dict):
        return {printable(key): cleaned(inner) for key, inner in value.items()}
    return [cleaned(inner) for inner in value] if isinstance(value, list) else value


def printable(text: object) -> str:
    """Return text of unknown origin on one line and without control characters, which could garble a terminal."""
    text = str(text)
    if text.isprintable():
        return text.strip()
    return "".join(c if c.isprintable() else " " if c.isspace() else "�" for c in text).strip()
