"""Does an attack hold the victim? Looked for in all that clone, strategy and learner lead to, and in its weights."""

from __future__ import annotations

import functools
import logging
from collections import deque
from collections.abc import Container, Iterator, Mapping
from types import FunctionType, MethodType, ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from mebench.api.contract import Explanation, Response, ResponseChannel, Victim
from mebench.oracle.facade import AttackersOracle
from mebench.oracle.oracle import BudgetedOracle

_ALLOWED = (AttackersOracle, BudgetedOracle, Explanation, Response, ResponseChannel)
"""What an attack may hold, though the victim is somewhere inside."""
_LEAVES = (str, bytes, int, float, complex, bool, type(None), ModuleType, logging.Logger, logging.Handler)
_OTHERS = frozenset({"builtins", "torch", "mebench", "numpy"})
"""Packages whose classes and modules are no attack's."""
_TABLES = ("_modules", "_parameters", "_buffers")

Storage = tuple[str, int]


class Possession:
    """Tells whether an attack holds the victim.

    Args:
        victim: whose modules and weights are looked for.
        clone: as the attack is given it. Networks of one kind may share constants, which are nobody's secret.
    """

    def __init__(self, victim: nn.Module, clone: nn.Module) -> None:
        self._modules = {id(module) for module in victim.modules()}
        self._storages = _storages(victim) - _storages(clone)
        self._weights = [parameter.detach() for parameter in victim.parameters()]
        self._given_away = self._all_known(clone)

    def problem(self, held: Mapping[str, object]) -> str:
        """Say where the victim is found, starting from named things; empty if it is not."""
        own = {_package(type(start)) for start in held.values()} - _OTHERS
        for name, start in held.items():
            for path, thing in reachable(start, name, own):
                if isinstance(thing, Victim):
                    return f"{path} is the victim"
                if id(thing) in self._modules:
                    return f"{path} is a part of the victim"
                if isinstance(thing, Tensor) and _storage(thing) in self._storages:
                    return f"{path} is a tensor of the victim's"
        return ""

    def same_weights(self, clone: nn.Module) -> bool:
        """Whether all weights of a clone are the victim's, bit for bit, and were not when the attack was given it."""
        return not self._given_away and self._all_known(clone)

    def _all_known(self, clone: nn.Module) -> bool:
        weights = [parameter.detach() for parameter in clone.parameters()]
        return bool(weights) and all(any(_equal(weight, known) for known in self._weights) for weight in weights)


def _equal(one: Tensor, other: Tensor) -> bool:
    if one.shape != other.shape or one.dtype != other.dtype or other.is_meta:  # which has no values
        return False
    return torch.equal(one, other.to(one.device))


def _storages(network: nn.Module) -> set[Storage]:
    found = map(_storage, (*network.parameters(), *network.buffers()))
    return {storage for storage in found if storage is not None}


def _storage(tensor: Tensor) -> Storage | None:
    """Where a tensor's values lie; None for one that has no values, or none in memory of its own."""
    try:
        address = tensor.untyped_storage().data_ptr()
    except (NotImplementedError, RuntimeError):
        return None
    return (str(tensor.device), address) if address else None


def reachable(start: object, name: str, own: Container[str] = ()) -> Iterator[tuple[str, Any]]:
    """Yield everything that an object leads to by attributes, items and closures, and how.

    Args:
        start: the object.
        name: what it is called.
        own: top-level packages whose classes, and variables of modules, are followed too.
    """
    seen: dict[int, Any] = {}  # keeps what is made on the way, so that no other thing gets its identity
    waiting: list[tuple[str, Any]] = [(name, start)]
    while waiting:
        path, thing = waiting.pop()
        if id(thing) in seen or isinstance(thing, _ALLOWED):
            continue
        seen[id(thing)] = thing
        yield path, thing
        waiting += (one for one in _inside(path, thing, own) if not isinstance(one[1], _LEAVES))


def _inside(path: str, thing: Any, own: Container[str]) -> Iterator[tuple[str, Any]]:
    if isinstance(thing, dict):
        yield from ((f"{path}[{_written(key)}]", value) for key, value in thing.items())
    elif isinstance(thing, (list, tuple, set, frozenset, deque)):
        yield from ((f"{path}[{index}]", value) for index, value in enumerate(thing))
    elif isinstance(thing, functools.partial):
        yield from ((f"{path}({index})", value) for index, value in enumerate((thing.func, *thing.args)))
        yield from ((f"{path}({key}=)", value) for key, value in thing.keywords.items())
    elif isinstance(thing, (MethodType, staticmethod, classmethod)):
        yield from ((f"{path}.{key}", getattr(thing, key, None)) for key in ("__self__", "__func__"))
    elif isinstance(thing, FunctionType):
        named = zip(thing.__code__.co_freevars, thing.__closure__ or (), strict=True)
        yield from ((f"{path}.{key}", _content(cell)) for key, cell in named)
        yield from ((f"{path}.{key}", getattr(thing, key)) for key in ("__defaults__", "__kwdefaults__"))
        if _package(thing) in own:
            used = [key for key in thing.__code__.co_names if key in thing.__globals__]
            yield from ((f"{thing.__module__}.{key}", thing.__globals__[key]) for key in used)
    elif isinstance(thing, Tensor):
        yield f"{path}.grad_fn", thing.grad_fn
    kind = thing if isinstance(thing, type) else type(thing)
    if kind is thing:
        if _package(kind) in own:
            yield from ((f"{path}.{key}", value) for key, value in (*vars(kind).items(), ("__bases__", kind.__bases__)))
    elif not kind.__module__.startswith("torch._"):
        yield from _attributes(path, thing)
        yield path, kind
    elif isinstance(thing, nn.Module):  # compiled; what compiles it holds much of the process
        yield path, thing._modules


def _written(key: object) -> str:
    """A key of a dictionary in words. Optimisers have parameters for keys: to write their values took half a search."""
    return f"a {type(key).__name__}" if isinstance(key, Tensor) else repr(key)


def _attributes(path: str, thing: Any) -> Iterator[tuple[str, Any]]:
    slots = [name for kind in type(thing).__mro__ for name in vars(kind).get("__slots__", ()) if name != "__dict__"]
    held = dict(getattr(thing, "__dict__", {}))
    if isinstance(thing, nn.Module):  # whose parts are its attributes
        held |= {key: value for table in _TABLES for key, value in held.pop(table, {}).items()}
    yield from ((f"{path}.{key}", value) for key, value in held.items())
    yield from ((f"{path}.{key}", getattr(thing, key, None)) for key in slots)


def _package(thing: type | FunctionType) -> str:
    return (thing.__module__ or "").partition(".")[0]


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not yet filled
        return None
