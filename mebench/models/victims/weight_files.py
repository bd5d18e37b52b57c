"""A user's safetensors file for a network; every tensor must fit. Weights are never unpickled."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from mebench.api.errors import ConfigurationError, reason
from mebench.models.utf8_paths import utf8_path
from mebench.models.victims.file_kinds import AGAIN, kind_of

_SHOWN = 3  # keys named in an error
_WRAPPERS = {"module": "DataParallel", "_orig_mod": "torch.compile"}
"""Prefixes of names, and what puts them there."""
WRITE = "convert pickled weights with safetensors.torch.save_file(model.state_dict(), FILE)"


def load_weights(network: nn.Module, path: Path, name: str) -> None:
    """Load a safetensors file into a network; every tensor must fit.

    Names that share memory in the network are one tensor: the file may hold any of them.

    Raises:
        ConfigurationError: not a safetensors file, or names, shapes or types differ; the message names them.
    """
    who, wanted = f"victim {name!r}", network.state_dict()
    if problem := _unfillable(wanted):
        raise ConfigurationError(f"{who}: {path} cannot be loaded: {problem}; load the weights in the factory")
    given = _read(path, who)
    if problem := _fill_in_shared(wanted, given) or _mismatch(wanted, given):
        raise ConfigurationError(f"{who}: {path} does not fit the network: {problem}")
    try:
        network.load_state_dict(given)
    except Exception as error:
        raise ConfigurationError(f"{who}: {path} cannot be loaded: {reason(error)}") from error


def _read(path: Path, who: str) -> dict[str, Tensor]:
    """The tensors of a safetensors file."""
    kind = None
    try:
        kind = kind_of(path)
        if kind is None or kind.family == "safetensors":
            with utf8_path(path) as file:
                return load_file(file)
        said = f", but {kind.words}" + (kind.advice and f": {kind.advice}")
    except Exception as error:  # also where torch lacks a type
        said = f" ({reason(error)}); {AGAIN if kind else WRITE}"
    raise ConfigurationError(f"{who}: {path} is not a usable safetensors file{said}")


def _unfillable(wanted: Mapping[str, Any]) -> str:
    """Say which part of a network no file of tensors can fill; empty if there is none."""
    for key, value in wanted.items():
        if is_lazy(value):
            return f"{key} of the network has no shape before its first call (a lazy module)"
        if not isinstance(value, Tensor):
            return f"{key} of the network is no tensor but a {type(value).__name__}"
    return ""


def _fill_in_shared(wanted: Mapping[str, Tensor], given: dict[str, Tensor]) -> str:
    """Add the tensors that are missing in ``given`` because in the network they are one with others that are there.

    Say in words which of them differ in the file; empty if none do.
    """
    same: dict[Any, list[str]] = {}
    for key, value in wanted.items():
        if value.numel() and value.device.type != "meta":
            same.setdefault((value.data_ptr(), value.shape, value.stride(), value.dtype), []).append(key)
    for keys in same.values():
        there = [key for key in keys if key in given]
        if other := next((key for key in there if not given[key].equal(given[there[0]])), None):
            return f"{there[0]} and {other} are one tensor in the network, and differ in the file"
        if there:
            given.update({key: given[there[0]] for key in keys if key not in given})
    return ""


def _mismatch(wanted: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> str:
    """Say in words how two sets of tensors differ; empty if they fit."""
    both = sorted(wanted.keys() & given.keys())
    shapes = [
        f"{key} has shape {tuple(given[key].shape)} where {tuple(wanted[key].shape)} is needed"
        for key in both
        if given[key].shape != wanted[key].shape
    ]
    types = [
        f"{key} is {_type(given[key])} where {_type(wanted[key])} is needed"
        for key in both
        if given[key].shape == wanted[key].shape and _family(given[key]) != _family(wanted[key])
    ]
    parts = {
        "missing": sorted(wanted.keys() - given.keys()),
        "unexpected": sorted(given.keys() - wanted.keys()),
        "shapes": shapes,
        "types": types,
    }
    problem = "; ".join(f"{what}: {_shorten(items)}" for what, items in parts.items() if items)
    return problem + _prefixes(parts["missing"], parts["unexpected"])


def _type(tensor: Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _family(tensor: Tensor) -> str:
    """Real numbers are rounded to each other's precision; whole or complex ones stand for something else."""
    return "real" if tensor.is_floating_point() else "complex" if tensor.is_complex() else "whole"


def _prefixes(missing: list[str], unexpected: list[str]) -> str:
    """Say so where names would fit but for what stands before them."""
    for longer, shorter, whose in ((unexpected, missing, "file"), (missing, unexpected, "network")):
        short = set(shorter)
        cuts = Counter(
            key[: -len(rest) - 1]
            for key in longer
            for rest in (key.split(".", depth)[-1] for depth in range(1, key.count(".") + 1))
            if rest in short
        )
        if cuts and cuts.most_common(1)[0][1] > len(shorter) / 2:
            prefix = cuts.most_common(1)[0][0]
            maker = next((f", as {maker} puts it" for word, maker in _WRAPPERS.items() if prefix == word), "")
            return f": the names of the {whose} begin with {prefix + '.'!r}{maker}; take it off or put it on"
    return ""


def _shorten(items: list[str]) -> str:
    more = f" and {len(items) - _SHOWN} more" if len(items) > _SHOWN else ""
    return ", ".join(items[:_SHOWN]) + more
