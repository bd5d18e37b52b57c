"""2x2 max pooling that is quicker on a CPU: the same values and the same gradients, bit for bit."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from mebench.models.networks.compiling import watched


def max_pool_2x2(maps: Tensor) -> Tensor:
    """Return the maxima of 2x2 windows, (B, C, h, w) for (B, C, 2h, 2w); an odd last row or column is left out.

    Equal to ``torch.nn.functional.max_pool2d(maps, 2)``, and so is its gradient, which goes to the first maximum of a
    window in reading order. PyTorch's own runs where it is quicker (on an accelerator) and where this one cannot.
    """
    if watched() or maps.device.type != "cpu" or maps.shape[-2] % 2 or maps.shape[-1] % 2:
        return functional.max_pool2d(maps, 2)
    pooled: Tensor = _MaxPool2x2.apply(maps)  # type: ignore[no-untyped-call]
    return pooled


class _MaxPool2x2(torch.autograd.Function):
    """What `max_pool_2x2` does where a gradient is wanted."""

    @staticmethod
    def forward(ctx: Any, maps: Tensor) -> Tensor:
        upper_left, upper_right = maps[..., 0::2, 0::2], maps[..., 0::2, 1::2]
        lower_left, lower_right = maps[..., 1::2, 0::2], maps[..., 1::2, 1::2]
        upper, lower = torch.maximum(upper_left, upper_right), torch.maximum(lower_left, lower_right)
        if ctx.needs_input_grad[0]:
            ctx.save_for_backward(upper_right > upper_left, lower_right > lower_left, lower > upper)
        return torch.maximum(upper, lower)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (gradient,) = gradients
        upper_is_right, lower_is_right, is_lower = ctx.saved_tensors
        to_lower = gradient * is_lower
        to_upper = gradient - to_lower
        batch, channels, height, width = gradient.shape
        result = gradient.new_empty(batch, channels, 2 * height, 2 * width)
        for row, part, is_right in ((0, to_upper, upper_is_right), (1, to_lower, lower_is_right)):
            to_right = part * is_right
            result[..., row::2, 1::2] = to_right
            result[..., row::2, 0::2] = part - to_right
        return result
