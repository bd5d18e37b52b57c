"""The generator of DFME, MAZE and MEGEX, with upsampling and convolution folded into one transposed convolution."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from mebench.api.contract import InputSpec


class UpsampleConv2d(nn.Conv2d):
    """Nearest upsampling by 2, then a 3x3 convolution with padding 1, as one 4x4 transposed convolution of stride 2.

    Every pixel of the upsampled map is one of four copies, so that the nine taps of the convolution fall on at most
    four different pixels of the small map: the same function of the same parameters (an `nn.Conv2d`'s ``weight`` and
    ``bias``) with 16 instead of 36 multiplications per small pixel. Equal in exact arithmetic.

    Args:
        in_channels, out_channels: as of `nn.Conv2d`.
    """

    _taps: Tensor

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, kernel_size=3, padding=1)
        taps = torch.tensor([[0.0, 0.0, 1.0], [0.0, 1.0, 1.0], [1.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
        self.register_buffer("_taps", taps, persistent=False)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return (B, out, 2h, 2w) for (B, in, h, w)."""
        kernel = self._taps @ self.weight.transpose(0, 1) @ self._taps.T  # (in, out, 4, 4)
        return functional.conv_transpose2d(inputs, kernel, self.bias, stride=2, padding=1)


class UpsamplingGenerator(nn.Module):
    """Noise to images: linear, then three convolutions with two upsamplings between, and a final batch norm.

    The layout and the layer sizes are those of the released DFME program, its 2,329,091 parameters for 3x32x32
    included: linear to ``width`` x h/4 x w/4, batch norm; upsample, conv, batch norm, LeakyReLU 0.2 (twice, the second
    to ``width``/2 channels); conv to the image's channels, batch norm without affine parameters. The output has no
    range yet: the caller squashes it (tanh). Sizes that 4 does not divide are made larger and cropped.

    Args:
        spec: shape of one image (channels, height, width).
        noise_dim: length of the noise vector.
        width: channels of the first convolution; 128 in the paper.
        affine: let the final batch norm learn a scale and a shift, as the released MAZE program does.
        normed: have a final batch norm at all; IDEAL and QEDG have none. Since version 1.8.
    """

    def __init__(
        self, spec: InputSpec, noise_dim: int = 256, width: int = 128, affine: bool = False, normed: bool = True
    ) -> None:
        super().__init__()
        channels, self._height, self._width = spec.shape
        self._start = (width, -(-self._height // 4), -(-self._width // 4))
        half = max(width // 2, 1)
        self.linear = nn.Linear(noise_dim, width * self._start[1] * self._start[2])
        self.layers = nn.Sequential(
            nn.BatchNorm2d(width),
            UpsampleConv2d(width, width),
            nn.BatchNorm2d(width),
            nn.LeakyReLU(0.2, inplace=True),
            UpsampleConv2d(width, half),
            nn.BatchNorm2d(half),
            nn.LeakyReLU(0.2, inplace=True),
            nn.Conv2d(half, channels, kernel_size=3, padding=1),
            nn.BatchNorm2d(channels, affine=affine) if normed else nn.Identity(),
        )

    @property
    def scale_and_shift(self) -> list[nn.Parameter]:
        """Contrast and brightness of the images, (channels,) each, at first 1 and 0; nothing if not ``affine``."""
        return list(self.layers[-1].parameters())

    def forward(self, noise: Tensor) -> Tensor:
        """Return (B, channels, height, width) without a range for noise (B, noise_dim)."""
        images: Tensor = self.layers(self.linear(noise).view(-1, *self._start))
        return images[..., : self._height, : self._width]
