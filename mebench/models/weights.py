"""What a network's weights are told apart by, and what a network says of many inputs."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

EVALUATION_BATCH = 500
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")  # of an object in memory, which differs from process to process


def weights_hash(state: Mapping[str, Any]) -> str:
    """Sixteen hexadecimal digits of the names, types, shapes and bytes of tensors, in the order of their names.

    Quantised modules hold other things too: packed tensors, of which the values count, and settings.
    """
    digest = hashlib.sha256()
    for name, value in _plain(state):
        if not isinstance(value, Tensor):
            digest.update(f"{name} {_ADDRESS.sub('', repr(value))}\n".encode())
            continue
        tensor = value.detach().cpu().contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.flatten().view(torch.uint8).numpy().tobytes() if tensor.numel() else b"")
    return digest.hexdigest()[:16]


def network_hash(network: nn.Module) -> str:
    """`weights_hash` of all tensors that a network computes with, whatever its ``state_dict()`` says of them.

    Where that holds them all, as torch's own does of parameters and persistent buffers, it is the hash of the
    ``state_dict()``. Empty where there is nothing to tell one network from another.
    """
    said = network.state_dict()
    whole = {**said, **unsaid(network, said)}
    return weights_hash(whole) if whole else ""


def unsaid(network: nn.Module, said: Mapping[str, Any]) -> dict[str, Tensor]:
    """The tensors of a network that its ``state_dict()``, ``said``, leaves out, by their names.

    They are buffers that are not persistent, tensors that are plain attributes of a module, and whatever a
    ``state_dict()`` of the network's own keeps back.
    """
    places = {_place(value) for value in said.values() if isinstance(value, Tensor)}
    return {
        name: value.detach()
        for name, value in _tensors(network)
        if not (_place(value) in places or _same(value, said.get(name)))
    }


def _tensors(network: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """All parameters and buffers, and tensors that are plain attributes, of a network and the modules in it."""
    for prefix, module in nn.Module.named_modules(network, remove_duplicate=False):
        for held in (module._parameters, module._buffers, vars(module)):
            for name, value in held.items():
                if isinstance(value, Tensor) and value.grad_fn is None:  # else it is computed of others
                    yield f"{prefix}.{name}" if prefix else name, value


def _place(tensor: Tensor) -> tuple[Any, ...]:
    """What two tensors share that are one in memory."""
    plain = tensor.layout == torch.strided and not tensor.is_quantized and tensor.numel() > 0
    return (tensor.data_ptr(), tensor.shape, tensor.stride(), tensor.dtype) if plain else (id(tensor),)


def _same(tensor: Tensor, other: object) -> bool:
    """Whether a value is a copy of a tensor."""
    alike = isinstance(other, Tensor) and (tensor.dtype, tensor.shape) == (other.dtype, other.shape)
    return alike and torch.equal(tensor.detach().cpu(), other.detach().cpu())  # type: ignore[attr-defined]


def _plain(state: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """What a state holds by its names in order; of what holds others each part, and of quantised tensors the values."""
    for name in sorted(state):
        value = state[name]
        if isinstance(value, tuple | list):
            yield from _plain({f"{name}.{number}": part for number, part in enumerate(value)})
        elif isinstance(value, Mapping):
            yield from _plain({f"{name}.{key}": part for key, part in value.items()})
        elif isinstance(value, np.ndarray) and value.dtype != object:
            yield f"{name} {value.dtype} {value.shape}", value.tobytes()
        else:
            yield name, value.dequantize() if isinstance(value, Tensor) and value.is_quantized else value


def logits_of(network: nn.Module, inputs: Tensor, batch: int = EVALUATION_BATCH) -> Tensor:
    """Return (N, c) logits, computed in batches without gradients."""
    with torch.no_grad():
        return torch.cat([network(part) for part in torch.split(inputs, batch)])
