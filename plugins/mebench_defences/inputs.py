"""What reaches the victim of an image: its bytes, a compressed picture, or a noisy one."""

from __future__ import annotations

import io

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from mebench import ConfigurationError, InputDefence, OwnersContext
from mebench.toolkit import normal_of
from mebench_defences.draws import Draws
from mebench_defences.parameters import InputNoiseParameters, JpegParameters

LEVELS = 255


class EightBit(InputDefence):
    """Rounds each value to one of 256 levels of the input range, as every picture file does."""

    def __init__(self, context: OwnersContext) -> None:
        self._low, self._width = context.spec.low, context.spec.high - context.spec.low

    def receive(self, queries: Tensor) -> Tensor:
        """Return (B, C, h, w) at 256 levels."""
        levels = ((queries - self._low) * (LEVELS / self._width)).round().clamp(0, LEVELS)
        return levels / LEVELS * self._width + self._low


class Jpeg(InputDefence):
    """Compresses each picture as a JPEG file, colours at half the resolution, and reads it again.

    Args:
        context: gives the spec.
        parameters: the quality.

    Raises:
        ConfigurationError: inputs have neither one channel nor three.
    """

    def __init__(self, context: OwnersContext, parameters: JpegParameters) -> None:
        shape = context.spec.shape
        if len(shape) != 3 or shape[0] not in (1, 3):
            raise ConfigurationError(f"jpeg needs pictures of 1 or 3 channels, not inputs of shape {list(shape)}")
        self._low, self._width = context.spec.low, context.spec.high - context.spec.low
        self._quality = parameters.quality

    def receive(self, queries: Tensor) -> Tensor:
        """Return (B, C, h, w) as they come out of a file."""
        levels = ((queries - self._low) * (LEVELS / self._width)).round().clamp(0, LEVELS).to(torch.uint8)
        pictures = [self._compressed(one) for one in levels.permute(0, 2, 3, 1).cpu().numpy()]
        if not pictures:
            return queries
        read = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).to(queries.device)
        return read.to(queries.dtype) / LEVELS * self._width + self._low

    def _compressed(self, pixels: np.ndarray) -> np.ndarray:
        """One picture (h, w, C) of bytes after a file."""
        grey = pixels.shape[2] == 1
        file = io.BytesIO()
        Image.fromarray(pixels[..., 0] if grey else pixels).save(
            file, "JPEG", quality=self._quality, subsampling="4:2:0"
        )
        return np.asarray(Image.open(file)).reshape(pixels.shape)


class InputNoise(InputDefence):
    """x + s n with n of N(0, 1), cut to the input range.

    Args:
        context: gives key, spec and streams.
        parameters: s, and how n is drawn.
    """

    def __init__(self, context: OwnersContext, parameters: InputNoiseParameters) -> None:
        self._spec = context.spec
        self._scale = parameters.sigma * (context.spec.high - context.spec.low)
        self.randomness = parameters.drawn
        self._draws = Draws(context, parameters.drawn, "input noise")

    def receive(self, queries: Tensor) -> Tensor:
        """Return noisy (B, C, h, w)."""
        noise = normal_of(self._draws.uniform(queries, self._spec.size)).view_as(queries)
        return (queries + (self._scale * noise).to(queries.dtype)).clamp(self._spec.low, self._spec.high)
