"""What all checks of names and combinations share.

The checks read the plain values of a file and pass over whatever has the wrong type, so that they find their
problems also in a file in which the schema finds others.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from mebench.api.errors import ConfigurationError, MebenchError
from mebench.api.suggestions import did_you_mean
from mebench.plan.file.positions import Location, Problem
from mebench.plan.file.schema import NAME, PATTERN_WORDS
from mebench.plan.file.wording import shown
from mebench.registry.entry import Entry
from mebench.registry.registry import Registry

Registered = TypeVar("Registered", bound=Entry)
Resolved = tuple[Registered, dict[str, Any]]
"""An entry with all of its parameters."""


class Checker:
    """Collects problems.

    Args:
        content: the file as plain values.
        registry: what can be named.
        hint: added to the message about an unknown name, e.g. that a plugin did not load.
    """

    def __init__(self, content: Mapping[str, Any], registry: Registry, hint: str = "") -> None:
        self.problems: list[Problem] = []
        self.content = content
        self.registry = registry
        self._hint = hint

    def add(self, location: Location, text: str, at_key: bool = False) -> None:
        """Note a problem."""
        self.problems.append(Problem(location, text, at_key))

    def name(self, location: Location) -> None:
        """Check a name that the file gives to something of its own; names become folder names."""
        if not re.match(NAME, str(location[-1])):
            self.add(location, f"a name {PATTERN_WORDS[NAME]}", at_key=True)

    def one_of(
        self, names: Iterable[str], location: Location, value: Any, complaint: str, at_key: bool = False
    ) -> bool:
        """Check that a value is one of some names; ``complaint`` is what to say before a value that is not."""
        names = list(names)
        if isinstance(value, str) and value not in names:
            self.add(location, f"{complaint} {value!r}{did_you_mean(value, names)}", at_key)
        return value in names

    def no_repeats(self, location: Location, values: Any) -> None:
        """Check that a list holds nothing twice."""
        seen: list[Any] = []
        for index, value in items(values):
            if value in seen:
                self.add((*location, index), f"{shown(value)} is given twice")
            seen.append(value)

    def entry(self, kind: type[Registered], name: Any, location: Location) -> Registered | None:
        """Look a registered name up."""
        if not isinstance(name, str):
            return None
        try:
            return self.registry.get(kind, name)
        except MebenchError as error:
            self.add(location, f"{error}{self._hint}")
            return None

    def parameters(
        self, entry: Registered, given: Mapping[str, Any], location: Location
    ) -> Resolved[Registered] | None:
        """Check parameters and fill the defaults in."""
        try:
            return entry, entry.resolve(given)
        except ConfigurationError as error:
            known = {parameter.name for parameter in entry.declared}
            for line in error.problems:
                key, _, text = line.partition(": ")
                self.add((*location, key), text, at_key=key not in known)
            return None

    def named(
        self, kind: type[Registered], value: Any, location: Location, reserved: tuple[str, ...] = ("name",)
    ) -> Resolved[Registered] | None:
        """Check a registered name, or a mapping of a name and parameters."""
        short = isinstance(value, str)
        given = {"name": value} if short else mapping(value)
        entry = self.entry(kind, given.get("name"), location if short else (*location, "name"))
        if entry is None:
            return None
        rest = {key: item for key, item in given.items() if key not in reserved}
        return self.parameters(entry, rest, location)


def mapping(value: Any) -> Mapping[str, Any]:
    """The value if it is a mapping, else an empty one."""
    return value if isinstance(value, dict) else {}


def listed(value: Any) -> list[Any]:
    """The value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def items(value: Any) -> list[tuple[int, Any]]:
    """The items of a list with their indices; nothing if it is no list."""
    return list(enumerate(listed(value)))
