"""Inputs that know nothing of any data."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from mebench.api.contract import AttackContext, InputSpec


def uniform_inputs(context: AttackContext, rows: int, generator: torch.Generator) -> Tensor:
    """Return (rows, \\*shape) independent uniform values over the input range, on the trial's device.

    Whole numbers, both ends included, where the victim takes the ids of words.

    Args:
        context: gives spec and device.
        generator: on that device, e.g. ``context.random.torch("noise")``.
    """
    spec, shape = context.spec, (rows, *context.spec.shape)
    if spec.discrete:
        ends = int(spec.low), int(spec.high) + 1
        return torch.randint(*ends, shape, generator=generator, device=context.device, dtype=spec.dtype)
    return spec.low + torch.rand(shape, generator=generator, device=context.device) * (spec.high - spec.low)


def corner_inputs(spec: InputSpec, rows: int, generator: torch.Generator, reach: float = 1.0) -> Tensor:
    r"""Return corners of the box of inputs, (rows, \*shape) float32 on the CPU: images of dark and bright square cells.

    The side of the cells, a power of two, and the share of bright ones are drawn for each: sums over independent pixels
    are all alike, so that hardly a unit of a trained network switches between them. Since version 1.8.

    Args:
        spec: of images or other real numbers. The first axis is one of channels, which share sides, not colours.
        rows: how many.
        generator: on the CPU.
        reach: how far from the middle of the box they are, in (0, 1] of its own corners.
    """
    corners = torch.stack([_cells(spec.shape, generator) for _ in range(rows)]).double()
    return ((spec.low + spec.high) / 2 + (corners - 0.5) * (spec.high - spec.low) * reach).float()


def _cells(shape: Sequence[int], generator: torch.Generator) -> Tensor:
    """Which values are bright, (\\*shape) bool."""
    share = torch.rand((), generator=generator)
    sides = max(shape[1:], default=1).bit_length()
    side = 2 ** int(torch.randint(sides, (), generator=generator))
    cells = [-(-length // side) if axis else length for axis, length in enumerate(shape)]
    bright = torch.rand(cells, generator=generator) < share
    for axis in range(1, len(cells)):
        bright = bright.repeat_interleave(side, axis).narrow(axis, 0, shape[axis])
    return bright
