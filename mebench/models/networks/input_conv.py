"""The first convolution of a network, with an input gradient that is quicker on a CPU."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from mebench.models.networks.compiling import watched


class InputConv2d(nn.Conv2d):
    """A convolution of images: the same function, parameters and state dict as `nn.Conv2d`.

    PyTorch's gradient with respect to an input of one or three channels is slow on a CPU: it is made for many. As a
    product with the weights and an overlapping sum (col2im) it takes a quarter of the time, for an explanation, an
    adversarial example or a generator's step. Values are the same bits, gradients equal to rounding. It is used where
    the weights are frozen, so that no gradient but the input's is wanted.
    """

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the maps, (B, out, h, w)."""
        if not self._suits(inputs):
            return super().forward(inputs)
        maps: Tensor = _FrozenConvolution.apply(  # type: ignore[no-untyped-call]
            inputs, self.weight, self.bias, self.stride, self.padding
        )
        return maps

    def _suits(self, inputs: Tensor) -> bool:
        only_inputs = inputs.requires_grad and torch.is_grad_enabled() and not self.weight.requires_grad
        plain = self.groups == 1 and self.dilation == (1, 1) and self.padding_mode == "zeros"
        ours = only_inputs and plain and not isinstance(self.padding, str) and not watched()
        return ours and inputs.ndim == 4 and inputs.device.type == "cpu"


class _FrozenConvolution(torch.autograd.Function):
    """`functional.conv2d` with frozen weights, and the input gradient of `InputConv2d`."""

    @staticmethod
    def forward(
        ctx: Any,
        inputs: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        stride: tuple[int, int],
        padding: tuple[int, int],
    ) -> Tensor:
        ctx.save_for_backward(weight)
        ctx.size, ctx.stride, ctx.padding = inputs.shape[-2:], stride, padding
        return functional.conv2d(inputs, weight, bias, stride, padding)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (gradient,) = gradients
        (weight,) = ctx.saved_tensors
        columns = weight.flatten(1).T @ gradient.flatten(2)  # (B, in x kernel, positions)
        size, kernel = ctx.size, weight.shape[-2:]
        return functional.fold(columns, size, kernel, padding=ctx.padding, stride=ctx.stride), None, None, None, None
