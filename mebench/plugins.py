"""Finding plugins: what ships with mebench and what others install go through the same entry points."""

from __future__ import annotations

import importlib.metadata
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import pluggy

from mebench import hookspecs
from mebench.errors import PluginError
from mebench.registry import Kind, Registry

GROUP = "mebench"
HOOKS: dict[str, Kind] = {
    "mebench_attacks": "attack",
    "mebench_channels": "channel",
    "mebench_networks": "network",
    "mebench_datasets": "dataset",
}


@dataclass(frozen=True)
class PluginStatus:
    """What became of one plugin.

    Attributes:
        name: the name of the entry point.
        distribution, version: the installed distribution that it comes from.
        error: one line on why it is not loaded; empty if it is.
        provides: what it registered, as ``kind name``.
        details: the traceback behind ``error``.
    """

    name: str
    distribution: str
    version: str
    error: str = ""
    provides: tuple[str, ...] = ()
    details: str = ""

    @property
    def origin(self) -> str:
        """The distribution and its version in words."""
        return f"{self.distribution} {self.version}"


@dataclass(frozen=True)
class Catalogue:
    """The registry together with the plugins that filled it, or failed to."""

    registry: Registry
    plugins: tuple[PluginStatus, ...]


@cache
def catalogue() -> Catalogue:
    """Load the built-in entries and every installed plugin, once per process. No plugin's fault stops it."""
    registry = Registry()
    version = importlib.metadata.version("mebench")
    statuses = [_load("builtin", "mebench", version, _builtin, registry)]
    points = importlib.metadata.entry_points(group=GROUP)
    for point in sorted(points, key=lambda p: (p.dist is None or p.dist.name != "mebench", p.name)):
        distribution = point.dist.name if point.dist else "unknown"
        version = point.dist.version if point.dist else "?"
        statuses.append(_load(point.name, distribution, version, point.load, registry))
    return Catalogue(registry, tuple(statuses))


def registry() -> Registry:
    """The registry of this process."""
    return catalogue().registry


def _builtin() -> Any:
    from mebench import builtin

    return builtin


def _load(
    name: str, distribution: str, version: str, load: Callable[[], Any], registry: Registry
) -> PluginStatus:
    """Load one plugin on its own pluggy manager, so that a half-registered plugin leaves nothing behind."""
    origin = f"{distribution} {version}"
    try:
        manager = pluggy.PluginManager(hookspecs.PROJECT)
        manager.add_hookspecs(hookspecs.Hooks)
        manager.register(load(), name=name)
        manager.check_pending()
        found = [
            (kind, entry)
            for hook, kind in HOOKS.items()
            for entries in getattr(manager.hook, hook)()
            for entry in entries
        ]
        registry.add(found, origin)
    except PluginError as error:
        return PluginStatus(name, distribution, version, str(error))
    except (Exception, SystemExit) as error:
        reason = f"{type(error).__name__}: {error}".replace("\n", " ")
        return PluginStatus(name, distribution, version, reason, details=traceback.format_exc())
    return PluginStatus(
        name, distribution, version, provides=tuple(f"{kind} {entry.name}" for kind, entry in found)
    )
