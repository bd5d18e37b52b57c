"""Inputs that know nothing of any data."""

from __future__ import annotations

import torch
from torch import Tensor

from mebench.api.contract import AttackContext


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
