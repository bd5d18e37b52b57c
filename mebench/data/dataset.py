"""A labelled image data set in memory, as bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F  # noqa: N812 (the name that everybody knows it by)
from torch import Tensor

from mebench.api.contract import InputSpec
from mebench.api.errors import ConfigurationError
from mebench.data.labelled import Labelled, Size
from mebench.data.labelled import rows_of as rows_of

if TYPE_CHECKING:
    from mebench.data.picture_files import PictureFiles


@dataclass(frozen=True, eq=False)
class Dataset(Labelled):
    """Images and labels of one split.

    Attributes:
        name: as registered.
        images: (N, C, H, W) uint8.
        labels: (N,) int64 in [0, num_classes).
        num_classes: number of classes.
        source: the place that was used; part of results, so it names no path.
        original: the files of the rows where they are pictures of any size: another size is made of their own pixels,
            and not of ``images``. None where ``images`` are all that there is.
    """

    name: str
    images: Tensor
    labels: Tensor
    num_classes: int
    source: str
    original: PictureFiles | None = None

    def __post_init__(self) -> None:
        """Check that the parts fit together."""
        if self.images.ndim != 4 or self.images.dtype != torch.uint8:
            raise ConfigurationError(
                f"data set {self.name!r}: images must be uint8 (N, C, H, W), "
                f"not {self.images.dtype} {tuple(self.images.shape)}"
            )
        self.check_labels("images")

    @property
    def values(self) -> Tensor:
        """The images."""
        return self.images

    def with_rows(self, values: Tensor, labels: Tensor) -> Dataset:
        """The same data set with other images and labels."""
        return replace(self, images=values, labels=labels, original=None)

    def subset(self, rows: Tensor | Sequence[int]) -> Dataset:
        """The data set of these rows, in their order."""
        return replace(super().subset(rows), original=self.original and self.original.of(rows))

    def sized(self, image_size: Size | None) -> Dataset:
        """The same rows, made of the pictures' own pixels where that is possible and ``images`` are not these."""
        own = (self.images.shape[2], self.images.shape[3])
        if self.original is None or image_size is None or tuple(image_size) == own:
            return self
        size = self.original.size_for(own, (image_size[0], image_size[1]))
        return self if size == own else replace(self, images=self.original.at(size))

    def spec(self, image_size: tuple[int, int] | None = None) -> InputSpec:
        """What a classifier of these images takes, at a height and width."""
        channels, height, width = self.images.shape[1:]
        return InputSpec((channels, *(image_size or (height, width))), self.num_classes)

    def inputs(
        self, indices: Tensor | Sequence[int] | None = None, image_size: tuple[int, int] | None = None
    ) -> Tensor:
        """Return images as a classifier takes them: (B, C, h, w) float32 in [0, 1].

        Args:
            indices: rows, or None for all.
            image_size: height and width to resize to (bilinear, smoothed only where it shrinks), or None.
        """
        return as_inputs(rows_of(self.sized(image_size).images, indices), image_size)


def as_inputs(images: Tensor, image_size: tuple[int, int] | None) -> Tensor:
    """Turn uint8 images (B, C, H, W) into float32 in [0, 1], resized where asked for."""
    inputs = images.float() / 255
    size = tuple(images.shape[2:])
    if image_size is None or tuple(image_size) == size:
        return inputs
    shrinks = image_size[0] < size[0] or image_size[1] < size[1]
    resized = F.interpolate(inputs, list(image_size), mode="bilinear", align_corners=False, antialias=shrinks)
    return resized.clamp_(0, 1)
