"""The settings of a process, and the definitions of mebench and torch, before and after a run of an attack."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from types import FunctionType, ModuleType
from typing import Any

import torch

from mebench.guard.settings import RANDOM_SEED, SETTINGS

COMPARED = tuple(one for one in SETTINGS if one is not RANDOM_SEED)
"""A run is seeded by the kit itself, which compares what the generators draw after it."""


def settings() -> dict[str, Any]:
    """The value of every setting by its name."""
    return {one.words: one.read() for one in COMPARED}


def changed_settings(before: dict[str, Any]) -> list[str]:
    """The names of the settings that are not as they were."""
    now = settings()
    return [name for name in before if now[name] != before[name]]


@contextlib.contextmanager
def restored() -> Iterator[None]:
    """Put settings, and the definitions of mebench and torch, back after the block, as far as that can be done."""
    before, defined = settings(), definitions()
    try:
        yield
    finally:
        changed = changed_settings(before)
        for one in COMPARED:
            if one.restore is not None and one.words in changed:
                one.restore(before[one.words])
        for name, (owner, thing) in redefined(defined).items():
            setattr(owner, name.rpartition(".")[2], thing)


Definitions = dict[str, tuple[Any, Any]]
"""Functions and classes by their full name, each with what it is an attribute of."""


def definitions() -> Definitions:
    """The functions, classes and methods of mebench, and of torch where an attack could gain by another."""
    found: Definitions = {}
    for name, module in list(sys.modules.items()):
        mine = name.partition(".")[0] == "mebench" or name.startswith(("torch.nn.", "torch.optim."))
        if module is None or not (mine or name in ("torch", "torch.autograd")):
            continue
        for owner_name, owner in ((name, module), *_classes(name, module, mine)):
            for key, value in list(vars(owner).items()):
                if isinstance(value, (FunctionType, type, property, staticmethod, classmethod)):
                    found[f"{owner_name}.{key}"] = (owner, value)
    return found


def redefined(before: Definitions) -> Definitions:
    """What is not what it was; the definitions of before."""
    return {name: (owner, thing) for name, (owner, thing) in before.items() if _now(owner, name) is not thing}


def _now(owner: Any, name: str) -> Any:
    return vars(owner).get(name.rpartition(".")[2])


def _classes(name: str, module: ModuleType, mine: bool) -> list[tuple[str, type]]:
    found = [one for one in vars(module).values() if isinstance(one, type) and one.__module__ == name] if mine else []
    extra = [torch.Tensor, torch.nn.Module, torch.Generator] if name == "torch" else []
    return [(f"{one.__module__}.{one.__qualname__}", one) for one in (*found, *extra)]
