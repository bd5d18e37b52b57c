"""Picture files of any kind, size and mode, read one way."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from mebench.api.errors import DataUnavailableError, MebenchError
from mebench.data.deep_pictures import (
    RANGELESS,
    Ranges,
    Values,
    check_bits,
    eight_bits,
    highest_of,
    ranges_of,
    values_of,
    white_of,
)
from mebench.data.folders import PICTURES, LeftOut, files_below, no_such_folder

MODES = {"rgb": "RGB", "grey": "L"}
"""Pillow's mode of each colour, a letter for each channel."""

_SIZE_IN_NAME = re.compile(r"_?\d{3,}x\d{3,}$")  # of a screen; fewer digits number the tiles of a picture
_TIFF = (".tif", ".tiff")
_OF_PAGES = ("GIF", "PNG", "WEBP", "TIFF")  # formats with several pictures in a file, of which each could be meant


@dataclass(frozen=True)
class Look:
    """What a file says of its picture before that is read.

    Attributes:
        width, height: in pixels, as they are stored.
        frames: pictures in the file.
        values: what its values are.
    """

    width: int
    height: int
    frames: int
    values: Values


def pictures_below(folder: Path, name: str) -> list[Path]:
    """Every picture file in a folder and in the folders below it, by name; hidden ones are left out, links followed.

    Args:
        folder: where to look.
        name: of the data set, to tell what is left out.

    Raises:
        DataUnavailableError: there is no such folder, or no picture in it, or a link leads nowhere.
    """
    if not folder.is_dir():
        raise no_such_folder(folder)
    left_out = LeftOut()
    files = files_below(folder, PICTURES, left_out)
    if not files:
        kinds, found = ", ".join(sorted(PICTURES)), left_out.words("pictures")
        there = f"; found {found}" if found else ""
        raise DataUnavailableError(
            f"{folder}: holds no pictures, nor do the folders below it (looked for {kinds}){there}"
        )
    left_out.tell(name, folder, "pictures")
    return sorted(files, key=lambda file: file.relative_to(folder).as_posix())


def one_of_each(files: Iterable[Path]) -> list[Path]:
    """Leave one of pictures that lie in one folder at many sizes (``sea_800x600.jpg``, ``sea_1280x1024.jpg``).

    Returns:
        the one with the most pixels of each, in the order of the first.

    Raises:
        DataUnavailableError: one cannot be read.
    """
    groups: dict[tuple[Path, str], list[Path]] = {}
    for file in files:
        groups.setdefault((file.parent, _SIZE_IN_NAME.sub("", file.stem)), []).append(file)
    return [same[0] if len(same) == 1 else max(same, key=_pixels) for same in groups.values()]


def _pixels(file: Path) -> tuple[int, str]:
    with opened(file) as image:
        return image.width * image.height, file.name


@contextmanager
def opened(file: Path) -> Iterator[Image.Image]:
    """A picture file, opened; whatever a damaged one raises, here or in the block, becomes the one error for it.

    Raises:
        DataUnavailableError: it cannot be read.
    """
    try:
        with Image.open(file) as image:
            yield image
    except MebenchError:
        raise
    except Exception as error:
        raise DataUnavailableError(f"{file}: cannot be read as an image ({_reason(file, error)})") from None


def _reason(file: Path, error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        kind = (
            "TIFF of a kind that Pillow reads: save it as 8 bits" if file.suffix in _TIFF else "kind that Pillow reads"
        )
        return f"it is no {kind}" if file.stat().st_size else "it is empty"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return " ".join(str(error).split()) or type(error).__name__


def look_at(file: Path) -> Look:
    """What a file says of its picture, which is not read yet.

    Raises:
        DataUnavailableError: it is no picture.
    """
    with opened(file) as image:
        frames = getattr(image, "n_frames", 1) if image.format in _OF_PAGES else 1
        return Look(image.width, image.height, frames, values_of(image))


def ranges_in(files: Iterable[Path]) -> Ranges:
    """What stands for white in pictures, read together, whose files do not say.

    Raises:
        DataUnavailableError: one cannot be read, or they have no range in common.
    """
    return ranges_of(_read_whole(files))


def highest_in(files: Iterable[Path]) -> int | None:
    """The highest value of pictures of 16 bits or of whole numbers; None as soon as one is not dark.

    Raises:
        DataUnavailableError: one cannot be read.
    """
    return highest_of(_read_whole(files))


def _read_whole(files: Iterable[Path]) -> Iterator[tuple[Path, Image.Image]]:
    for file in files:
        with opened(file) as image:
            image.load()
            yield file, image


def read_picture(
    file: Path, colour: str, longest: int | None = None, ranges: Ranges | None = None, bits: int | None = None
) -> Image.Image:
    """Read the (first) image of a file as it is looked at.

    It is turned as its camera says, transparent parts lie on white, and more than 8 bits become 8.

    Args:
        file: of any format that Pillow reads.
        colour: ``rgb`` or ``grey``.
        longest: longer side in pixels to which larger pictures are shrunk.
        ranges: what stands for white where the file does not say; read off this picture alone if it is left out.
        bits: how many bits of deep whole numbers are used, where a user says so.

    Raises:
        DataUnavailableError: it cannot be read, or holds what so many bits cannot hold.
    """
    with opened(file) as image:
        if bits is not None:
            check_bits(file, image, bits)
        if longest is not None:
            image.draft(None, (longest, longest))  # a JPEG file is decoded no larger than is needed
        image.load()
        if ranges is None:
            ranges = ranges_of([(file, image)]) if values_of(image) in RANGELESS else {}
        plain = _plain(image, MODES[colour], ranges)
    if longest is not None:
        plain.thumbnail((longest, longest), Image.Resampling.BOX, reducing_gap=None)
    return plain


def _plain(image: Image.Image, mode: str, ranges: Ranges) -> Image.Image:
    turned = ImageOps.exif_transpose(image)
    if values_of(image) != "bytes":
        turned = eight_bits(turned, white_of(image, ranges))
    if turned.has_transparency_data:
        ground = Image.new("RGBA", turned.size, "white")
        turned = Image.alpha_composite(ground, turned.convert("RGBA"))
    return turned.convert(mode)


def as_tensor(image: Image.Image) -> Tensor:
    """An image in mode RGB or L as (C, H, W) uint8."""
    values = torch.from_numpy(np.array(image))
    return values.unsqueeze(0) if values.ndim == 2 else values.permute(2, 0, 1).contiguous()
