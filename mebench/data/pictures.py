"""Picture files of any kind, size and mode, read one way."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from torch import Tensor

from mebench.api.errors import DataUnavailableError

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".ppm", ".pgm", ".tif", ".tiff"})
_SIZE_IN_NAME = re.compile(r"_?\d{3,}x\d{3,}$")  # of a screen; fewer digits number the tiles of a picture
_SIXTEEN_BITS = ("I;16", "I;16L", "I;16B", "I;16N", "I")
_UNREADABLE = (OSError, ValueError, SyntaxError, Image.DecompressionBombError)
MODES = {"rgb": "RGB", "grey": "L"}
"""Pillow's mode of each colour, a letter for each channel."""


def pictures_below(folder: Path) -> list[Path]:
    """Every picture file in a folder and in the folders below it, by name; hidden ones are left out.

    Raises:
        DataUnavailableError: there is no such folder, or no picture in it.
    """
    if not folder.is_dir():
        raise DataUnavailableError(f"{folder}: no such folder")
    files = (file for file in folder.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file())
    shown = [file for file in files if not any(part.startswith(".") for part in file.relative_to(folder).parts)]
    if not shown:
        kinds = ", ".join(sorted(SUFFIXES))
        raise DataUnavailableError(f"{folder}: holds no pictures, nor do the folders below it (looked for {kinds})")
    return sorted(shown, key=lambda file: file.relative_to(folder).as_posix())


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
    try:
        with Image.open(file) as image:
            return image.width * image.height, file.name
    except _UNREADABLE as error:
        raise unreadable(file, error) from None


def read_picture(file: Path, colour: str, longest: int | None = None) -> Image.Image:
    """Read the (first) image of a file as it is looked at.

    It is turned as its camera says, transparent parts lie on white, and 16 bits become 8.

    Args:
        file: of any format that Pillow reads.
        colour: ``rgb`` or ``grey``.
        longest: longer side in pixels to which larger pictures are shrunk.

    Raises:
        DataUnavailableError: it cannot be read.
    """
    try:
        with Image.open(file) as image:
            if longest is not None:
                image.draft(None, (longest, longest))  # a JPEG file is decoded no larger than is needed
            image.load()
            plain = _plain(image, MODES[colour])
    except _UNREADABLE as error:
        raise unreadable(file, error) from None
    if longest is not None:
        plain.thumbnail((longest, longest), Image.Resampling.BOX, reducing_gap=None)
    return plain


def _plain(image: Image.Image, mode: str) -> Image.Image:
    turned = ImageOps.exif_transpose(image)
    if turned.mode in _SIXTEEN_BITS:
        turned = Image.fromarray((np.asarray(turned).clip(0, 65535) / 257).round().astype(np.uint8))
    if turned.has_transparency_data:
        ground = Image.new("RGBA", turned.size, "white")
        turned = Image.alpha_composite(ground, turned.convert("RGBA"))
    return turned.convert(mode)


def as_tensor(image: Image.Image) -> Tensor:
    """An image in mode RGB or L as (C, H, W) uint8."""
    values = torch.from_numpy(np.array(image))
    return values.unsqueeze(0) if values.ndim == 2 else values.permute(2, 0, 1).contiguous()


def unreadable(file: Path, error: Exception) -> DataUnavailableError:
    """The one error for a file that is no picture or a damaged one."""
    return DataUnavailableError(f"{file}: cannot be read as an image ({error})")
