"""Unlabelled inputs for attacks of the pool family, and any other inputs that are read batch by batch."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from mebench.api.contract import InputSpec
from mebench.data.labelled import Labelled
from mebench.data.text.words import Lexicon


class DatasetPool:
    """The inputs of a data set; their labels only where they are public and no secret of the victim's.

    Images stay bytes and ids of words int32; only the rows that are asked for become what a classifier takes.

    Args:
        dataset: where the inputs come from.
        image_size: height and width of images, or None for their own.
        public: whether the publisher's classes are told: they are not what the attacker is after.
    """

    def __init__(self, dataset: Labelled, image_size: tuple[int, int] | None = None, *, public: bool = False) -> None:
        self._dataset = dataset.sized(image_size)
        self.image_size = image_size
        self._public = public

    def __len__(self) -> int:
        """Number of inputs."""
        return len(self._dataset)

    @property
    def name(self) -> str:
        """The data set's name."""
        return self._dataset.name

    @property
    def digest(self) -> str:
        """The data set's digest; it depends on the size only where pictures are read at it."""
        return self._dataset.digest

    @property
    def source(self) -> str:
        """The place that the data set was read from."""
        return self._dataset.source

    @property
    def spec(self) -> InputSpec:
        """What a classifier of these inputs takes."""
        return self._dataset.spec(self.image_size)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one input: channels, height and width of images, words of texts."""
        return self.spec.shape

    @property
    def classes(self) -> Tensor | None:
        """What the publisher calls each input, (N,) int64, if that is told."""
        return self._dataset.labels.cpu() if self._public else None

    def lexicon(self) -> Lexicon | None:
        """The words of these inputs with their counts; None for images."""
        return self._dataset.lexicon()

    def inputs(self, indices: Tensor | Sequence[int] | None = None) -> Tensor:
        """Return the inputs of these rows (all for None): (B, C, h, w) float32 in [0, 1], or (B, L) int64 for texts."""
        return self._dataset.inputs(indices, self.image_size)

    def to(self, device: torch.device | str) -> DatasetPool:
        """The same pool with what it keeps on a device, where its inputs are made then."""
        dataset = self._dataset
        moved = dataset.with_rows(dataset.values.to(device), dataset.labels)
        return DatasetPool(moved, self.image_size, public=self._public)
