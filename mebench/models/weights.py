"""What a network's weights are told apart by, and what a network says of many inputs."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

EVALUATION_BATCH = 500


def weights_hash(state: Mapping[str, Any]) -> str:
    """Sixteen hexadecimal digits of the names, types, shapes and bytes of tensors, in the order of their names.

    Quantised modules hold other things too: packed tensors, of which the values count, and settings.
    """
    digest = hashlib.sha256()
    for name, value in _plain(state):
        if not isinstance(value, Tensor):
            digest.update(f"{name} {value!r}\n".encode())
            continue
        tensor = value.detach().cpu().contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.flatten().view(torch.uint8).numpy().tobytes() if tensor.numel() else b"")
    return digest.hexdigest()[:16]


def _plain(state: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """What a state holds by its names in order; of tuples and lists each part, and of quantised tensors the values."""
    for name in sorted(state):
        value = state[name]
        if isinstance(value, tuple | list):
            yield from _plain({f"{name}.{number}": part for number, part in enumerate(value)})
        else:
            yield name, value.dequantize() if isinstance(value, Tensor) and value.is_quantized else value


def logits_of(network: nn.Module, inputs: Tensor, batch: int = EVALUATION_BATCH) -> Tensor:
    """Return (N, c) logits, computed in batches without gradients."""
    with torch.no_grad():
        return torch.cat([network(part) for part in torch.split(inputs, batch)])
