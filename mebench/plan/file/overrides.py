"""``--set KEY=VALUE``: change values of a benchmark file before it is checked.

A key is a path with dots, list indices and ``*`` for everything: ``runs.*.budgets=[64]``,
``runs.0.attacks.*.parameters.batch_size=4``, ``victims.*.training.epochs=1``. It starts in the profile that is run,
or else at the top of the file. With ``*`` a parameter is set wherever the attack, network, channel or data set has
it; a key without ``*`` must fit.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_args

from mebench.api.errors import ConfigurationError, MebenchError
from mebench.api.shortened import shortened
from mebench.api.suggestions import did_you_mean
from mebench.plan.file.positions import Document, Location, parse_value
from mebench.plan.file.schema import Benchmark, Named, Profile, annotation_at, section_at
from mebench.plan.file.wording import written
from mebench.registry.entries import AttackEntry, ChannelEntry, DatasetEntry, NetworkEntry, VictimEntry
from mebench.registry.entry import Entry
from mebench.registry.registry import Registry

MOST_TOLD = 200
"""Characters of an option that messages repeat."""
_NAMED: dict[str, type[Entry]] = {
    "channel": ChannelEntry,
    "clone": NetworkEntry,
    "network": NetworkEntry,
    "data": DatasetEntry,
    "pool": DatasetEntry,
    "victim": VictimEntry,
}
"""What a key of a file names."""


@dataclass(frozen=True)
class Override:
    """One ``--set``.

    Attributes:
        text: as the user wrote it.
        keys: the path.
        value: what to set.
    """

    text: str
    keys: tuple[str, ...]
    value: Any

    @classmethod
    def parse(cls, text: str) -> Override:
        """Read ``KEY=VALUE``; the value is YAML.

        Raises:
            ConfigurationError: there is no key, or the value is not YAML.
        """
        key, equals, value = text.partition("=")
        keys = tuple(re.sub(r"\[([^\]]*)\]", r".\1", key.strip()).split("."))
        if not equals or not all(keys):
            raise ConfigurationError("write KEY=VALUE with dots between keys, e.g. runs.0.budgets=[1000]")
        return cls(text, keys, parse_value(value))


def apply_overrides(document: Document, texts: Sequence[str], profile: str, registry: Registry) -> list[str]:
    """Change the document in place; return one line per override that could not be applied."""
    lines = []
    for text in texts:
        told = f"--set {shortened(text, MOST_TOLD)}"
        try:
            override = Override.parse(text)
            for location in _targets(document.content, override, profile, registry):
                parent = _value(document.content, location[:-1])
                parent[location[-1]] = copy.deepcopy(override.value)
                document.overridden[location] = told
        except ConfigurationError as error:
            lines.append(f"{told}: {error}")
    return lines


def _targets(content: dict[str, Any], override: Override, profile: str, registry: Registry) -> list[Location]:
    """The locations that an override means; at least one."""
    locations = [_root(override.keys[0], profile)]
    for position, key in enumerate(override.keys):
        last = position == len(override.keys) - 1
        steps = [_step(content, location, key, last) for location in locations]
        found = [location for step in steps for location in step]
        if not found:
            raise ConfigurationError(_no_such(content, locations[0], key))
        locations = found
    if "*" in override.keys:
        return _fitting(content, locations, registry)
    return locations


def _root(key: str, profile: str) -> Location:
    if key in Profile.model_fields:
        return ("profiles", profile)
    if key in Benchmark.model_fields:
        return ()
    known = [*Profile.model_fields, *Benchmark.model_fields]
    raise ConfigurationError(f"neither a profile nor the file has a key {key!r}{did_you_mean(key, known)}")


def _step(content: dict[str, Any], location: Location, key: str, last: bool) -> list[Location]:
    """Go one key further: to nothing, one location, or with ``*`` to several."""
    here = _opened(content, location)
    if isinstance(here, list):
        indices = range(len(here))
        return [(*location, index) for index in indices if key in ("*", str(index))]
    if not isinstance(here, dict):
        return []
    if key == "*":
        return [(*location, name) for name in here]
    if key not in here:
        if not _may_be_new(location, key, last):
            return []
        if not last:
            here[key] = {}
    return [(*location, key)]


def _opened(content: dict[str, Any], location: Location) -> Any:
    """The value at a location; a name alone is first written as a mapping, so that it can take parameters."""
    here = _value(content, location)
    section = section_at(location)
    if isinstance(here, str) and section and issubclass(section, Named):
        here = {"name": here}
        _value(content, location[:-1])[location[-1]] = here
    return here


def _may_be_new(location: Location, key: str, last: bool) -> bool:
    """Whether the schema lets a key stand here that the file does not have."""
    section = section_at(location)
    if section is None:
        return last and get_args(annotation_at(location))[-1:] == (Any,)
    if key in section.model_fields:
        return last or get_args(annotation_at((*location, key)))[-1:] == (Any,)
    return last and issubclass(section, Named)


def _no_such(content: dict[str, Any], location: Location, key: str) -> str:
    here = _value(content, location)
    section = section_at(location)
    known = {*(here if isinstance(here, dict) else ()), *(section.model_fields if section else ())}
    hint = did_you_mean(key, sorted(known)) if key not in known else ": give it in the file first"
    if isinstance(here, list):
        hint = f": it has the items 0 to {len(here) - 1}" if here else ": it is empty"
    return f"{written(location) or 'the file'} has no {key!r}{hint}"


def _fitting(content: dict[str, Any], locations: list[Location], registry: Registry) -> list[Location]:
    """Leave out parameters that what they would be set on does not have.

    Raises:
        ConfigurationError: nothing is left.
    """
    known: dict[Location, set[str] | None] = {}
    for location in locations:
        owner = _owner(content, location, registry)
        known[location] = {parameter.name for parameter in owner.declared} if owner else None
    fitting = [location for location, names in known.items() if names is None or location[-1] in names]
    if not fitting:
        key = str(locations[0][-1])
        every = sorted({name for names in known.values() for name in names or ()})
        raise ConfigurationError(f"none of these has a parameter {key!r}{did_you_mean(key, every)}")
    return fitting


def _owner(content: dict[str, Any], location: Location, registry: Registry) -> Entry | None:
    """The entry whose parameter is at a location; None if it is no parameter."""
    parent = _value(content, location[:-1])
    if not isinstance(parent, dict) or location[-1] in ("name", "prior"):
        return None
    try:
        if location[-2] == "parameters":
            return registry.get(AttackEntry, _value(content, location[:-2])["attack"])
        if location[-2] in _NAMED:
            return registry.get(_NAMED[str(location[-2])], parent["name"])
    except (MebenchError, LookupError, TypeError):
        return None  # the checks will say what is wrong
    return None


def _value(content: Any, location: Location) -> Any:
    for part in location:
        try:
            content = content[part]
        except (LookupError, TypeError):
            return None
    return content
