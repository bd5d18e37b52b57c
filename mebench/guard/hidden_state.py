"""State of a channel that its ``state_dict`` does not tell: a trial that goes on from a checkpoint would lose it."""

from __future__ import annotations

import functools
import hashlib
import random
import warnings
from collections import deque
from collections.abc import Iterator, Mapping
from io import IOBase
from types import FunctionType, GeneratorType, MethodType, ModuleType
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mebench.api.contract import Victim
from mebench.api.random_streams import RandomStreams

_OTHERS = frozenset({"builtins", "abc", "typing", "torch", "mebench"})
"""Packages whose classes do not change from answer to answer."""
_PLAIN = (str, bytes, int, float, complex, bool, type(None))


class HiddenState:
    """Compares the attributes of a channel after its first answer with those at a checkpoint.

    What a channel computes once, at its first answer or its first explanation, is not taken for state: it would compute
    it again. The trial's own streams of random numbers are saved with the trial; any other generator is state.

    Args:
        channel: a channel or a defence; its attributes, those of what they hold, and those of its class are looked at.
    """

    def __init__(self, channel: object) -> None:
        self._channel = channel
        self._random: RandomStreams | None = None
        self._noted: set[bool] = set()
        self._first: dict[str, bytes] = {}
        self._told = b""

    def use_randomness(self, random: RandomStreams) -> None:
        """Take note of the trial's streams."""
        self._random = random

    def awaits(self, explain: bool) -> bool:
        """Whether `note_answer` is still to be called after an answer, with an explanation or without."""
        return explain not in self._noted

    def note_answer(self, state: Mapping[str, Any], explain: bool) -> None:
        """Remember the attributes, and the channel's ``state_dict()``, after the first answer of a kind."""
        self._noted.add(explain)
        self._first, self._told = self._attributes(), self._digest(state)

    def problem(self, state: Mapping[str, Any]) -> str:
        """Say what has changed since the first answer, though the ``state_dict()`` has not; empty if nothing has."""
        if not self._noted or self._digest(state) != self._told:
            return ""
        now = self._attributes()
        changed = [name for name in {**self._first, **now} if now.get(name) != self._first.get(name)]
        if not changed:
            return ""
        named = f"its attribute{'s' if len(changed) > 1 else ''} {', '.join(changed)}"
        return (
            f"{named} changed after its first answer and its state_dict did not: return what changes there and take it "
            "back in load_state_dict, or a resumed trial answers otherwise (docs/writing-a-channel.md)"
        )

    def _attributes(self) -> dict[str, bytes]:
        found = {**_own_attributes(self._channel), **_of_classes(type(self._channel))}
        return {key: self._digest(value) for key, value in found.items()}

    def _digest(self, thing: Any) -> bytes:
        return _Digest(self._random, _package(type(self._channel))).of(thing)


