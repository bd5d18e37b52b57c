"""A user's own labelled images: ``ROOT/train/CLASS/*.png`` and ``ROOT/test/CLASS/*.png``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mebench.data.dataset import Dataset
from mebench.data.datasets import Split, select_rows
from mebench.data.sources import GIVEN
from mebench.data.torchvision_compat import import_torchvision
from mebench.errors import ConfigurationError, DataUnavailableError

_ORDER_SEED = 0


def image_folder(
    split: Split,
    root: str | None = None,
    rows: Sequence[int] | None = None,
    size: int = 32,
    colour: str = "rgb",
) -> Dataset:
    """Read one split, every image resized to ``size`` x ``size`` (bilinear).

    Images are put into a fixed random order, so that ``rows`` cuts through all classes.

    Raises:
        ConfigurationError: no folder given, or the splits have different classes.
        DataUnavailableError: a folder is missing or empty, or an image cannot be read.
    """
    if root is None:
        raise ConfigurationError("data set 'image-folder' needs the parameter `root`: the folder of your images")
    folder = Path(root).expanduser()
    samples, classes = _list_images(folder / split)
    if split == "test" and (trained := _class_names(folder / "train")) != classes:
        raise ConfigurationError(f"{folder}: train has the classes {trained} but test has {classes}")
    order = torch.randperm(len(samples), generator=torch.Generator().manual_seed(_ORDER_SEED)).tolist()
    mode = "RGB" if colour == "rgb" else "L"
    images = torch.stack([_read_image(Path(samples[i][0]), size, mode) for i in order])
    labels = torch.tensor([samples[i][1] for i in order])
    dataset = Dataset("image-folder", images, labels, len(classes), GIVEN)
    return select_rows(dataset, rows, split)


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


def _read_image(path: Path, size: int, mode: str) -> Tensor:
    """Return one image as (C, size, size) uint8."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            resized = image.convert(mode).resize((size, size), Image.Resampling.BILINEAR)
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise DataUnavailableError(f"{path}: cannot be read as an image ({error})") from None
    values = torch.from_numpy(np.array(resized))
    return values.unsqueeze(0) if values.ndim == 2 else values.permute(2, 0, 1).contiguous()
