"""A user's own images: labelled, ``ROOT/train/CLASS/*.png`` and ``ROOT/test/CLASS/*.png``, or any, to be a pool."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch

from mebench.api.errors import ConfigurationError, DataUnavailableError
from mebench.data.class_folders import class_folders, matched
from mebench.data.dataset import Dataset
from mebench.data.datasets import Split, range_of, training_only
from mebench.data.entries import OwnImagesParameters
from mebench.data.folders import PICTURES, LeftOut, files_below, no_such_folder
from mebench.data.labelled import Size
from mebench.data.picture_files import PictureFiles
from mebench.data.pictures import pictures_below
from mebench.data.reader import by_keywords
from mebench.data.sources import GIVEN, given_folder

_ORDER_SEED = 0


@by_keywords(OwnImagesParameters)
def image_folder(split: Split, parameters: OwnImagesParameters, image_size: Size | None = None) -> Dataset:
    """Read one split, every image resized once, to ``size`` x ``size`` or to ``image_size`` (bilinear).

    Images are put into a fixed random order, so that ``rows`` cuts through all classes. Folders that differ only in
    how an accent is written are one class.

    Args:
        split: ``train`` or ``test``.
        parameters: the folder that holds the splits, rows, size and colour.
        image_size: height and width of what a classifier takes, in place of ``size``.

    Raises:
        ConfigurationError: no folder given, or the splits have different classes.
        DataUnavailableError: a folder is missing or empty, or an image cannot be read.
    """
    folder, left_out = _given("image-folder", parameters.root), LeftOut()
    if not folder.is_dir():
        raise no_such_folder(folder, "it must hold the folders train and test")
    classes = class_folders(folder / "train", LeftOut() if split == "test" else left_out)
    places = matched(folder, classes, class_folders(folder / "test", left_out)) if split == "test" else classes
    samples = [(file, label) for label, name in enumerate(classes) for file in _files_of(places[name], left_out)]
    left_out.tell("image-folder", folder / split, "pictures")
    chosen = [samples[i] for i in _mixed("image-folder", len(samples), parameters.rows, split)]
    files, among = [file for file, _ in chosen], [file for file, _ in samples]
    pictures = PictureFiles("image-folder", folder, files, parameters.colour, among=among, bits=parameters.bits)
    labels = torch.tensor([label for _, label in chosen])
    return _read(pictures, labels, len(classes), parameters.size, image_size)


@by_keywords(OwnImagesParameters)
def image_files(split: Split, parameters: OwnImagesParameters, image_size: Size | None = None) -> Dataset:
    """Read every picture in a folder and below it; all have class 0. The parameters are those of `image_folder`.

    They are put into a fixed random order, so that ``rows`` cuts through all folders.

    Raises:
        ConfigurationError: no folder given, or the test split.
        DataUnavailableError: the folder is missing or holds no pictures, or one cannot be read.
    """
    folder = _given("image-files", parameters.root)
    training_only("image-files", split)
    files = pictures_below(folder, "image-files")
    chosen = [files[i] for i in _mixed("image-files", len(files), parameters.rows, split)]
    pictures = PictureFiles("image-files", folder, chosen, parameters.colour, among=files, bits=parameters.bits)
    return _read(pictures, torch.zeros(len(chosen), dtype=torch.int64), 1, parameters.size, image_size)


def _read(
    pictures: PictureFiles, labels: torch.Tensor, num_classes: int, side: int, image_size: Size | None
) -> Dataset:
    images = pictures.at(pictures.size_for((side, side), image_size))
    pictures.tell()
    return Dataset(pictures.name, images, labels, num_classes, GIVEN, pictures)


def _given(name: str, root: str | None) -> Path:
    if root is None:
        raise ConfigurationError(f"data set {name!r} needs the parameter `root`: the folder of your images")
    return given_folder(name, root)


def _mixed(name: str, count: int, rows: Sequence[int] | None, split: Split) -> list[int]:
    """The rows [start, stop) of a fixed random order."""
    chosen = range_of(rows, count, name, split)
    order: list[int] = torch.randperm(count, generator=torch.Generator().manual_seed(_ORDER_SEED)).tolist()
    return order[chosen.start : chosen.stop]


def _files_of(folder: Path, left_out: LeftOut) -> list[Path]:
    """Every picture of a class, by folder and name."""
    others = LeftOut()
    files = files_below(folder, PICTURES, others, above=[folder.parent, folder.parent.parent])
    if not files:
        found = others.words("pictures")
        there = f"; found {found}" if found else ""
        raise DataUnavailableError(
            f"{folder}: holds no pictures of its class (looked for {', '.join(sorted(PICTURES))}){there}"
        )
    left_out.add(others)
    return sorted(files, key=lambda file: (str(file.parent), file.name))
