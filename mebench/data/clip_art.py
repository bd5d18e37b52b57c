"""Coloured drawings of eight kinds, out of the folders of Debian's collection of clip art; read once and kept."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageChops, ImageOps
from torch import Tensor

from mebench.api.errors import DataUnavailableError
from mebench.api.progress import Progress, step
from mebench.data import drawings
from mebench.data.dataset import Dataset
from mebench.data.datasets import Split, select_rows
from mebench.data.entries import FilesParameters
from mebench.data.fetch import require
from mebench.data.kept import kept, kept_tensor
from mebench.data.layouts import CLIP_ART, CLIP_ART_FOLDERS
from mebench.data.pictures import as_tensor, read_picture
from mebench.data.reader import by_keywords

SIDE = 32
MOST_OF_A_CLASS = 400
TEST_SHARE = 0.2

_MOST_PIXELS = 16_000_000  # of a file; a few have up to 600 million, of which Pillow warns or which it refuses
_FLAT = 12  # largest standard deviation, over the pixels of a channel, of a drawing of which nothing is left to see
_METHOD = 1  # part of the key: raise it when the same files give other rows


@by_keywords(FilesParameters)
def clip_art(split: Split, parameters: FilesParameters) -> Dataset:
    """Read one split: every drawing on white, cut to what is drawn, made square, and shrunk to 3x32x32.

    Equal ones are there once, and what belongs together is on one side (`mebench.data.drawings`). Rows are in the
    order of the SHA-256 of their pixels, which mixes the classes.

    Raises:
        DataUnavailableError: the folders are nowhere, one of them is empty, or a file cannot be read.
    """
    found = require(CLIP_ART, parameters.root)
    samples = list(_files(found.folder))
    files = [file for file, _ in samples]
    labels = [label for _, label in samples]
    made = kept(CLIP_ART.name, found.folder, files, _METHOD, lambda to: _make(found.folder, files, labels, to))
    images, of_class = (kept_tensor(made / f"{split}-{what}.npy") for what in ("images", "labels"))
    whole = Dataset(CLIP_ART.name, images, of_class, len(CLIP_ART_FOLDERS), found.place)
    return select_rows(whole, parameters.rows, split)


def _files(folder: Path) -> Iterator[tuple[Path, int]]:
    """Every PNG file of the classes' folders with its class: that of the innermost of these folders."""
    inner = {folder / name: label for label, names in enumerate(CLIP_ART_FOLDERS.values()) for name in names}
    for place, label in inner.items():
        below = sorted(place.rglob("*.png"))
        if not below:
            raise DataUnavailableError(f"{place}: not as published: holds no *.png, nor do the folders below it")
        for file in below:
            if next(parent for parent in file.parents if parent in inner) == place and is_readable(file):
                yield file, label


def is_readable(file: Path) -> bool:
    """Whether a PNG file is not too large: its head has its size, and Pillow refuses to look at the largest at all."""
    with file.open("rb") as opened:
        head = opened.read(24)
    return int.from_bytes(head[16:20]) * int.from_bytes(head[20:24]) <= _MOST_PIXELS


def small(picture: Image.Image, side: int) -> Image.Image:
    """What is drawn, in the middle of a white square, each of its pixels the mean of those that it covers.

    Args:
        picture: in mode RGB or L.
        side: height and width of the square.
    """
    drawn = ImageChops.difference(picture, Image.new(picture.mode, picture.size, "white")).getbbox()
    return ImageOps.pad(picture.crop(drawn), (side, side), Image.Resampling.BOX, color="white")


def shows_something(image: Tensor) -> bool:
    """Whether anything is left to see of a drawing (C, H, W) uint8: in some channel its pixels differ."""
    return bool(image.double().std((1, 2), correction=0).max() > _FLAT)


def _make(folder: Path, files: Sequence[Path], labels: Sequence[int], to: Path) -> None:
    """Write images (N, 3, 32, 32) uint8 and labels (N,) of both splits."""
    read = torch.stack([_progressing(row, files) for row in range(len(files))])
    rows = _different(files, labels, read)
    names = [files[row].relative_to(folder).as_posix() for row in rows]
    images, of_class = read[rows], [labels[row] for row in rows]
    families = drawings.families([files[row].stem for row in rows], images)
    train, test = drawings.split(families, names, of_class, MOST_OF_A_CLASS, TEST_SHARE)
    for part, chosen in (("train", train), ("test", test)):
        mixed = sorted(chosen, key=lambda row: hashlib.sha256(images[row].numpy().tobytes()).digest())
        np.save(to / f"{part}-images.npy", images[mixed].numpy())
        np.save(to / f"{part}-labels.npy", np.array([of_class[row] for row in mixed], dtype=np.int64))


def _progressing(row: int, files: Sequence[Path]) -> Tensor:
    step(Progress(row, len(files), "pictures", phase=CLIP_ART.name))
    return as_tensor(small(read_picture(files[row], "rgb"), SIDE))


def _different(files: Sequence[Path], labels: Sequence[int], images: Tensor) -> list[int]:
    """One row of each picture that shows something, without those that lie in several classes.

    A copy that lies in a folder above another copy's says nothing of its class: road signs also lie beside vehicles.
    """
    copies: dict[bytes, list[int]] = {}
    for row, image in enumerate(images):
        if shows_something(image):
            copies.setdefault(image.numpy().tobytes(), []).append(row)
    kept_rows = []
    for rows in copies.values():
        folders = {files[row].parent for row in rows}
        innermost = [row for row in rows if not any(files[row].parent in other.parents for other in folders)]
        if len({labels[row] for row in innermost}) == 1:
            kept_rows.append(innermost[0])
    return kept_rows
