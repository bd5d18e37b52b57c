"""Small changes of images that leave the answer what it was."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

PADDING = 2


def view(images: Tensor, how: str, random: torch.Generator) -> Tensor:
    """Shift every image by up to 2 pixels for ``crop``, and mirror half of them for ``crop-flip``; else leave them.

    Args:
        images: (B, C, h, w).
        how: ``none``, ``crop`` or ``crop-flip``.
        random: a generator on the CPU.
    """
    if how == "none":
        return images
    rows, height, width = len(images), *images.shape[2:]
    padded = functional.pad(images, [PADDING] * 4)
    moves = torch.randint(0, 2 * PADDING + 1, (rows, 2), generator=random).to(images.device)
    down = moves[:, :1] + torch.arange(height, device=images.device)
    across = moves[:, 1:] + torch.arange(width, device=images.device)
    if how == "crop-flip":
        mirrored = torch.randint(0, 2, (rows, 1), generator=random).bool().to(images.device)
        across = torch.where(mirrored, across.flip(1), across)
    each = torch.arange(rows, device=images.device)[:, None, None]
    return padded.permute(0, 2, 3, 1)[each, down[:, :, None], across[:, None, :]].permute(0, 3, 1, 2)
