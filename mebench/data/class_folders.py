"""The folders of one's own images by class. Imports no torch."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from pathlib import Path

from mebench.api.errors import ConfigurationError, DataUnavailableError
from mebench.data.folders import PICTURES, LeftOut, no_such_folder, shown

_SHOWN = 10  # classes named in an error


def class_folders(folder: Path, left_out: LeftOut) -> dict[str, Path]:
    """The folders of the classes by name, accents composed, in the order of the names as they are.

    Args:
        folder: holds a folder for each class.
        left_out: is told what is not taken.

    Raises:
        ConfigurationError: two folders are of one name.
        DataUnavailableError: the folder is missing or holds no folders.
    """
    if not folder.is_dir():
        raise no_such_folder(folder, "it must hold one folder of images per class")
    classes: dict[str, Path] = {}
    for entry in shown(folder, PICTURES, left_out):
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


def matched(folder: Path, train: Mapping[str, Path], test: Mapping[str, Path]) -> Mapping[str, Path]:
    """The folders of the test split, which has the same classes.

    Raises:
        ConfigurationError: it has not.
    """
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
