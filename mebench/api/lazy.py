"""Names of a package that are imported on first use, so that importing the package imports nothing else."""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable, Iterable, Mapping
from types import ModuleType
from typing import Any


def lazy_names(
    package: str, homes: Mapping[str, Iterable[str]], called: Iterable[str] = ()
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """Return the ``__getattr__``, ``__dir__`` and ``__all__`` of a package.

    Args:
        package: its ``__name__``.
        homes: for each module, the names that are imported from there.
        called: modules of the package that are called as functions; see `callable_module`.
    """
    home_of = {name: module for module, names in homes.items() for name in names}
    modules = {name: f"{package}.{name}" for name in called}

    def get(name: str) -> Any:
        if name in modules:
            return importlib.import_module(modules[name])
        if name not in home_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(importlib.import_module(home_of[name]), name)

    return get, lambda: sorted({*home_of, *modules}), sorted({*home_of, *modules})


def callable_module(name: str, target: str) -> None:
    """Let a module be called as a function of another one.

    Python puts a module into its package under its own name, whatever else the package promises under it; so the room
    ``mebench.run`` and the function ``mebench.run(...)`` are one object.

    Args:
        name: the ``__name__`` of the module.
        target: ``"module:function"``, imported when it is called or its signature is asked for.
    """

    def function() -> Callable[..., Any]:
        home, _, attribute = target.partition(":")
        found: Callable[..., Any] = getattr(importlib.import_module(home), attribute)
        return found

    class Called(ModuleType):
        @property
        def __call__(self) -> Callable[..., Any]:  # so that a notebook finds the function's own docstring
            return function()

        @property
        def __signature__(self) -> inspect.Signature:
            return inspect.signature(function())

    sys.modules[name].__class__ = Called