class _Digest:
    """Digests a thing and all that it holds.

    Args:
        random: streams that are saved with the trial.
        package: of the channel; what its classes hold for all of their objects is state as well.
    """

    def __init__(self, random: RandomStreams | None, package: str) -> None:
        self._random, self._package = random, package
        self._seen: dict[int, tuple[int, Any]] = {}  # keeps what is made on the way, so that identities stay its own

    def of(self, thing: Any) -> bytes:
        """Sixteen bytes, equal for equal things of the same shape."""
        if isinstance(thing, _PLAIN):
            return _hash(type(thing).__name__, repr(thing))
        if id(thing) in self._seen:
            return _hash("seen", str(self._seen[id(thing)][0]))
        self._seen[id(thing)] = len(self._seen), thing
        return _hash(type(thing).__qualname__, *self._parts(thing))

    def _parts(self, thing: Any) -> list[bytes | str]:
        if isinstance(thing, (ModuleType, type, Victim, RandomStreams)) or self._is_saved(thing):
            return []
        values = _values(thing)
        if values is not None:
            return values
        if isinstance(thing, dict):
            return [self.of(one) for pair in thing.items() for one in pair]
        if isinstance(thing, (list, tuple, deque)):
            return [self.of(one) for one in thing]
        if isinstance(thing, (set, frozenset)):
            return sorted(_Digest(self._random, self._package).of(one) for one in thing)
        if isinstance(thing, functools.partial):
            return [self.of(one) for one in (thing.func, thing.args, thing.keywords)]
        if isinstance(thing, MethodType):
            return [self.of(thing.__func__), self.of(thing.__self__)]
        if isinstance(thing, FunctionType):
            cells = [_content(cell) for cell in thing.__closure__ or ()]
            return [self.of(one) for one in (cells, thing.__defaults__, thing.__kwdefaults__, vars(thing))]
        if isinstance(thing, GeneratorType):
            frame = thing.gi_frame
            return ["ended"] if frame is None else [str(frame.f_lasti), self.of(dict(frame.f_locals))]
        if type(thing).__module__.startswith("torch._"):  # compiled
            return [self.of(getattr(thing, "_modules", None))]
        shared = _of_classes(type(thing)) if _package(type(thing)) == self._package else {}
        attributes = {**shared, **_own_attributes(thing)}
        if attributes:
            return [self.of(attributes)]
        return [self.of(_reduced(thing))] if isinstance(thing, Iterator) else [_described(thing)]

    def _is_saved(self, thing: Any) -> bool:
        return isinstance(thing, torch.Generator) and self._random is not None and self._random.owns(thing)


def _values(thing: Any) -> list[bytes | str] | None:
    """The values of arrays and generators; None for all else."""
    if isinstance(thing, Tensor):
        if thing.layout is not torch.strided or thing.is_meta:
            return [str(thing)]
        plain = thing.detach().cpu().contiguous()
        return [f"{plain.dtype} {tuple(plain.shape)}", plain.flatten().view(torch.uint8).numpy().tobytes()]
    if isinstance(thing, np.ndarray):
        return [f"{thing.dtype} {thing.shape}", repr(thing.tolist()) if thing.dtype.hasobject else thing.tobytes()]
    if isinstance(thing, torch.Generator):
        return [thing.get_state().numpy().tobytes()]
    if isinstance(thing, random.Random):
        return [repr(thing.getstate())]
    if isinstance(thing, np.random.Generator):
        return [repr(thing.bit_generator.state)]
    if isinstance(thing, np.random.RandomState):
        return [repr(thing.get_state())]
    if isinstance(thing, IOBase):
        return ["closed"] if thing.closed else [str(thing.tell()) if thing.seekable() else ""]
    return None


def _own_attributes(thing: Any) -> dict[str, Any]:
    slots = [name for kind in type(thing).__mro__ for name in vars(kind).get("__slots__", ()) if name != "__dict__"]
    held = {name: getattr(thing, name) for name in slots if hasattr(thing, name)}
    return {**held, **getattr(thing, "__dict__", {})}


def _package(kind: type) -> str:
    return kind.__module__.partition(".")[0]


def _of_classes(kind: type) -> dict[str, Any]:
    """What a class and those that it is derived from hold for all of their objects."""
    found: dict[str, Any] = {}
    for one in kind.__mro__:
        if _package(one) not in _OTHERS:
            found |= {f"{one.__name__}.{key}": value for key, value in vars(one).items() if not key.startswith("__")}
    return found


def _reduced(thing: Iterator[Any]) -> Any:
    """How far an iterator of Python's own is, such as ``iter([1, 2])`` or ``count(3)``."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # some will not tell in later versions of Python
            return thing.__reduce__()[1:]
    except Exception:
        return _described(thing)


def _described(thing: Any) -> str:
    """What a thing without attributes says of itself, such as ``count(3)``, unless that is where it lies in memory."""
    words = repr(thing)
    return "" if " at 0x" in words else words


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not yet filled
        return None


def _hash(*parts: bytes | str) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        words = part.encode() if isinstance(part, str) else part
        digest.update(len(words).to_bytes(8, "little") + words)
    return digest.digest()
