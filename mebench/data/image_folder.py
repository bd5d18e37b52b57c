"""A user's own images: labelled, ``ROOT/train/CLASS/*.png`` and ``ROOT/test/CLASS/*.png``, or any, to be a pool."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.lib.format import open_memmap
from PIL import Image
from torch import Tensor

from mebench.api.errors import ConfigurationError, DataUnavailableError
from mebench.api.progress import Progress, step
from mebench.data.dataset import Dataset
from mebench.data.datasets import Split, range_of, training_only
from mebench.data.entries import OwnImagesParameters
from mebench.data.kept import kept, kept_tensor
from mebench.data.pictures import MODES, as_tensor, pictures_below, read_picture
from mebench.data.sources import GIVEN
from mebench.data.torchvision_compat import import_torchvision

_ORDER_SEED = 0
_METHOD = 1  # part of the key of what is kept: raise it when the same files give other bytes


def image_folder(split: Split, parameters: OwnImagesParameters) -> Dataset:
    """Read one split, every image resized to ``size`` x ``size`` (bilinear).

    Images are put into a fixed random order, so that ``rows`` cuts through all classes.

    Raises:
        ConfigurationError: no folder given, or the splits have different classes.
        DataUnavailableError: a folder is missing or empty, or an image cannot be read.
    """
    folder = _given("image-folder", parameters.root)
    samples, classes = _list_images(folder / split)
    if split == "test" and (trained := _class_names(folder / "train")) != classes:
        raise ConfigurationError(f"{folder}: train has the classes {trained} but test has {classes}")
    chosen = _mixed("image-folder", len(samples), parameters.rows, split)
    files = [Path(samples[i][0]) for i in chosen]
    images = read_all("image-folder", folder, files, parameters.size, parameters.colour)
    labels = torch.tensor([samples[i][1] for i in chosen])
    return Dataset("image-folder", images, labels, len(classes), GIVEN)


def image_files(split: Split, parameters: OwnImagesParameters) -> Dataset:
    """Read every picture in a folder and below it, resized to ``size`` x ``size`` (bilinear); all have class 0.

    They are put into a fixed random order, so that ``rows`` cuts through all folders.

    Raises:
        ConfigurationError: no folder given, or the test split.
        DataUnavailableError: the folder is missing or holds no pictures, or one cannot be read.
    """
    folder = _given("image-files", parameters.root)
    training_only("image-files", split)
    files = pictures_below(folder)
    chosen = [files[i] for i in _mixed("image-files", len(files), parameters.rows, split)]
    images = read_all("image-files", folder, chosen, parameters.size, parameters.colour)
    return Dataset("image-files", images, torch.zeros(len(images), dtype=torch.int64), 1, GIVEN)


def _given(name: str, root: str | None) -> Path:
    if root is None:
        raise ConfigurationError(f"data set {name!r} needs the parameter `root`: the folder of your images")
    return Path(root).expanduser()


def _mixed(name: str, count: int, rows: Sequence[int] | None, split: Split) -> list[int]:
    """The rows [start, stop) of a fixed random order."""
    chosen = range_of(rows, count, name, split)
    order: list[int] = torch.randperm(count, generator=torch.Generator().manual_seed(_ORDER_SEED)).tolist()
    return order[chosen.start : chosen.stop]


def read_all(name: str, folder: Path, files: Sequence[Path], size: int, colour: str) -> Tensor:
    """Read pictures, each resized to ``size`` x ``size``: (N, C, size, size) uint8; kept in the cache.

    Args:
        name: the data set's.
        folder: holds the files.
        files: at least one.
        size: height and width.
        colour: ``rgb`` or ``grey``.

    Raises:
        DataUnavailableError: one cannot be read.
    """

    def make(to: Path) -> None:
        images = open_memmap(to / "images.npy", "w+", np.uint8, (len(files), len(MODES[colour]), size, size))
        for row, file in enumerate(files):
            step(Progress(row, len(files), "pictures", phase=name))
            images[row] = as_tensor(read_picture(file, colour).resize((size, size), Image.Resampling.BILINEAR))
        images.flush()

    return kept_tensor(kept(name, folder, files, [_METHOD, size, colour], make) / "images.npy")


def _list_images(folder: Path) -> tuple[list[tuple[str, int]], list[str]]:
    if not folder.is_dir():
        raise DataUnavailableError(f"{folder}: no such folder; it must hold one folder of images per class")
    try:
        listing = import_torchvision().datasets.ImageFolder(str(folder))
    except FileNotFoundError as error:
        raise DataUnavailableError(f"{folder}: {' '.join(str(error).split())}") from None
    return listing.samples, listing.classes


def _class_names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
