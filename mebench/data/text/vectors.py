"""Word vectors: published ones by name, or from files in GloVe's text form or as a NumPy array with its words."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mebench.api.errors import ConfigurationError, DataUnavailableError
from mebench.api.notices import notice
from mebench.api.suggestions import did_you_mean
from mebench.data.text.decoding import UNREADABLE, strict_lines
from mebench.data.text.glove import glove_file
from mebench.data.text.layouts import GLOVE
from mebench.data.text.words import as_in_texts, is_header

PUBLISHED = {GLOVE.name: glove_file}
"""What fetches word vectors that have a name."""

_GAP = re.compile(r"[ \t]+")
_ENOUGH = 0.5  # of the words: where fewer are found, the user is told
_SHOWN = 40  # letters of a line that are shown

Vector = NDArray[np.float32]


def vectors_of(words: Sequence[str], path: str, size: int) -> list[tuple[int, Tensor]]:
    """Read the vectors of those words that a file has.

    A word of a file, but not one of what is published, stands for itself in lower case and without accents too, if the
    file has not that.

    Args:
        words: as texts have them, in lower case and without accents.
        path: ``glove-6b-100d``; ``NAME.npy`` (N, size) with ``NAME.txt`` beside it, a word per line; else text, plain
            or ``.gz``, with a word and its numbers in each line, spaces or tabs between, and perhaps a header.
        size: values in one vector.

    Returns:
        places in ``words`` and vectors (size,) float32; of a word that the file has twice the first counts.

    Raises:
        ConfigurationError: the vectors have another size.
        DataUnavailableError: the file cannot be read or has none of the words, or what is published cannot be fetched.
    """
    file = PUBLISHED[path]() if path in PUBLISHED else Path(path).expanduser()
    sought = _Sought(words, literally=path in PUBLISHED)
    try:
        first = _read_array(file, sought, size) if file.suffix == ".npy" else _read_lines(file, sought, size)
    except FileNotFoundError as error:
        near = did_you_mean(path, PUBLISHED)
        raise DataUnavailableError(f"word vectors {path}: no such file: {error.filename}{near}") from None
    except _OtherSizeError as error:
        raise ConfigurationError(f"word vectors {path}: have {error} values, not {size}: set `size`") from None
    except UNREADABLE as error:
        raise DataUnavailableError(f"word vectors {path}: cannot be read ({error})") from None
    found = sought.found()
    if words and not found:
        begins = f"it begins with {first[:_SHOWN]!r}" if first else "it is empty"
        raise DataUnavailableError(
            f"word vectors {path}: has none of the {len(words):,} words that are sought; {begins}, and must hold "
            "a word and its numbers in each line, with spaces or tabs between"
        )
    if len(found) < _ENOUGH * len(words):
        notice(f"word vectors {path}: has {len(found):,} of {len(words):,} words; the others begin at random")
    return found


class _OtherSizeError(ValueError):
    """Vectors of so many values."""


class _Sought:
    """The words that are sought in a file, and what was found.

    Args:
        words: each once.
        literally: whether other spellings are passed over.
    """

    def __init__(self, words: Sequence[str], *, literally: bool) -> None:
        self._places = {word: place for place, word in enumerate(words)}
        self._literally = literally
        self._exact: dict[int, Vector] = {}
        self._other: dict[int, Vector] = {}  # of words that the file writes in another way

    def wants(self, word: str) -> Callable[[Vector], None] | None:
        """What takes the vector of a word of the file; None if it is not sought, or was found before."""
        place, found = self._places.get(word), self._exact
        if place is None and not self._literally:
            place, found = self._places.get(as_in_texts(word) or ""), self._other
        if place is None or place in found:
            return None
        return lambda vector: found.__setitem__(place, vector)

    @property
    def any(self) -> bool:
        """Whether something was found."""
        return bool(self._exact or self._other)

    def found(self) -> list[tuple[int, Tensor]]:
        """Places and vectors, each place once."""
        return [(place, torch.from_numpy(vector)) for place, vector in (self._other | self._exact).items()]


def _read_lines(file: Path, sought: _Sought, size: int) -> str:
    """Look at every line of a text; return the first that is not empty."""
    first = ""
    for number, line in strict_lines(file):
        word, *rest = _GAP.split(line.strip(" \t"), 1)
        first = first or line
        if is_header(number, line):
            _check_size(int(rest[0]), size)
        elif word and rest and (take := sought.wants(word)):
            values = rest[0].split()
            if len(values) <= size or _is_number(values[0]):  # else it is a word with a space inside
                if sought.any and len(values) != size:
                    raise ValueError(f"line {number} has {len(values)} values, and those before it {size}")
                take(_numbers(values, size, number))
    return first


def _numbers(values: list[str], size: int, number: int) -> Vector:
    if wrong := [value for value in values if not _is_number(value)]:
        raise ValueError(f"line {number}: {wrong[0][:_SHOWN]!r} is no number")
    _check_size(len(values), size)
    return _finite(np.array(values, dtype=np.float32), f"line {number}")


def _is_number(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True


def _check_size(count: int, size: int) -> None:
    if count != size:
        raise _OtherSizeError(count)


def _finite(vector: Vector, where: str) -> Vector:
    if not np.isfinite(vector).all():
        raise ValueError(f"{where}: a value is NaN or infinite")
    return vector


def _read_array(file: Path, sought: _Sought, size: int) -> str:
    """Look at every word of an array; return the first."""
    array = np.load(file, mmap_mode="r", allow_pickle=False)
    names = [name for _, name in strict_lines(file.with_suffix(".txt"))]
    if array.ndim != 2 or len(array) != len(names):
        raise ValueError(f"{tuple(array.shape)} values for {len(names)} words")
    for row, name in enumerate(names):
        if take := sought.wants(name):
            _check_size(array.shape[1], size)
            take(_finite(np.array(array[row], dtype=np.float32), f"row {row}"))
    return names[0] if names else ""
