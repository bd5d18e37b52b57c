"""Word vectors: published ones by name, or from files in GloVe's text form or as a NumPy array with its words."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mebench.api.errors import ConfigurationError, DataUnavailableError
from mebench.api.suggestions import did_you_mean
from mebench.data.text.glove import glove_file
from mebench.data.text.layouts import GLOVE

PUBLISHED = {GLOVE.name: glove_file}
"""What fetches word vectors that have a name."""


def vectors_of(words: Sequence[str], path: str, size: int) -> list[tuple[int, Tensor]]:
    """Read the vectors of those words that a file has.

    Args:
        words: in lower case.
        path: ``glove-6b-100d``; ``NAME.npy`` (N, size) with ``NAME.txt`` beside it, a word per line; else text, plain
            or ``.gz``, with a word and its numbers in each line.
        size: values in one vector.

    Returns:
        places in ``words`` and vectors (size,) float32; of a word that the file has twice the first counts.

    Raises:
        ConfigurationError: the vectors have another size.
        DataUnavailableError: the file cannot be read, or what is published cannot be fetched.
    """
    file = PUBLISHED[path]() if path in PUBLISHED else Path(path).expanduser()
    places = {word: place for place, word in enumerate(words)}
    found: list[tuple[int, Tensor]] = []
    try:
        for word, vector in _of_array(file, places) if file.suffix == ".npy" else _of_lines(file, places):
            if len(vector) != size:
                raise ConfigurationError(f"word vectors {path}: have {len(vector)} values, not {size}: set `size`")
            found.append((places.pop(word), torch.from_numpy(vector)))
    except FileNotFoundError as error:
        near = did_you_mean(path, PUBLISHED)
        raise DataUnavailableError(f"word vectors {path}: no such file: {error.filename}{near}") from None
    except (OSError, EOFError, ValueError) as error:
        raise DataUnavailableError(f"word vectors {path}: cannot be read ({error})") from None
    return found


def _of_lines(file: Path, wanted: dict[str, int]) -> Iterator[tuple[str, np.ndarray]]:
    with gzip.open(file, "rt", encoding="utf-8") if file.suffix == ".gz" else file.open(encoding="utf-8") as lines:
        for line in lines:
            word, _, numbers = line.partition(" ")
            if word in wanted:
                yield word, np.array(numbers.split(), dtype=np.float32)


def _of_array(file: Path, wanted: dict[str, int]) -> Iterator[tuple[str, np.ndarray]]:
    array = np.load(file, mmap_mode="r", allow_pickle=False)
    names = file.with_suffix(".txt").read_text(encoding="utf-8").splitlines()
    if array.ndim != 2 or len(array) != len(names):
        raise ValueError(f"{tuple(array.shape)} values for {len(names)} words")
    for row, name in enumerate(names):
        if name in wanted:
            yield name, np.array(array[row], dtype=np.float32)
