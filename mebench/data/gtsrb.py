"""GTSRB, German traffic signs (Stallkamp and others 2012), from the files as they are published."""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path

import torch

from mebench.api.errors import DataUnavailableError
from mebench.data.dataset import Dataset
from mebench.data.datasets import Split, select_rows
from mebench.data.entries import FilesParameters
from mebench.data.fetch import require
from mebench.data.labelled import Size
from mebench.data.layouts import GTSRB, GTSRB_LABELS, GTSRB_TRAINING
from mebench.data.picture_files import PictureFiles
from mebench.data.reader import by_keywords
from mebench.data.sources import Found

SIZE = (32, 32)
CLASSES = 43


@by_keywords(FilesParameters)
def gtsrb(split: Split, parameters: FilesParameters, image_size: Size | None = None) -> Dataset:
    """Read one split, every image resized whole and once to 3x32x32, or to ``image_size`` (bilinear).

    The training images, which lie by class and by track of 30 frames of one sign, are put into a fixed order that mixes
    them: frames of one sign are then on both sides of a cut by ``rows``. The test images keep their published order.

    Raises:
        DataUnavailableError: the files are nowhere, not as published, or cannot be read.
    """
    found = require(GTSRB, parameters.root)
    samples = _training(found) if split == "train" else _test(found)
    pictures = PictureFiles("gtsrb", found.folder, [file for file, _ in samples], published=True)
    images = pictures.at(pictures.size_for(SIZE, image_size))
    labels = torch.tensor([label for _, label in samples])
    return select_rows(Dataset("gtsrb", images, labels, CLASSES, found.place, pictures), parameters.rows, split)


def _training(found: Found) -> list[tuple[Path, int]]:
    """The images of all classes, in the order of the SHA-256 of their names; of two training sets the whole one."""
    folder = next(found.folder / name for name in GTSRB_TRAINING if found.has(name))
    samples = [sample for label in range(CLASSES) for sample in _of_class(folder / f"{label:05}", label)]
    return sorted(samples, key=lambda one: hashlib.sha256(f"{one[0].parent.name}/{one[0].name}".encode()).digest())


def _of_class(folder: Path, label: int) -> list[tuple[Path, int]]:
    """What the table of a class names or, where it was not kept, every image of its folder."""
    table = folder / f"GT-{label:05}.csv"
    if table.exists():
        return _named_in(table, folder)
    if files := sorted(folder.glob("*.ppm")):
        return [(file, label) for file in files]
    raise DataUnavailableError(f"{folder.parent}: not as published: no images {folder.name}/*.ppm of class {label}")


def _test(found: Found) -> list[tuple[Path, int]]:
    """Every image that the file of labels names."""
    table = next(found.file(name) for name in GTSRB_LABELS if found.has(name))
    return _named_in(table, found.folder / "Final_Test" / "Images")


def _named_in(table: Path, images: Path) -> list[tuple[Path, int]]:
    """Every image that a table names, with its class; all of them are there."""
    try:
        with table.open(newline="", encoding="utf-8-sig") as lines:
            rows = list(csv.DictReader(lines, delimiter=";"))
        samples = [(images / Path(row["Filename"]).name, int(row["ClassId"])) for row in rows]
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        problem = f"no table with Filename;...;ClassId ({type(error).__name__}: {error})"
        raise DataUnavailableError(f"{table}: not as published: {problem}") from None
    if missing := [file.name for file, _ in samples if not file.is_file()]:
        raise DataUnavailableError(f"{images}: lacks {len(missing)} images of {table.name}, the first is {missing[0]}")
    return samples
