"""Handing small tensors over to the trial's device."""

from __future__ import annotations

import torch
from torch import Tensor


def to_device(values: Tensor, device: torch.device) -> Tensor:
    """Return values of the CPU on a device, without waiting for what the device still has to do.

    An ordinary copy to a GPU, of row numbers that the CPU has drawn, stalls until all work that is queued is done.
    """
    ready = values.pin_memory() if device.type == "cuda" else values
    return ready.to(device, non_blocking=True)
