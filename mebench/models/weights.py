"""What a network's weights are told apart by, and what a network says of many inputs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

import torch
from torch import Tensor, nn

EVALUATION_BATCH = 500


def weights_hash(state: Mapping[str, Tensor]) -> str:
    """Sixteen hexadecimal digits of the names, types, shapes and bytes of tensors, in the order of their names."""
    digest = hashlib.sha256()
    for name in sorted(state):
        tensor = state[name].detach().cpu().contiguous()
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        digest.update(tensor.flatten().view(torch.uint8).numpy().tobytes() if tensor.numel() else b"")
    return digest.hexdigest()[:16]


def logits_of(network: nn.Module, inputs: Tensor, batch: int = EVALUATION_BATCH) -> Tensor:
    """Return (N, c) logits, computed in batches without gradients."""
    with torch.no_grad():
        return torch.cat([network(part) for part in torch.split(inputs, batch)])
