"""A labelled data set of texts in memory, as ids of words."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from mebench.api.contract import InputSpec
from mebench.api.errors import ConfigurationError
from mebench.data.labelled import Labelled, rows_of
from mebench.data.text.words import Lexicon, WordList


@dataclass(frozen=True, eq=False)
class TextDataset(Labelled):
    """Texts and labels of one split.

    Attributes:
        name: as registered.
        ids: (N, L) int32 in [0, ``words.size``); padding at the end.
        labels: (N,) int64 in [0, num_classes).
        num_classes: number of classes.
        source: the place that was used; part of results, so it names no path.
        words: the public list that the ids count.
    """

    name: str
    ids: Tensor
    labels: Tensor
    num_classes: int
    source: str
    words: WordList

    def __post_init__(self) -> None:
        """Check that the parts fit together."""
        if self.ids.ndim != 2 or self.ids.dtype != torch.int32:
            raise ConfigurationError(
                f"data set {self.name!r}: ids must be int32 (N, L), not {self.ids.dtype} {tuple(self.ids.shape)}"
            )
        self.check_labels("texts")
        low, high = int(self.ids.min()), int(self.ids.max())
        if low < 0 or high >= self.words.size:
            raise ConfigurationError(
                f"data set {self.name!r}: ids run from {low} to {high}, outside 0 to {self.words.size - 1}"
            )

    @property
    def values(self) -> Tensor:
        """The ids."""
        return self.ids

    @cached_property
    def digest(self) -> str:
        """Sixteen hexadecimal digits of ids, labels and word list (SHA-256)."""
        return hashlib.sha256(f"{super().digest} {self.words.digest}".encode()).hexdigest()[:16]

    def with_rows(self, values: Tensor, labels: Tensor) -> TextDataset:
        """The same data set with other texts and labels."""
        return replace(self, ids=values, labels=labels)

    def spec(self, image_size: tuple[int, int] | None = None) -> InputSpec:
        """What a classifier of these texts takes: ids over the whole public list."""
        self._no_size(image_size)
        return InputSpec((self.ids.shape[1],), self.num_classes, 0, self.words.size - 1, torch.int64)

    def inputs(
        self, indices: Tensor | Sequence[int] | None = None, image_size: tuple[int, int] | None = None
    ) -> Tensor:
        """Return texts as a classifier takes them: (B, L) int64."""
        self._no_size(image_size)
        return rows_of(self.ids, indices).long()

    def lexicon(self) -> Lexicon:
        """The words of these texts with their counts."""
        return Lexicon.of(self.words, self.ids)

    def _no_size(self, image_size: tuple[int, int] | None) -> None:
        if image_size is not None:
            raise ConfigurationError(f"data set {self.name!r} holds texts, which have no image_size")
