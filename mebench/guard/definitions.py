"""Functions and classes that all share: those of mebench, torch, NumPy and Python, and whether another took the place.

Looked at are attributes of modules, and of classes of mebench and of torch's modules and optimisers. What an attack
does inside an object is its own affair.
"""

from __future__ import annotations

import operator
import sys
from collections.abc import Iterator
from types import FunctionType, ModuleType
from typing import Any

import torch

_WHOLE = ("mebench.", "torch.nn.", "torch.optim.")
"""Packages whose modules are all looked at, with their classes where they are mebench's."""
_MODULES = {
    *("mebench", "torch.nn", "torch.optim"),
    *("torch", "torch.autograd", "torch.linalg", "torch.fft", "torch.special", "torch._C._nn", "torch.nn.functional"),
    *("numpy", "numpy.random", "numpy.linalg", "random", "math", "time", "json", "os", "builtins"),
}
_CLASSES = (torch.Tensor, torch.nn.Module, torch.nn.Parameter, torch.Generator, torch.optim.Optimizer)
_ABSENT = object()

Owner = ModuleType | type


class Definitions:
    """What functions and classes are now."""

    def __init__(self) -> None:
        self._before = _LOOKED.now()

    def replaced(self) -> list[str]:
        """Full names of what is another function or class than before."""
        return sorted(f"{_name(owner)}.{key}" for owner, key, _ in self._changes())

    def put_back(self) -> list[str]:
        """Undo it; return full names of what is not back."""
        changes = list(self._changes())
        for owner, key, thing in changes:
            if thing is _ABSENT:
                delattr(owner, key)
            else:
                setattr(owner, key, thing)
        return self.replaced() if changes else []

    def _changes(self) -> Iterator[tuple[Owner, str, Any]]:
        """Owner and name of what has changed, and what it was."""
        for one in self._before:
            if one.is_still():
                continue
            owner, names, now = one.owner, one.names, vars(one.owner)
            for key, thing in zip(names, one.things, strict=False):  # a thread may import something between the two
                there = now.get(key, _ABSENT)
                if there is not thing and _defines(thing) and not _made_by_torch(there, thing):
                    yield owner, key, thing
            if isinstance(owner, type) and len(now) > len(names):
                yield from ((owner, key, _ABSENT) for key in now.keys() - set(names) if _hides(owner, key))


class _Attributes:
    """Those of a module or a class, and a module's own classes, as they were."""

    def __init__(self, owner: Owner) -> None:
        self.owner, self.names, self.things = owner, list(vars(owner)), list(vars(owner).values())
        types = [one for one in self.things if isinstance(one, type)] if isinstance(owner, ModuleType) else []
        self.classes = [one for one in types if one.__module__ == owner.__name__]

    def is_still(self) -> bool:
        """Whether the very same things are there, under the same names and in the same order: told in half the time."""
        now = vars(self.owner)
        return all(map(operator.is_, now.values(), self.things)) and list(now) == self.names


_LAST: dict[int, _Attributes] = {}
"""By the identity of their owner, who lives as long as they do: to compare takes half the time of looking anew."""


def _of(owner: Owner) -> _Attributes:
    last = _LAST.get(id(owner))
    if last is None or not last.is_still():
        last = _LAST[id(owner)] = _Attributes(owner)
    return last


class _Looked:
    """All that is looked at, as it was seen last: nothing is made anew while the same modules hold the same things."""

    def __init__(self) -> None:
        self._imported: list[str] = []
        self._modules: dict[str, Any] = {}
        self._attributes: tuple[_Attributes, ...] = ()

    def now(self) -> tuple[_Attributes, ...]:
        if not self._stands():
            self._imported = list(sys.modules)
            chosen = [name for name in self._imported if name in _MODULES or name.startswith(_WHOLE)]
            self._modules = {name: sys.modules.get(name) for name in chosen}
            self._attributes = tuple({id(one.owner): one for one in _attributes(self._modules)}.values())
        return self._attributes

    def _stands(self) -> bool:
        """Told in a third of the time that it takes to look anew."""
        if self._imported != list(sys.modules):
            return False
        same = all(map(operator.is_, map(sys.modules.get, self._modules), self._modules.values()))
        return same and all(one.is_still() for one in self._attributes)


_LOOKED = _Looked()


def _attributes(modules: dict[str, Any]) -> Iterator[_Attributes]:
    yield from map(_of, _CLASSES)
    for name, module in modules.items():
        if isinstance(module, ModuleType):
            of_module = _of(module)
            yield of_module
            if name.startswith(("mebench", "torch.nn.modules")):
                yield from map(_of, of_module.classes)


def _defines(thing: Any) -> bool:
    return callable(thing) or isinstance(thing, (property, staticmethod, classmethod))


def _hides(owner: type, key: str) -> bool:
    """Whether a new attribute of a class hides a definition that the class has inherited."""
    if not _defines(vars(owner).get(key)):
        return False
    return any(key in vars(base) for base in owner.__mro__[1:])


def _made_by_torch(now: Any, before: Any) -> bool:
    """Whether torch itself has put another function there, made for it, as its compiler does when it is first used.

    A decorator of torch's around a function of somebody else is not that.
    """
    if not isinstance(now, FunctionType) or not now.__code__.co_filename.startswith(torch.__path__[0]):
        return False
    if not hasattr(now, "__wrapped__"):
        return "<locals>" in now.__code__.co_qualname
    while now is not before and hasattr(now, "__wrapped__"):
        now = now.__wrapped__
    return now is before


def _name(owner: Owner) -> str:
    return f"{owner.__module__}.{owner.__qualname__}" if isinstance(owner, type) else owner.__name__
