"""What is released of explanations. A map is the explanation of one class; each is worked on by itself.

A chain of them is best in this order: classes, channels, sign, clipping, pooling, scale, levels, noise.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from mebench import ConfigurationError, ExplanationDefence, OwnersContext
from mebench.toolkit import normal_of
from mebench_defences.draws import Draws
from mebench_defences.parameters import (
    ClippedMapParameters,
    MapLevelsParameters,
    NoisyMapParameters,
    PooledMapParameters,
)

LEVELS = 127


class TopOne(ExplanationDefence):
    """Only the map of the class that is answered; the others are 0."""

    def __init__(self, context: OwnersContext) -> None:
        pass

    def release(self, queries: Tensor, maps: Tensor, labels: Tensor) -> Tensor:
        """Return (B, c, \\*shape) with one map in each row."""
        kept = F.one_hot(labels, maps.shape[1]).to(maps.dtype)
        return maps * kept.view(*kept.shape, *[1] * (maps.ndim - 2))


class Absolute(ExplanationDefence):
    """|e|: magnitudes without signs."""

    def __init__(self, context: OwnersContext) -> None:
        pass

    def release(self, queries: Tensor, maps: Tensor, labels: Tensor) -> Tensor:
        """Return magnitudes (B, c, \\*shape)."""
        return maps.abs()


class Positive(ExplanationDefence):
    """max(e, 0): what speaks for the class."""

    def __init__(self, context: OwnersContext) -> None:
        pass

    def release(self, queries: Tensor, maps: Tensor, labels: Tensor) -> Tensor:
        """Return positive parts (B, c, \\*shape)."""
        return maps.clamp(min=0)


class ChannelMaximum(ExplanationDefence):
    """The largest |e| of a pixel's channels, in each of them: one grey map, as it is drawn for readers."""

    def __init__(self, context: OwnersContext) -> None:
        pass

    def release(self, queries: Tensor, maps: Tensor, labels: Tensor) -> Tensor:
        """Return grey maps (B, c, C, h, w)."""
        return maps.abs().amax(2, keepdim=True).expand_as(maps).contiguous()


class Normalised(ExplanationDefence):
    """e / max |e|: the scale is withheld. A map of zeros stays one."""

    def __init__(self, context: OwnersContext) -> None:
        pass

    def release(self, queries: Tensor, maps: Tensor, labels: Tensor) -> Tensor:
        """Return (B, c, \\*shape) in [-1, 1]."""
        return maps / largest(maps)


class EightBitMap(ExplanationDefence):
    """round(127 e / max |e|) / 127: what fits into a signed byte for each pixel.

    Args:
        context: not used.
        parameters: whether the scale is told beside it.
    """

    def __init__(self, context: OwnersContext, parameters: MapLevelsParameters) -> None:
        self._tell_scale = parameters.tell_scale

    def release(self, queries: Tensor, maps: Tensor, labels: Tensor) -> Tensor:
        """Return (B, c, \\*shape) at 255 levels."""
        scale = largest(maps)
        levels = (maps / scale * LEVELS).round() / LEVELS
        return levels * scale if self._tell_scale else levels


class Clipped(ExplanationDefence):
    """Magnitudes between two of their quantiles; signs stay.

    Args:
        context: not used.
        parameters: the quantiles.

    Raises:
        ConfigurationError: the lower quantile is above the upper.
    """

    def __init__(self, context: OwnersContext, parameters: ClippedMapParameters) -> None:
        self._quantiles = [parameters.lowest, parameters.highest]
        if parameters.lowest > parameters.highest:
            raise ConfigurationError(f"lowest: must be at most highest, {parameters.highest:g}")

    def release(self, queries: Tensor, maps: Tensor, labels: Tensor) -> Tensor:
        """Return (B, c, \\*shape) without peaks."""
        flat = maps.flatten(2)
        ordered, last = flat.abs().sort(dim=2).values, flat.shape[2] - 1
        low, high = (ordered[..., round(quantile * last), None] for quantile in self._quantiles)
        return (flat.sign() * flat.abs().maximum(low).minimum(high)).view_as(maps)


class Pooled(ExplanationDefence):
    """The mean of each block of pixels, at all of its pixels; blocks at the right and lower edge may be smaller.

    Args:
        context: not used.
        parameters: the size of blocks.
    """

    def __init__(self, context: OwnersContext, parameters: PooledMapParameters) -> None:
        self._block = parameters.block

    def release(self, queries: Tensor, maps: Tensor, labels: Tensor) -> Tensor:
        """Return coarse maps (B, c, C, h, w)."""
        height, width = maps.shape[-2:]
        means = F.avg_pool2d(maps.flatten(1, 2), self._block, ceil_mode=True)
        tall = means.repeat_interleave(self._block, dim=2)[:, :, :height]
        return tall.repeat_interleave(self._block, dim=3)[..., :width].reshape(maps.shape)


class NoisyMap(ExplanationDefence):
    """e + s (max e - min e) n with n of N(0, 1); a map of zeros, which is none, stays one.

    Args:
        context: gives key, spec and streams.
        parameters: s, and how n is drawn.
    """

    def __init__(self, context: OwnersContext, parameters: NoisyMapParameters) -> None:
        self._sigma = parameters.sigma
        self.randomness = parameters.drawn
        self._draws = Draws(context, parameters.drawn, "map noise")

    def release(self, queries: Tensor, maps: Tensor, labels: Tensor) -> Tensor:
        """Return noisy maps (B, c, \\*shape)."""
        flat = maps.flatten(2)
        width = flat.amax(2, keepdim=True) - flat.amin(2, keepdim=True)
        noise = normal_of(self._draws.uniform(queries, flat[0].numel() if len(flat) else 0)).to(maps.dtype)
        return (flat + self._sigma * width * noise.view_as(flat)).view_as(maps)


def largest(maps: Tensor) -> Tensor:
    """The largest magnitude of each map (B, c, 1, ...); 1 for maps of zeros."""
    found = maps.flatten(2).abs().amax(2)
    found = torch.where(found > 0, found, 1.0)
    return found.view(*found.shape, *[1] * (maps.ndim - 2))
