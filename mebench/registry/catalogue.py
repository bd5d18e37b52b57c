"""Finding plugins: what ships with mebench and what others install go through the same hooks."""

from __future__ import annotations

import os
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from types import ModuleType
from typing import Any, Literal

import pluggy

from mebench.api.errors import PluginError
from mebench.api.printable import printable
from mebench.api.version import API_VERSION, check_api_version
from mebench.registry import hooks as hookspecs
from mebench.registry.code import Code, package_digest
from mebench.registry.entries import KINDS, MetricEntry
from mebench.registry.entry import Entry
from mebench.registry.registry import Registry
from mebench.registry.safe_import import guarded_import
from mebench.registry.source import Source
from mebench.registry.sources import DISABLE, FOLDERS, sources
from mebench.registry.validation import checked_entries


@dataclass(frozen=True)
class PluginStatus:
    """What became of one plugin.

    Attributes:
        name: the name of the entry point, or of a file in a plugin folder.
        distribution, version: where it comes from: an installed distribution, or a file of a plugin folder.
        error: one line on why it is not loaded; empty if it is.
        provides: what it registered, as ``kind name``.
        details: the traceback behind ``error``.
        disabled: switched off by ``MEBENCH_DISABLE``.
        path: the file of a plugin folder, or None.
    """

    name: str
    distribution: str
    version: str
    error: str = ""
    provides: tuple[str, ...] = ()
    details: str = ""
    disabled: bool = False
    path: str | None = None

    @property
    def origin(self) -> str:
        """The distribution and its version in words."""
        return f"{self.distribution} {self.version}".strip()

    @property
    def state(self) -> Literal["loaded", "disabled", "failed"]:
        """What became of it in one word."""
        return "disabled" if self.disabled else "failed" if self.error else "loaded"


@dataclass(frozen=True)
class Catalogue:
    """The registry together with the plugins that filled it, or failed to."""

    registry: Registry
    plugins: tuple[PluginStatus, ...]

    def failures(self) -> list[str]:
        """A line for each plugin that did not load; what may be none was told as it was found."""
        failed = [one for one in self.plugins if one.state == "failed" and (one.version or one.path)]
        return [printable(f"plugin {one.name} of {one.origin} did not load: {one.error}") for one in failed]

    def absent(self) -> str:
        """Which plugins are not there and why, in a clause that follows an unknown name; empty if all are."""
        words = {"failed": "did not load", "disabled": f"is switched off by {DISABLE}"}
        parts = [f"{one.name} of {one.origin} {words[one.state]}" for one in self.plugins if one.state != "loaded"]
        return f" ({', '.join(parts)}: see `mebench plugins`)" if parts else ""


def catalogue() -> Catalogue:
    """The built-in entries and those of every plugin, loaded once per process and setting.

    ``MEBENCH_PLUGIN_DIR`` names folders with one-file plugins, ``MEBENCH_DISABLE`` plugins that are switched off. No
    plugin's fault stops it.
    """
    return _catalogue(os.environ.get(FOLDERS, ""), os.environ.get(DISABLE, ""))


@cache
def _catalogue(folders: str, disabled: str) -> Catalogue:
    registry, off = Registry(), disabled_names(disabled)
    return Catalogue(registry, tuple(_status(source, registry, off) for source in sources(folders)))


def registry() -> Registry:
    """The registry of this process."""
    return catalogue().registry


def disabled_names(setting: str) -> frozenset[str]:
    """The names in a value of ``MEBENCH_DISABLE``."""
    return frozenset(filter(None, (name.strip() for name in setting.split(","))))


def _status(source: Source, registry: Registry, disabled: frozenset[str]) -> PluginStatus:
    """Load one plugin: all that it provides, or nothing."""
    path = str(source.path) if source.path else None
    status = PluginStatus(source.name, source.distribution, source.version, path=path)
    if source.name in disabled and not source.fixed:
        return replace(status, disabled=True)
    try:
        found = _provided(source) if source.path is None else _loaded(source)
        registry.add(found, status.origin, None if source.fixed else _code(source))
    except PluginError as error:
        cause = error.__cause__
        return replace(status, error=str(error), details="".join(traceback.format_exception(cause)) if cause else "")
    return replace(status, provides=tuple(f"{entry.kind} {entry.name}" for entry in found))


def _code(source: Source) -> Code:
    return Code(source.distribution, source.version, package_digest(source.module))


def _loaded(source: Source) -> list[Entry]:
    """What a plugin registers.

    Raises:
        PluginError: it cannot be loaded, whatever it has done meanwhile.
    """
    with guarded_import():
        return _entries(source)


_provided = cache(_loaded)
"""The same of an installed plugin. It is asked once per process: which folders there are changes nothing about it."""


def _entries(source: Source) -> list[Entry]:
    """What a plugin registers, on a pluggy manager of its own."""
    plugin = source.load()
    check_api_version(_declared_version(plugin))
    manager = _idle.pop() if _idle else _new_manager()
    manager.register(plugin, name=source.name)
    manager.check_pending()
    _check_hooks(manager, plugin, source)
    found = [entry for kind in KINDS for entry in _returned(manager, source, kind)]
    if type(plugin) is ModuleType:  # of other objects, nobody knows what it does to look for them
        manager.unregister(plugin)
        _idle.append(manager)
    return found


_idle: list[pluggy.PluginManager] = []
"""Managers that have no plugin any more: to make one takes longer than to ask a plugin for all that it registers."""


def _new_manager() -> pluggy.PluginManager:
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs.Hooks)
    return manager


def _check_hooks(manager: pluggy.PluginManager, plugin: Any, source: Source) -> None:
    """Make sure that what an entry point names is a plugin, and that none of its hooks is passed over."""
    found = {caller.name for caller in manager.get_hookcallers(plugin) or ()}
    hooks = {kind.hook() for kind in KINDS}
    if unmarked := sorted(name for name in hooks - found if callable(getattr(plugin, name, None))):
        raise PluginError(f"{unmarked[0]} is not marked by @mebench.hookimpl")
    if not found and source.path is None:
        what = "a module" if isinstance(plugin, ModuleType) else f"an object of type {type(plugin).__name__!r}"
        raise PluginError(
            f"its entry point {source.name!r} names {what} without any hook, such as {KINDS[0].hook()}: is it a plugin "
            "of mebench?"
        )


def _declared_version(plugin: Any) -> Any:
    """Asked before anything else of the plugin's: the hooks of another version may have other signatures."""
    declare = getattr(plugin, "mebench_api_version", None)
    return declare() if callable(declare) else (API_VERSION[0], 0)


def _returned(manager: pluggy.PluginManager, source: Source, kind: type[Entry]) -> Iterator[Entry]:
    for returned in getattr(manager.hook, kind.hook())():
        for entry in checked_entries(kind, returned):
            if isinstance(entry, MetricEntry) and entry.always and not source.fixed:
                said = "always is for mebench's own metrics, leave it out"
                raise PluginError(f"{kind.hook()} returned {entry.name!r}: {said}")
            given = {field: getattr(entry, field) for field in kind.targets}
            named: dict[str, Any] = {field: source.target(one) for field, one in given.items() if isinstance(one, str)}
            yield replace(entry, **named)
