"""What MEGA's generator descends."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional


def confidence_loss(logits: Tensor) -> Tensor:
    """Mean of -log max_k S_k over the clone's logits (B, c): equation 2 of MEGA, at least 0, in nats."""
    return -functional.log_softmax(logits, 1).amax(1).mean()


def balance_loss(logits: Tensor) -> Tensor:
    """Minus the entropy of the mean prediction over logits (B, c): from -log c (balanced) to 0 (one class), in nats.

    Not in the paper: a guard against a generator that makes one class only, as DisGUIDE (AAAI 2023) has it. In
    logarithms, since the gradient of x log x is infinite where a class's probability is rounded to 0.
    """
    log_mean = torch.logsumexp(functional.log_softmax(logits, 1), 0) - math.log(len(logits))
    return (log_mean.exp() * log_mean).sum()
