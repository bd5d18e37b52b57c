"""Batch norms that can be trained on what is left of a budget, which may be a single row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn
from torch.nn import functional

if TYPE_CHECKING:
    _Norm = nn.modules.batchnorm._BatchNorm
else:
    _Norm = object


class _SingleRow(_Norm):
    """Normalises by running statistics where there is one value per channel, of which torch takes no statistics."""

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the normalised inputs; in train mode by the batch, unless it has one value per channel."""
        if not (self.training and self.track_running_stats and inputs.numel() == inputs.shape[1]):
            return super().forward(inputs)
        return functional.batch_norm(
            inputs, self.running_mean, self.running_var, self.weight, self.bias, training=False, eps=self.eps
        )


class _BatchNorm1d(_SingleRow, nn.BatchNorm1d):
    pass


class _BatchNorm2d(_SingleRow, nn.BatchNorm2d):
    pass


class _BatchNorm3d(_SingleRow, nn.BatchNorm3d):
    pass


_KINDS: dict[type[nn.Module], type[nn.Module]] = {
    nn.BatchNorm1d: _BatchNorm1d,
    nn.BatchNorm2d: _BatchNorm2d,
    nn.BatchNorm3d: _BatchNorm3d,
}


def trainable_on_single_rows(network: nn.Module) -> nn.Module:
    """Let the batch norms of a network be trained on a single row, where torch raises an error; returns the network.

    They then normalise by their running statistics, as in eval mode, and leave these as they are. Batches of more
    values per channel are normalised as before, to the last bit. Norms of other classes, subclasses among them, and
    those without running statistics stay what they are.
    """
    for module in network.modules():
        if kind := _KINDS.get(type(module)):
            module.__class__ = kind
    return network
