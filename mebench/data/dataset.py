"""A labelled image data set in memory, as bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import torch
import torch.nn.functional as F  # noqa: N812 (the name that everybody knows it by)
from torch import Tensor

from mebench.errors import ConfigurationError


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images and labels of one split.

    Attributes:
        name: as registered.
        images: (N, C, H, W) uint8.
        labels: (N,) int64 in [0, num_classes).
        num_classes: number of classes.
        source: the place that was used; part of results, so it names no path.
    """

    name: str
    images: Tensor
    labels: Tensor
    num_classes: int
    source: str

    def __post_init__(self) -> None:
        """Check that the parts fit together: a data set with wrong labels would be scored without a word."""
        if self.images.ndim != 4 or self.images.dtype != torch.uint8:
            raise ConfigurationError(
                f"data set {self.name!r}: images must be uint8 (N, C, H, W), "
                f"not {self.images.dtype} {tuple(self.images.shape)}"
            )
        if self.labels.shape != self.images.shape[:1] or self.labels.dtype != torch.int64:
            raise ConfigurationError(
                f"data set {self.name!r}: {len(self.images)} images need as many int64 labels, "
                f"not {self.labels.dtype} {tuple(self.labels.shape)}"
            )
        if len(self.labels) == 0:
            raise ConfigurationError(f"data set {self.name!r} ({self.source}) holds no images")
        low, high = int(self.labels.min()), int(self.labels.max())
        if low < 0 or high >= self.num_classes:
            raise ConfigurationError(
                f"data set {self.name!r} ({self.source}): labels run from {low} to {high}, "
                f"outside 0 to {self.num_classes - 1}"
            )

    def __len__(self) -> int:
        """Number of images N."""
        return len(self.labels)

    @cached_property
    def digest(self) -> str:
        """Sixteen hexadecimal digits of the bytes of images and labels (SHA-256)."""
        sha = hashlib.sha256()
        for tensor in (self.images, self.labels):
            sha.update(tensor.cpu().contiguous().numpy().data)
        return sha.hexdigest()[:16]

    def inputs(
        self, indices: Tensor | Sequence[int] | None = None, image_size: tuple[int, int] | None = None
    ) -> Tensor:
        """Return images as a classifier takes them: (B, C, h, w) float32 in [0, 1].

        Args:
            indices: rows, or None for all.
            image_size: height and width to resize to (bilinear, smoothed only where it shrinks), or None.
        """
        return as_inputs(rows_of(self.images, indices), image_size)

    def subset(self, rows: Tensor | Sequence[int]) -> Dataset:
        """The data set of these rows, in their order."""
        return replace(self, images=rows_of(self.images, rows), labels=rows_of(self.labels, rows))


def rows_of(values: Tensor, indices: Tensor | Sequence[int] | None) -> Tensor:
    """Return ``values[indices]``; all of them for None."""
    if indices is None:
        return values
    return values[torch.as_tensor(indices, dtype=torch.int64, device=values.device)]


def as_inputs(images: Tensor, image_size: tuple[int, int] | None) -> Tensor:
    """Turn uint8 images (B, C, H, W) into float32 in [0, 1], resized where asked for."""
    inputs = images.float() / 255
    size = tuple(images.shape[2:])
    if image_size is None or tuple(image_size) == size:
        return inputs
    shrinks = image_size[0] < size[0] or image_size[1] < size[1]
    resized = F.interpolate(inputs, list(image_size), mode="bilinear", align_corners=False, antialias=shrinks)
    return resized.clamp_(0, 1)
