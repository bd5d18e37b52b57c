"""Installed distributions with entry points of the group ``mebench``; a broken one is told of and stops nothing."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Iterator
from functools import partial
from importlib.metadata import Distribution, EntryPoint
from pathlib import Path

from packaging.utils import canonicalize_name

from mebench.api.notices import notice
from mebench.registry.source import Source, refuse

GROUP = "mebench"


def installed() -> Iterator[Source]:
    """The plugins of distributions. Of two distributions with one name, the first on the path counts.

    One whose ``entry_points.txt`` cannot be read may be a plugin or nothing to do with mebench: it is found as a plugin
    that cannot be loaded, and a notice names its folder.
    """
    seen: set[str] = set()
    for distribution in importlib.metadata.distributions():
        folder = _folder(distribution)
        name = canonicalize_name(folder.name.partition("-")[0].removesuffix(".egg-info").removesuffix(".dist-info"))
        if name in seen:
            continue
        seen.add(name)
        try:
            points = [point for point in distribution.entry_points if point.group == GROUP]
        except Exception as error:
            reason = f"{folder / 'entry_points.txt'} cannot be read ({_words(error)}): install the distribution again"
            notice(f"{reason}; it is passed over")
            yield Source(name, name, "", "", partial(refuse, reason))
            continue
        yield from (_source(point, distribution, name) for point in points)


def _source(point: EntryPoint, distribution: Distribution, fallback: str) -> Source:
    name, version = _identity(distribution, fallback)
    try:
        module = point.module
    except Exception:  # newer Pythons refuse such a value where it is read
        reason = f"its entry point {point.name!r:.60} is {point.value!r:.60}: it must be a module, or module:object"
        return Source(point.name, name, version, "", partial(refuse, reason))
    return Source(point.name, name, version, module, point.load, fixed=module.startswith("mebench."))


def _identity(distribution: Distribution, fallback: str) -> tuple[str, str]:
    """Name and version; as the folder has it, and ``?``, where METADATA is missing or cannot be read."""
    try:
        name, version = distribution.metadata["Name"], distribution.version
    except Exception:
        return fallback, "?"
    return name or fallback, version or "?"


def _folder(distribution: Distribution) -> Path:
    """The folder of its metadata; of one that is in no folder, what it calls itself."""
    place = getattr(distribution, "_path", None)
    return Path(str(place)) if place is not None else Path(_identity(distribution, "unknown")[0])


def _words(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:200]
