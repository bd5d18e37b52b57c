"""The hooks that a plugin may implement: each returns metadata only, and must not import torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pluggy

from mebench.registry.entries import KINDS
from mebench.registry.entry import Entry

PROJECT = "mebench"
hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


class Hooks:
    """The hook specifications: one for each kind of entry, and the version.

    A plugin is any module or object with some of these, marked ``@hookimpl``.
    """

    @hookspec(firstresult=True)
    def mebench_api_version(self) -> tuple[int, int]:  # type: ignore[empty-body]
        """The version of `mebench.api` that the plugin was built for, e.g. ``(1, 0)``; ``(1, 0)`` without it."""


def _specification(kind: type[Entry]) -> Callable[[Hooks], Sequence[Entry]]:
    """The hook that registers entries of one kind."""

    def hook(self: Hooks) -> Sequence[Entry]:  # type: ignore[empty-body]
        pass

    hook.__name__, hook.__qualname__ = kind.hook(), f"Hooks.{kind.hook()}"
    hook.__doc__ = f"Return a list of {kind.__name__}. {kind.__doc__}"
    hook.__annotations__["return"] = f"Sequence[{kind.__name__}]"
    return hookspec(hook)


for _kind in KINDS:
    setattr(Hooks, _kind.hook(), _specification(_kind))
