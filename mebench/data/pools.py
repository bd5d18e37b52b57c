"""Unlabelled inputs for attacks of the pool family, and any other images that are read batch by batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from mebench.data.dataset import Dataset


class Pool:
    """The images of a data set at a given size, without their labels.

    Images stay bytes; only the rows that are asked for become float32.

    Args:
        dataset: where the images come from.
        image_size: height and width of the inputs, or None for the images' own.
    """

    def __init__(self, dataset: Dataset, image_size: tuple[int, int] | None = None) -> None:
        self._dataset = dataset
        self.image_size = image_size

    def __len__(self) -> int:
        """Number of inputs."""
        return len(self._dataset)

    @property
    def name(self) -> str:
        """The data set's name."""
        return self._dataset.name

    @property
    def digest(self) -> str:
        """The data set's digest, which does not depend on the size."""
        return self._dataset.digest

    @property
    def source(self) -> str:
        """The place that the data set was read from."""
        return self._dataset.source

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width of one input."""
        channels, height, width = self._dataset.images.shape[1:]
        return (channels, *(self.image_size or (height, width)))

    def inputs(self, indices: Tensor | Sequence[int] | None = None) -> Tensor:
        """Return the inputs of these rows (all for None), (B, C, h, w) float32 in [0, 1]."""
        return self._dataset.inputs(indices, self.image_size)

    def to(self, device: torch.device | str) -> Pool:
        """The same pool with its bytes on a device, where its inputs are made then."""
        return Pool(replace(self._dataset, images=self._dataset.images.to(device)), self.image_size)
