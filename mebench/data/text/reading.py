"""What the readers of texts share: an order that mixes the classes, rows, and ids over the public word list."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor

from mebench.api.errors import ConfigurationError, DataUnavailableError
from mebench.api.notices import notice
from mebench.data.datasets import Split, range_of
from mebench.data.folders import LeftOut, counted, shown
from mebench.data.text.dataset import TextDataset
from mebench.data.text.decoding import NotTextError, lenient_text
from mebench.data.text.entries import MadeUpParameters, TextFilesParameters
from mebench.data.text.words import LENGTH, PADDING, UNKNOWN, word_list

Example = tuple[str, int]
"""A raw text and its class."""

_MOST_UNKNOWN = 0.5  # of the words of a split: where more are on no list, the user is told


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
        DataUnavailableError: the word list cannot be read, or has none of the words.
    """
    if not examples:
        raise ConfigurationError(f"data set {name!r} ({source}) holds no texts in its {split} split")
    chosen = range_of(parameters.rows, len(examples), name, split)
    kept = examples[chosen.start : chosen.stop]
    public = word_list(parameters.words)
    ids = public.encode((text for text, _ in kept), parameters.length or LENGTH)
    listed = f"the word list {parameters.words}" if parameters.words else "mebench's word list"
    _tell_unknown(f"data set {name!r}, {split} split", ids, listed)
    return TextDataset(name, ids, torch.tensor([label for _, label in kept]), num_classes, source, public)


def _tell_unknown(whose: str, ids: Tensor, listed: str) -> None:
    """Say where texts are empty, or mostly of words that are on no list.

    Raises:
        DataUnavailableError: no word is on the list.
    """
    empty, words = int((ids == PADDING).all(1).sum()), int((ids != PADDING).sum())
    unknown = int((ids == UNKNOWN).sum())
    if words == 0:
        raise DataUnavailableError(f"{whose}: its texts hold no words")
    if unknown == words:
        raise DataUnavailableError(f"{whose}: none of its words is on {listed}: it is a list of other words than these")
    if unknown > _MOST_UNKNOWN * words:
        notice(f"{whose}: {unknown / words:.0%} of its words are not on {listed}, and all one to a network")
    if empty:
        notice(f"{whose}: {empty:,} of {len(ids):,} texts hold no words")


def read_text(file: Path, encoding: str = "utf-8") -> str:
    """The text of a published file, its lines ending in ``\n``; bytes that are no letters become marks, and are told.

    Args:
        file: what to read.
        encoding: that it was published in; a copy may be in UTF-8.

    Raises:
        DataUnavailableError: it cannot be read, or is no text.
    """
    text, strange = decoded(file, str(file), encoding)
    if strange:
        lines = counted(len(strange), "line holds", "lines, of which this is the first, hold")
        notice(f"{file}:{strange[0]}: {lines} bytes that are not UTF-8, which are read as gaps")
    return text


def decoded(content: Path | bytes, where: str, encoding: str = "utf-8") -> tuple[str, list[int]]:
    """The text of a file, and the numbers of its lines with bytes that are no letters; see `lenient_text`.

    Raises:
        DataUnavailableError: it cannot be read, or is no text.
    """
    try:
        return lenient_text(content if isinstance(content, bytes) else content.read_bytes(), encoding)
    except NotTextError as error:
        raise DataUnavailableError(f"{where}: {error}") from None
    except OSError as error:
        raise DataUnavailableError(f"{where}: cannot be read ({error.strerror})") from None


def read_each(name: str, texts: Iterable[tuple[str, Path | bytes]]) -> Iterator[str]:
    """The texts of many files, one each; how many hold bytes that are no letters is told at the end.

    Args:
        name: of the data set.
        texts: where each is, and its file or its bytes.

    Raises:
        DataUnavailableError: one cannot be read, or is no text.
    """
    strange: list[str] = []
    for where, content in texts:
        text, lines = decoded(content, where)
        strange += [f"{where}:{line}" for line in lines[:1]]
        yield text
    if strange:
        words = counted(len(strange), "text holds", "texts hold")
        notice(f"{name}: {words} bytes that are not UTF-8, which are read as gaps, first at {strange[0]}")


def read_lines(file: Path, encoding: str = "utf-8") -> list[str]:
    """The lines of a published file that are not empty; see `read_text`."""
    return [line for _, line in numbered_lines(file, encoding)]


def numbered_lines(file: Path, encoding: str = "utf-8") -> list[tuple[int, str]]:
    """The lines of a published file that are not empty, with their numbers from 1; see `read_text`."""
    lines = read_text(file, encoding).split("\n")
    return [(number, line) for number, line in enumerate(lines, 1) if line.strip()]


def texts_in(folder: Path, left_out: LeftOut) -> list[Path]:
    """The files ``*.txt`` of a folder, by name.

    Args:
        folder: where to look.
        left_out: is told what is not taken.

    Raises:
        DataUnavailableError: the folder cannot be listed, or a text is a link to nothing.
    """
    entries = shown(folder, (".txt",), left_out)
    if folders := sum(entry.is_dir() for entry in entries):
        left_out.others["folder"] += folders
    return [folder / entry.name for entry in entries if not entry.is_dir()]


def unfit(file: Path, number: int, wanted: str) -> DataUnavailableError:
    """The error for a line that is not as published."""
    return DataUnavailableError(f"{file}:{number}: not as published: {wanted}")
