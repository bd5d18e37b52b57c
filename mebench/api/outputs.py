"""What a classifier's outputs are: logits, or probabilities, of which no softmax may be taken again."""

from __future__ import annotations

import torch
from torch import Tensor

SUM_TOLERANCE = 1e-2
"""By how much the probabilities of an input may miss 1: those of half precision do by some thousandths."""


def to_logits(probabilities: Tensor) -> Tensor:
    """Logits (B, c) whose softmax is ``probabilities``: their logarithm, with 0 as the smallest normal number."""
    if not probabilities.is_floating_point():
        return probabilities  # which is no probability, and refused as such
    wide = probabilities if probabilities.dtype == torch.float64 else probabilities.float()
    return wide.clamp_min(torch.finfo(wide.dtype).tiny).log()


def are_probabilities(outputs: Tensor) -> bool:
    """Whether outputs (B, c) are what a softmax returns: none below 0 or above 1, and each row sums to 1."""
    in_range = bool(((outputs >= 0) & (outputs <= 1)).all())
    return in_range and bool(((outputs.double().sum(1) - 1).abs() <= SUM_TOLERANCE).all())


def odd_storage(outputs: object, device: torch.device) -> str:
    """Say how outputs are kept otherwise than plainly on a device, as all else expects; empty if they are not."""
    if not isinstance(outputs, Tensor):
        return ""
    if outputs.is_nested:
        return "nested"
    if outputs.layout != torch.strided:
        return str(outputs.layout).removeprefix("torch.").strip("_").partition("_")[0]  # sparse, jagged, mkldnn
    return "" if outputs.device == device else f"on {outputs.device}, not on {device}"
