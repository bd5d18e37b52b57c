"""Small random changes of images that leave what is on them: of honest cameras, and of attackers who hide repeats."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor

TRANSFORMS = ("rotation", "shift", "scale", "crop", "brightness", "contrast", "uniform-noise", "gaussian-noise")
"""What `transformed` can do, as far as SEAT's encoder is taught to see through it (Zhang, Chen and Wagner 2021)."""
DEGREES, SHIFT, SCALE, CROP, BRIGHTNESS, CONTRAST = 15.0, 0.05, 0.17, 0.04, 0.09, 0.55
UNIFORM, GAUSSIAN = 0.064, 0.095
AREA, ASPECT = (0.02, 0.33), 3.3
"""Of the hole that `erased` makes."""


def transformed(images: Tensor, random: torch.Generator, kinds: Sequence[str] = TRANSFORMS) -> Tensor:
    """Return images of which each has undergone one small change, drawn with its strength. Since version 1.8.

    Up to 15 degrees, 5 % of shift, 17 % of scale, 4 % of crop, 0.09 of brightness, 55 % of contrast; noise within
    0.064, or of deviation 0.095.

    Args:
        images: (B, C, H, W) float32 in [0, 1].
        random: on the CPU; as much is drawn for each image whatever its change is.
        kinds: names of `TRANSFORMS`, each as probable as the others.

    Returns:
        (B, C, H, W) in [0, 1], on the device of ``images``.

    Raises:
        ValueError: there is no such change.
    """
    if unknown := set(kinds) - set(TRANSFORMS):
        raise ValueError(f"no such change of an image: {', '.join(sorted(unknown))}; there are {', '.join(TRANSFORMS)}")
    rows = len(images)
    chosen = torch.randint(len(kinds), (rows,), generator=random)
    strengths = 2 * torch.rand(rows, 3, generator=random) - 1
    noise = torch.randn(images.shape, generator=random), 2 * torch.rand(images.shape, generator=random) - 1
    device = images.device
    moved = _moved(images, _affine(chosen, kinds, strengths).to(device))
    now = {name: (chosen == number).to(device) for number, name in enumerate(kinds)}
    strength = strengths[:, 0].to(device).view(-1, 1, 1, 1)
    mean = images.mean((1, 2, 3), keepdim=True)
    changed = {
        "brightness": images + BRIGHTNESS * strength,
        "contrast": mean + (1 + CONTRAST * strength) * (images - mean),
        "gaussian-noise": images + GAUSSIAN * noise[0].to(device),
        "uniform-noise": images + UNIFORM * noise[1].to(device),
    }
    for name, result in changed.items():
        if name in now:
            moved = torch.where(now[name].view(-1, 1, 1, 1), result, moved)
    return moved.clamp(0, 1)


def erased(images: Tensor, random: torch.Generator) -> Tensor:
    """Return images with a hole: a rectangle as bright as the image's mean, in each channel. Since version 1.8.

    Its area is 2 to 33 % of the image's and its height 0.3 to 3.3 times its width, as in random erasing (Zhong and
    others 2020), but no side is longer than the image's; it lies anywhere inside.

    Args:
        images: (B, C, H, W).
        random: on the CPU.
    """
    rows, _, height, width = images.shape
    drawn = torch.rand(4, rows, generator=random)
    area = AREA[0] + (AREA[1] - AREA[0]) * drawn[0]
    aspect = torch.exp(math.log(ASPECT) * (2 * drawn[1] - 1)).sqrt()
    tall, wide = (area.sqrt() * aspect).clamp(max=1), (area.sqrt() / aspect).clamp(max=1)
    inside = []
    for size, share, place in ((height, tall, drawn[2]), (width, wide, drawn[3])):
        begin = (1 - share) * place * size
        at = torch.arange(size) + 0.5
        inside.append((at >= begin[:, None]) & (at < (begin + share * size)[:, None]))
    hole = (inside[0][:, :, None] & inside[1][:, None, :]).unsqueeze(1).to(images.device)
    return torch.where(hole, images.mean((2, 3), keepdim=True), images)


def _affine(chosen: Tensor, kinds: Sequence[str], strengths: Tensor) -> Tensor:
    """What of an image comes to lie where, (B, 2, 3); the identity where nothing is moved."""
    where = {name: chosen == number for number, name in enumerate(kinds)}
    never = torch.zeros_like(chosen, dtype=torch.bool)
    angle = torch.where(where.get("rotation", never), strengths[:, 0] * math.radians(DEGREES), 0.0)
    size = torch.where(where.get("scale", never), 1 + SCALE * strengths[:, 0], 1.0)
    size = torch.where(where.get("crop", never), 1 - CROP * strengths[:, 0].abs(), size)
    room = torch.where(where.get("crop", never), CROP * strengths[:, 0].abs(), 0.0)
    room = torch.where(where.get("shift", never), 2 * SHIFT, room)
    offset = strengths[:, 1:] * room.unsqueeze(1)  # a side is 2 long
    rotation = torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()], 1).view(-1, 2, 2)
    return torch.cat([rotation * size.view(-1, 1, 1), offset.unsqueeze(2)], 2)


def _moved(images: Tensor, affine: Tensor) -> Tensor:
    grid = F.affine_grid(affine, list(images.shape), align_corners=False)
    still = (affine == torch.eye(2, 3, device=affine.device)).flatten(1).all(1)
    moved = F.grid_sample(images, grid, padding_mode="border", align_corners=False)
    return torch.where(still.view(-1, 1, 1, 1), images, moved)
