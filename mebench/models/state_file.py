"""Checkpoints without pickle: nested state dicts as one safetensors file, with their structure as JSON inside it."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from mebench.api.errors import ResultsError
from mebench.api.files import write_atomically
from mebench.models.utf8_paths import utf8_path

_TENSOR, _PAIRS, _TUPLE, _FLOAT = "__tensor__", "__pairs__", "__tuple__", "__float__"


def save_state(path: Path, state: Mapping[str, Any]) -> None:
    """Write nested dicts, lists and tuples of tensors, numbers, strings, booleans and None, by atomic rename.

    Raises:
        TypeError: the state holds something else; the message says where.
    """
    tensors: dict[str, Tensor] = {}
    structure = json.dumps(_encode(state, tensors, "state"))
    write_atomically(path, save(tensors, metadata={"state": structure, "digest": _digest(structure, tensors)}))


def unsavable(value: Any, where: str) -> str:
    """Say what of a state cannot be saved, and where it is; empty if all can."""
    try:
        _encode(value, {}, where)
    except TypeError as error:
        return str(error)
    return ""


def load_state(path: Path) -> dict[str, Any]:
    """Read what ``save_state`` wrote; tensors come back on the CPU.

    Raises:
        ResultsError: the file is damaged.
    """
    try:
        with utf8_path(path) as utf8, safe_open(utf8, framework="pt") as file:
            written = file.metadata()
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 (not a dict)
        if written["digest"] != _digest(written["state"], tensors):
            raise ValueError("its digest is not that of its content")
        state = _decode(json.loads(written["state"]), tensors)
        if not isinstance(state, dict):
            raise ValueError("it holds no state")
    except (SafetensorError, OSError, LookupError, TypeError, ValueError, RecursionError) as error:
        raise ResultsError(f"{path}: damaged checkpoint ({error})") from None
    return state


def _digest(structure: str, tensors: Mapping[str, Tensor]) -> str:
    """Of all that a state holds: a file that was cut is noticed by safetensors, one in which bytes changed is not."""
    digest = hashlib.blake2b(structure.encode(), digest_size=16)
    for key in sorted(tensors):
        tensor = tensors[key]
        digest.update(f"{key} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _encode(value: Any, tensors: dict[str, Tensor], where: str) -> Any:
    if isinstance(value, Tensor):
        key = f"t{len(tensors)}"
        tensors[key] = value.detach().cpu().contiguous().clone()
        return {_TENSOR: key}
    if isinstance(value, Mapping):
        return {
            _PAIRS: [[_encode(k, tensors, where), _encode(v, tensors, f"{where}[{k!r}]")] for k, v in value.items()]
        }
    if isinstance(value, tuple):
        return {_TUPLE: [_encode(item, tensors, where) for item in value]}
    if isinstance(value, list):
        return [_encode(item, tensors, f"{where}[{i}]") for i, item in enumerate(value)]
    if isinstance(value, float) and not math.isfinite(value):
        return {_FLOAT: str(value)}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(
        f"{where}: a state dict cannot hold {type(value).__name__}; use tensors, numbers, strings, lists, dicts"
    )


def _decode(value: Any, tensors: Mapping[str, Tensor]) -> Any:
    if isinstance(value, list):
        return [_decode(item, tensors) for item in value]
    if not isinstance(value, dict):
        return value
    ((tag, content),) = value.items()
    if tag == _TENSOR:
        return tensors[content]
    if tag == _FLOAT:
        return float(content)
    items = [_decode(item, tensors) for item in content]
    return dict(items) if tag == _PAIRS else tuple(items)
