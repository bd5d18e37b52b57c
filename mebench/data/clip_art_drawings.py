"""A pool of drawings, each shown whole: all of Debian's collection of clip art; read once and kept."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mebench.api.progress import Progress, step
from mebench.data.clip_art import is_readable, shows_something, small
from mebench.data.dataset import Dataset
from mebench.data.datasets import Split, select_rows, training_only
from mebench.data.entries import Colour, DrawingsParameters
from mebench.data.fetch import require
from mebench.data.kept import kept, kept_tensor
from mebench.data.layouts import CLIP_ART_DRAWINGS
from mebench.data.pictures import as_tensor, read_picture
from mebench.data.reader import by_keywords

_NAME = CLIP_ART_DRAWINGS.name
_METHOD = 1  # part of the key: raise it when the same files give other rows


@by_keywords(DrawingsParameters)
def clip_art_drawings(split: Split, parameters: DrawingsParameters) -> Dataset:
    """Read every drawing, on white, cut to what is drawn, made square and shrunk; all have class 0.

    Equal ones are there once, and those of which nothing is left to see are not there. Rows are in the order of the
    SHA-256 of their pixels as drawn on white, which mixes the folders and which no library can change.

    Args:
        split: ``train``; there is no other.
        parameters: the folder, rows, size and colour; whether they are shown inverted, and mirrored besides.

    Raises:
        ConfigurationError: the test split, or rows that are not there.
        DataUnavailableError: the folders are nowhere, or a file cannot be read.
    """
    training_only(_NAME, split)
    found = require(CLIP_ART_DRAWINGS, parameters.root)
    files = [file for file in sorted(found.folder.rglob("*.png")) if is_readable(file)]
    size, colour = parameters.size, parameters.colour
    made = kept(_NAME, found.folder, files, [_METHOD, size, colour], lambda to: _make(files, size, colour, to))
    images = kept_tensor(made / "images.npy")
    if parameters.mirrored:
        images = _different(torch.cat([images, images.flip(3)]))
    if parameters.inverted:
        images = 255 - images
    whole = Dataset(_NAME, images, torch.zeros(len(images), dtype=torch.int64), 1, found.place)
    return select_rows(whole, parameters.rows, split)


def _make(files: Sequence[Path], size: int, colour: Colour, to: Path) -> None:
    """Write images.npy (N, C, size, size) uint8."""
    images = torch.stack([_read(row, files, size, colour) for row in range(len(files))])
    shown = images[[row for row, image in enumerate(images) if shows_something(image)]]
    np.save(to / "images.npy", _different(shown).numpy())


def _read(row: int, files: Sequence[Path], size: int, colour: Colour) -> Tensor:
    step(Progress(row, len(files), "pictures", phase=_NAME))
    return as_tensor(small(read_picture(files[row], colour), size))


def _different(images: Tensor) -> Tensor:
    """Each image once, in the order of their SHA-256."""
    rows = {hashlib.sha256(image.numpy().tobytes()).digest(): row for row, image in enumerate(images)}
    return images[[rows[digest] for digest in sorted(rows)]]
