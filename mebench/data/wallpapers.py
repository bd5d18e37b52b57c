"""A pool of natural images: crops of freely licensed wallpapers, or of a user's own pictures.

Cut once and kept in the cache. What is kept depends on the pictures and on the parameters alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.lib.format import open_memmap

from mebench.api.errors import DataUnavailableError
from mebench.api.notices import notice
from mebench.api.progress import Progress, step
from mebench.data.crops import Bytes, Light, cut_windows
from mebench.data.dataset import Dataset
from mebench.data.datasets import Split, range_of, select_rows, training_only
from mebench.data.deep_pictures import Ranges
from mebench.data.entries import CropsParameters
from mebench.data.fetch import require
from mebench.data.folders import counted, some
from mebench.data.kept import kept, kept_tensor
from mebench.data.layouts import WALLPAPERS
from mebench.data.picture_files import PictureFiles
from mebench.data.pictures import one_of_each, pictures_below, read_picture
from mebench.data.reader import by_keywords
from mebench.data.sources import GIVEN, given_folder

CROPS = 100_000
"""Number of crops that are made where the pictures give as many."""
LONGEST_SIDE = 1024
"""Pixels of the longer side to which pictures are shrunk first."""

_MARGIN = 1.6  # crops that are cut for one that is kept, since flat pictures give few
_MOST_OF_A_PICTURE = 4096
_OF_THE_PACKAGES = (
    "wallpapers/*/contents/images*/*",
    "backgrounds/mate/*/*",
    "backgrounds/*_by_*",
    *(f"backgrounds/{name}.jpg" for name in ("2004default", "firstgeneration", "rhythm", "string", "the-mouse")),
    *(f"backgrounds/{name}.png" for name in ("calla", "city", "desert", "fluent-color", "focal-ubuntukylin")),
    *(f"backgrounds/{name}.png" for name in ("goldfish", "rollpaper")),
)
_METHOD = 1  # part of the key: raise it when other crops come out


@by_keywords(CropsParameters)
def wallpaper_crops(split: Split, parameters: CropsParameters) -> Dataset:
    """Read the crops, and cut them first if nobody has; all have class 0.

    They lie in the order of their SHA-256, which mixes pictures and which no library can change.

    Args:
        split: ``train``; there is no other.
        parameters: what is cut, how, and which crops are kept. Without a folder the wallpapers of the Debian packages
            are cut; without mean and deviation crops are as they are.

    Raises:
        ConfigurationError: the test split, or rows or pictures that are not there.
        DataUnavailableError: there are no pictures, one cannot be read, or none has a textured part.
    """
    training_only("wallpaper-crops", split)
    root, pictures, size, colour = parameters.root, parameters.pictures, parameters.size, parameters.colour
    folder, place = (given_folder("wallpaper-crops", root), GIVEN) if root is not None else _packages()
    files = PictureFiles("wallpaper-crops", folder, _sources(folder, root), colour, root is None, bits=parameters.bits)
    light = Light(parameters.mean, parameters.deviation)
    about = [*files.method, size, colour, *(() if light == Light() else (parameters.mean, parameters.deviation))]
    ranges = files.ranges
    made = kept(files.name, folder, files.files, about, lambda to: _make(files, ranges, size, light, to))
    images, origins = kept_tensor(made / "images.npy"), kept_tensor(made / "pictures.npy")
    if root is not None:
        _tell(files, origins)
    if pictures is not None:
        images = images[_of_pictures(origins, pictures, len(files.files))]
        if not len(images):
            raise DataUnavailableError(f"data set 'wallpaper-crops': no crop is of the pictures {list(pictures)}")
    whole = Dataset("wallpaper-crops", images, torch.zeros(len(images), dtype=torch.int64), 1, place)
    return select_rows(whole, parameters.rows, split)


def _tell(files: PictureFiles, origins: torch.Tensor) -> None:
    """Say which of a user's pictures gave nothing, and what is not expected of how the others are read."""
    files.tell()
    used = set(origins.unique().tolist())
    if idle := [file.name for number, file in enumerate(files.files) if number not in used]:
        what = f"{len(idle)} of {len(files.files)} pictures give no crop, being flat, small or there twice"
        notice(f"{files.name}: {files.folder}: {what} ({some(idle)})")


def _packages() -> tuple[Path, str]:
    found = require(WALLPAPERS)
    return found.folder, found.place


def _sources(folder: Path, root: str | None) -> list[Path]:
    """One file of each picture, by name: of the packages only what is theirs, since others put wallpapers there too."""
    if root is not None:
        files = pictures_below(folder, "wallpaper-crops")
        different = one_of_each(files)
        if twice := len(files) - len(different):
            smaller = counted(twice, "file of a picture that is", "files of pictures that are")
            notice(f"wallpaper-crops: {folder}: left out {smaller} there in a larger size")
        return different
    return one_of_each(sorted({file for pattern in _OF_THE_PACKAGES for file in folder.glob(pattern)}))


def _cut_all(files: PictureFiles, ranges: Ranges, size: int) -> tuple[list[Bytes], list[tuple[int, int]]]:
    """Crops of each picture, and (picture, crop) of those that are kept, in their order."""
    most = min(_MOST_OF_A_PICTURE, -int(-CROPS * _MARGIN // len(files.files)))
    cut: list[Bytes] = []
    places: dict[bytes, tuple[int, int]] = {}
    for number, file in enumerate(files.files):
        step(Progress(number, len(files.files), "pictures", phase=files.name))
        random = np.random.default_rng(list(hashlib.sha256(file.read_bytes()).digest()))
        picture = read_picture(file, files.colour, LONGEST_SIDE, ranges, files.bits)
        cut.append(cut_windows(picture, size, most, random))
        for row, crop in enumerate(cut[-1]):
            places.setdefault(hashlib.sha256(crop.tobytes()).digest(), (number, row))
    return cut, [places[digest] for digest in sorted(places)[:CROPS]]


def _make(files: PictureFiles, ranges: Ranges, size: int, light: Light, to: Path) -> None:
    """Write images.npy (N, C, size, size) uint8, the crops in their order, and pictures.npy (N,), whose they are.

    The order is that of the crops as they were cut, so that a row shows the same in any light.
    """
    cut, order = _cut_all(files, ranges, size)
    if not order:
        problem = "its pictures are flat, or smaller than a crop: there is nothing to cut"
        raise DataUnavailableError(f"{files.folder}: {problem}")
    pictures, rows = np.array(order).T
    images = open_memmap(to / "images.npy", "w+", np.uint8, (len(order), *cut[0].shape[1:]))
    for number, crops in enumerate(cut):
        images[pictures == number] = light.of(crops[rows[pictures == number]])
    images.flush()
    np.save(to / "pictures.npy", pictures)


def _of_pictures(pictures: torch.Tensor, wanted: Sequence[int], count: int) -> torch.Tensor:
    """Which crops are of the pictures [start, stop)."""
    chosen = range_of(wanted, count, "wallpaper-crops", "train", "pictures", "the number of pictures")
    return (pictures >= chosen.start) & (pictures < chosen.stop)
