"""DaST's generator: one branch per class, and a head that all share."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mebench import InputSpec
from mebench.toolkit import to_device

CUT = 4
"""Rows and columns that the head's two unpadded 3x3 convolutions take away."""
DOUBLINGS = 3
"""Transposed convolutions of stride 2 in a branch."""


class BranchedGenerator(nn.Module):
    """Noise and the number of a branch to images.

    A branch goes from 1 to s to 8 s pixels by transposed convolutions, each with batch norm and LeakyReLU 0.2; its map
    is cropped to the image and four pixels more. The head is two 3x3 convolutions without padding, with batch norm and
    LeakyReLU between, batch norm, and a sigmoid over the spec's range. For 28x28, s is 4: 1 to 32, then 28.

    Args:
        spec: shape (channels, height, width) and range of an image; a branch for each of its classes.
        noise_dim: length of the noise vector.
        width: channels w of the head; a branch has 4 w, 2 w, w and w.
    """

    def __init__(self, spec: InputSpec, noise_dim: int, width: int) -> None:
        super().__init__()
        self._low, self._high = spec.low, spec.high
        channels, height, image_width = spec.shape
        self._crop = (height + CUT, image_width + CUT)
        start = tuple(max(2, -(-side // 2**DOUBLINGS)) for side in self._crop)
        self._noise_dim = noise_dim
        self.branches = nn.ModuleList(_branch(noise_dim, width, start) for _ in range(spec.num_classes))
        self.head = nn.Sequential(
            nn.Conv2d(width, width, 3, bias=False),
            nn.BatchNorm2d(width),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(width, channels, 3, bias=False),
            nn.BatchNorm2d(channels),
        )

    def forward(self, noise: Tensor, branches: Tensor) -> Tensor:
        """Return images (B, \\*shape) in the spec's range.

        Args:
            noise: (B, noise_dim).
            branches: (B,) int64 on the CPU, which branch makes which image.
        """
        order = branches.argsort(stable=True)
        back = to_device(order.argsort(), noise.device)
        parts = noise[to_device(order, noise.device)].split(branches.bincount(minlength=len(self.branches)).tolist())
        maps = torch.cat(
            [branch(part[:, :, None, None]) for branch, part in zip(self.branches, parts, strict=True) if len(part)]
        )
        height, width = self._crop
        images = torch.sigmoid(self.head(maps[..., :height, :width]))[back]
        return (self._low + images * (self._high - self._low)).clamp(self._low, self._high)


def _branch(noise_dim: int, width: int, start: tuple[int, ...]) -> nn.Sequential:
    layers: list[nn.Module] = [
        nn.ConvTranspose2d(noise_dim, 4 * width, (start[0], start[1]), bias=False),
        nn.BatchNorm2d(4 * width),
        nn.LeakyReLU(0.2, inplace=True),
    ]
    for before, after in ((4 * width, 2 * width), (2 * width, width), (width, width)):
        layers += [
            nn.ConvTranspose2d(before, after, 4, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(after),
            nn.LeakyReLU(0.2, inplace=True),
        ]
    return nn.Sequential(*layers)
