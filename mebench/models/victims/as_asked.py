"""A network of the user's as mebench asks it: it gets inputs of its own, and logits of the asker's own come out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from mebench.api.outputs import to_logits
from mebench.api.spec import Outputs


class AsAsked(nn.Module):
    """Hands a network copies of its inputs, which it may write on, and returns logits.

    Args:
        network: as its owner made it. May return a tensor, or what holds one as ``logits``.
        outputs: what its outputs are; log-probabilities serve as logits as they are.
    """

    def __init__(self, network: nn.Module, outputs: Outputs | None = None) -> None:
        super().__init__()
        self.network = network
        self._outputs = outputs
        self._double = any(value.dtype == torch.float64 for value in network.parameters())

    def forward(self, inputs: Tensor) -> Tensor:
        """Return logits (B, c) for inputs (B, \\*shape)."""
        given = inputs.to(torch.float64) if self._double and inputs.is_floating_point() else inputs.clone()
        outputs: Tensor = _tensor(self.network(given))
        if not isinstance(outputs, Tensor):
            return outputs
        # A copy: a network may return the same buffer at every call.
        return to_logits(outputs) if self._outputs == "probabilities" else outputs.clone()

    def train(self, mode: bool = True) -> AsAsked:
        """Set the mode of the network, if it has any: a program of torch.export stays in that of its export."""
        try:
            return super().train(mode)
        except NotImplementedError:  # which it raises
            if mode:
                raise
        for module in self.modules():
            module.training = False
        return self


def _tensor(returned: Any) -> Any:
    """What a network returns, or the ``logits`` in it, as networks of the transformers library have."""
    if isinstance(returned, Tensor):
        return returned
    return returned.get("logits", returned) if isinstance(returned, Mapping) else getattr(returned, "logits", returned)
