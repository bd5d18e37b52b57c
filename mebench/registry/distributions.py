"""Installed distributions with entry points of the group ``mebench``; a broken one is told of and stops nothing."""

from __future__ import annotations

import importlib.metadata
import os
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from functools import lru_cache, partial
from importlib.metadata import Distribution, EntryPoint
from pathlib import Path

from packaging.utils import canonicalize_name

from mebench.api.notices import notice
from mebench.api.printable import printable
from mebench.registry.source import Source, refuse

GROUP = "mebench"
_NAMED = 3


def installed() -> Iterator[Source]:
    """The plugins of distributions. Of two distributions with one name, the first on the path counts.

    One whose ``entry_points.txt`` cannot be read may be a plugin or nothing to do with mebench: it is found as a plugin
    that cannot be loaded, and a notice names its folder.

    A folder of the import path is looked at anew once something was put into it or taken away; until then its plugins
    are the same objects, in processes that are forked from this one too.
    """
    seen: set[str] = set()
    for place in sys.path:
        for name, plugins, line in _found(place, _state(place)):
            if name in seen:
                continue
            seen.add(name)
            if line:
                notice(line)
            yield from plugins


def _state(place: str) -> tuple[int, int, int] | None:
    """What tells a folder from others, and from what it was before; None where there is none."""
    try:
        found = os.stat(place or os.curdir)  # noqa: PTH116 (a Path would take four times as long)
    except (OSError, ValueError, TypeError):
        return None
    return found.st_mtime_ns, found.st_ino, found.st_dev


@lru_cache(maxsize=256)
def _found(place: str, state: tuple[int, int, int] | None) -> tuple[tuple[str, tuple[Source, ...], str], ...]:
    """The distributions in a folder of the import path: name, plugins, and what is to be noticed."""
    return tuple(map(_looked_at, importlib.metadata.distributions(path=[place])))


def _looked_at(distribution: Distribution) -> tuple[str, tuple[Source, ...], str]:
    folder = _folder(distribution)
    name = canonicalize_name(folder.name.partition("-")[0].removesuffix(".egg-info").removesuffix(".dist-info"))
    try:
        points = [point for point in distribution.entry_points if _meant(point.group)]
    except Exception as error:
        reason = f"{folder / 'entry_points.txt'} cannot be read ({_words(error)}): install the distribution again"
        return name, (Source(name, name, "", "", partial(refuse, reason)),), f"{reason}; it is passed over"
    return name, tuple(_sources(points, distribution, name)) if points else (), ""


def _meant(group: str) -> bool:
    """Whether a group is that of plugins, or one that was to be it."""
    return re.fullmatch(r"mebench([._-]plugins?)?", group.strip().casefold()) is not None


def _sources(points: Sequence[EntryPoint], distribution: Distribution, fallback: str) -> Iterator[Source]:
    """The plugins of a distribution, one for each name; those that cannot be loaded say why."""
    name, version = _identity(distribution, fallback)
    named: dict[str, list[EntryPoint]] = defaultdict(list)
    for point in points:
        named[point.name].append(point)
    for known, same in named.items():
        if problem := _unfit(same):
            reason = f"its entry point {known!r:.60} {problem}"
            yield Source(printable(known)[:60] or fallback, name, version, "", partial(refuse, reason))
        else:
            yield _source(same[0], name, version)


def _unfit(same: Sequence[EntryPoint]) -> str:
    """Say what is wrong with the entry points of one name before anything is imported; empty if nothing is."""
    first = same[0]
    if first.group != GROUP:
        return f"is in the group {first.group!r:.60}: the group of plugins is called {GROUP!r}"
    if len(same) > 1:
        return f"is there {len(same)} times ({', '.join(f'{one.value!r:.60}' for one in same[:_NAMED])}): leave one"
    if not re.fullmatch(r"[\w.-]{1,60}", first.name):
        return "has a name that cannot be given anywhere: it may hold up to 60 letters, digits and . _ -"
    try:
        parts = [*first.module.split("."), *(first.attr.split(".") if first.attr else ())]
    except Exception:  # newer Pythons refuse such a value where it is read
        parts = [""]
    if not all(part.isidentifier() for part in parts):
        return f"is {first.value!r:.60}: it must be a module, or module:object"
    return ""


def _source(point: EntryPoint, name: str, version: str) -> Source:
    module = point.module
    return Source(point.name, name, version, module, point.load, fixed=module.startswith("mebench."))


def _identity(distribution: Distribution, fallback: str) -> tuple[str, str]:
    """Name and version; as the folder has it, and ``?``, where METADATA is missing or cannot be read."""
    try:
        metadata = distribution.metadata
        name, version = metadata["Name"], metadata["Version"]
    except Exception:
        return fallback, "?"
    return name or fallback, version or "?"


def _folder(distribution: Distribution) -> Path:
    """The folder of its metadata; of one that is in no folder, what it calls itself."""
    place = getattr(distribution, "_path", None)
    return Path(str(place)) if place is not None else Path(_identity(distribution, "unknown")[0])


def _words(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:200]
