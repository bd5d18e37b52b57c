"""Small changes of images in training, which leave the label or the answer what it was."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from mebench.api.spec import Augmentation


def augmented(inputs: Tensor, how: Augmentation, generator: torch.Generator, padding: int = 4) -> Tensor:
    """Shift every image by up to so many pixels (black comes in) for ``crop``, and mirror half for ``crop-flip``.

    Args:
        inputs: (B, C, h, w).
        how: ``none``, ``crop`` or ``crop-flip``.
        generator: a CPU generator, so that every device sees the same augmentation.
        padding: pixels.
    """
    if how == "none":
        return inputs
    count, _, height, width = inputs.shape
    shifts = torch.randint(0, 2 * padding + 1, (2, count), generator=generator).to(inputs.device)
    rows = shifts[0, :, None] + torch.arange(height, device=inputs.device)  # (B, h)
    columns = shifts[1, :, None] + torch.arange(width, device=inputs.device)  # (B, w)
    if how == "crop-flip":
        mirrored = (torch.rand(count, generator=generator) < 0.5).to(inputs.device)
        columns = torch.where(mirrored[:, None], columns.flip(1), columns)
    padded = F.pad(inputs, (padding,) * 4).movedim(1, -1)  # (B, h + 2 padding, w + 2 padding, C)
    image = torch.arange(count, device=inputs.device)[:, None, None]
    return padded[image, rows[:, :, None], columns[:, None, :]].movedim(-1, 1)
