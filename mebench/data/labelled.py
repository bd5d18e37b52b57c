"""What every labelled data set in memory is, whether of images or of texts."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Self

import torch
from torch import Tensor

from mebench.api.errors import ConfigurationError

if TYPE_CHECKING:
    from mebench.api.contract import InputSpec
    from mebench.data.text.words import Lexicon


Size = tuple[int, int]
"""Height and width."""


class Labelled(ABC):
    """Inputs and labels of one split.

    Attributes:
        name: as registered.
        labels: (N,) int64 in [0, num_classes).
        num_classes: number of classes.
        source: the place that was used; part of results, so it names no path.
    """

    name: str
    labels: Tensor
    num_classes: int
    source: str

    @property
    @abstractmethod
    def values(self) -> Tensor:
        """What is kept of the inputs, (N, ...); small, since all of it stays in memory."""

    @abstractmethod
    def with_rows(self, values: Tensor, labels: Tensor) -> Self:
        """The same data set with other rows, or with its rows on another device."""

    @abstractmethod
    def inputs(
        self, indices: Tensor | Sequence[int] | None = None, image_size: tuple[int, int] | None = None
    ) -> Tensor:
        """Return rows (all for None) as a classifier takes them."""

    @abstractmethod
    def spec(self, image_size: tuple[int, int] | None = None) -> InputSpec:
        """What a classifier of these inputs takes."""

    def sized(self, image_size: Size | None) -> Self:
        """The same rows at a height and width, if they are read at any; else itself, of which `inputs` is resized."""
        return self

    def lexicon(self) -> Lexicon | None:
        """The words of these inputs with their counts; None for images."""
        return None

    def __len__(self) -> int:
        """Number of rows N."""
        return len(self.labels)

    @cached_property
    def digest(self) -> str:
        """Sixteen hexadecimal digits of the bytes of inputs and labels (SHA-256)."""
        sha = hashlib.sha256()
        for tensor in (self.values, self.labels):
            sha.update(tensor.cpu().contiguous().numpy().data)
        return sha.hexdigest()[:16]

    def subset(self, rows: Tensor | Sequence[int]) -> Self:
        """The data set of these rows, in their order."""
        return self.with_rows(rows_of(self.values, rows), rows_of(self.labels, rows))

    def check_labels(self, what: str) -> None:
        """Check that the labels fit: a data set with wrong labels would be scored without a word.

        Args:
            what: the plural of a row, for messages.

        Raises:
            ConfigurationError: number, type or range of the labels are wrong, or there are none.
        """
        if self.labels.shape != self.values.shape[:1] or self.labels.dtype != torch.int64:
            raise ConfigurationError(
                f"data set {self.name!r}: {len(self.values)} {what} need as many int64 labels, "
                f"not {self.labels.dtype} {tuple(self.labels.shape)}"
            )
        if len(self.labels) == 0:
            raise ConfigurationError(f"data set {self.name!r} ({self.source}) holds no {what}")
        low, high = int(self.labels.min()), int(self.labels.max())
        if low < 0 or high >= self.num_classes:
            raise ConfigurationError(
                f"data set {self.name!r} ({self.source}): labels run from {low} to {high}, "
                f"outside 0 to {self.num_classes - 1}"
            )


def rows_of(values: Tensor, indices: Tensor | Sequence[int] | None) -> Tensor:
    """Return ``values[indices]``; all of them for None."""
    if indices is None:
        return values
    return values[torch.as_tensor(indices, dtype=torch.int64, device=values.device)]
