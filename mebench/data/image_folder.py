"""A user's own images: labelled, ``ROOT/train/CLASS/*.png`` and ``ROOT/test/CLASS/*.png``, or any, to be a pool."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from mebench.api.errors import ConfigurationError, DataUnavailableError
from mebench.data.dataset import Dataset
from mebench.data.datasets import Split, range_of, training_only
from mebench.data.entries import OwnImagesParameters
from mebench.data.folders import LeftOut, files_below, no_such_folder, shown
from mebench.data.labelled import Size
from mebench.data.picture_files import PictureFiles
from mebench.data.pictures import SUFFIXES, pictures_below
from mebench.data.reader import by_keywords
from mebench.data.sources import GIVEN

_ORDER_SEED = 0
_SHOWN = 10  # classes named in an error


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
    classes = _classes(folder / "train", LeftOut() if split == "test" else left_out)
    places = _matched(folder, classes, _classes(folder / "test", left_out)) if split == "test" else classes
    samples = [(file, label) for label, name in enumerate(classes) for file in _files_of(places[name], left_out)]
    left_out.tell("image-folder", folder / split, "pictures")
    chosen = [samples[i] for i in _mixed("image-folder", len(samples), parameters.rows, split)]
    pictures = PictureFiles(
        "image-folder", folder, [file for file, _ in chosen], parameters.colour, among=[file for file, _ in samples]
    )
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
    pictures = PictureFiles("image-files", folder, chosen, parameters.colour, among=files)
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
    return Path(root).expanduser()


def _mixed(name: str, count: int, rows: Sequence[int] | None, split: Split) -> list[int]:
    """The rows [start, stop) of a fixed random order."""
    chosen = range_of(rows, count, name, split)
    order: list[int] = torch.randperm(count, generator=torch.Generator().manual_seed(_ORDER_SEED)).tolist()
    return order[chosen.start : chosen.stop]


def _classes(folder: Path, left_out: LeftOut) -> dict[str, Path]:
    """The folders of the classes by name, accents composed, in the order of the names as they are."""
    if not folder.is_dir():
        raise no_such_folder(folder, "it must hold one folder of images per class")
    classes: dict[str, Path] = {}
    for entry in shown(folder, SUFFIXES, left_out):
        name = unicodedata.normalize("NFC", entry.name)
        if not entry.is_dir():
            left_out.loose.append(entry.name)
        elif name in classes:
            raise ConfigurationError(
                f"{folder}: has two folders {name!r}, one with its accents composed and one without: make one of them"
            )
        else:
            classes[name] = folder / entry.name
    if not classes:
        found = left_out.words("pictures")
        there = f"; found {found}" if found else ""
        raise DataUnavailableError(f"{folder}: holds no folders; it must hold one folder of images per class{there}")
    return classes


def _matched(folder: Path, train: Mapping[str, Path], test: Mapping[str, Path]) -> Mapping[str, Path]:
    """The folders of the test split, which has the same classes."""
    if train.keys() == test.keys():
        return test
    only = [
        f"only {split} has {_named(sorted(one.keys() - other.keys()))}"
        for split, one, other in (("train", train, test), ("test", test, train))
        if one.keys() - other.keys()
    ]
    raise ConfigurationError(
        f"{folder}: train has the classes {_named([*train])} but test has {_named([*test])}: {' and '.join(only)}"
    )


def _named(classes: list[str]) -> str:
    return str(classes) if len(classes) <= _SHOWN else f"{str(classes[:_SHOWN])[:-1]}, ...] ({len(classes)})"


def _files_of(folder: Path, left_out: LeftOut) -> list[Path]:
    """Every picture of a class, by folder and name."""
    others = LeftOut()
    files = files_below(folder, SUFFIXES, others, above=[folder.parent, folder.parent.parent])
    if not files:
        found = others.words("pictures")
        there = f"; found {found}" if found else ""
        raise DataUnavailableError(
            f"{folder}: holds no pictures of its class (looked for {', '.join(sorted(SUFFIXES))}){there}"
        )
    left_out.add(others)
    return sorted(files, key=lambda file: (str(file.parent), file.name))
