"""What the readers of texts share: an order that mixes the classes, rows, and ids over the public word list."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import torch

from mebench.api.errors import ConfigurationError, DataUnavailableError
from mebench.data.datasets import Split, range_of
from mebench.data.text.dataset import TextDataset
from mebench.data.text.entries import MadeUpParameters, TextFilesParameters
from mebench.data.text.words import LENGTH, word_list

Example = tuple[str, int]
"""A raw text and its class."""


def mixed(examples: Iterable[Example]) -> list[Example]:
    """Sort by the SHA-256 of the text: an order that no library can change, in which equal texts lie together."""
    return sorted(examples, key=lambda one: (hashlib.sha256(one[0].encode()).digest(), one[1]))


def distinct(examples: Iterable[Example]) -> Iterator[Example]:
    """Leave texts out that were there before."""
    seen: set[str] = set()
    for text, label in examples:
        if text not in seen:
            seen.add(text)
            yield text, label


def part_of(examples: list[Example], split: Split, share: int) -> list[Example]:
    """Where nobody has published a split: the last of ``share`` equal parts to test, the others to train."""
    cut = len(examples) - len(examples) // share
    return examples[:cut] if split == "train" else examples[cut:]


def made_dataset(
    name: str,
    examples: Sequence[Example],
    num_classes: int,
    source: str,
    split: Split,
    parameters: TextFilesParameters | MadeUpParameters,
) -> TextDataset:
    """Turn raw texts into a data set.

    Args:
        name: as registered.
        examples: all of the split.
        num_classes: number of classes.
        source: where they were found.
        split: for messages.
        parameters: which texts, how much of each, and over which words.

    Raises:
        ConfigurationError: the rows are not inside the split, or there are no texts.
        DataUnavailableError: the word list cannot be read.
    """
    if not examples:
        raise ConfigurationError(f"data set {name!r} ({source}) holds no texts in its {split} split")
    chosen = range_of(parameters.rows, len(examples), name, split)
    kept = examples[chosen.start : chosen.stop]
    public = word_list(parameters.words)
    ids = public.encode((text for text, _ in kept), parameters.length or LENGTH)
    return TextDataset(name, ids, torch.tensor([label for _, label in kept]), num_classes, source, public)


def read_lines(file: Path, encoding: str = "utf-8") -> list[str]:
    """The lines of a file that are not empty; bytes that are no letters become marks.

    Raises:
        DataUnavailableError: it cannot be read.
    """
    try:
        return [line for line in file.read_text(encoding, "replace").split("\n") if line.strip()]
    except OSError as error:
        raise DataUnavailableError(f"{file}: cannot be read ({error.strerror})") from None


def unfit(file: Path, number: int, wanted: str) -> DataUnavailableError:
    """The error for a line that is not as published."""
    return DataUnavailableError(f"{file}:{number}: not as published: {wanted}")
