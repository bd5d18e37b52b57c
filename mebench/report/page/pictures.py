"""Pictures of trials as data URIs: sample grids and explanation pictures, within a number of bytes."""

from __future__ import annotations

import base64
import fnmatch
import io
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mebench.api.files import open_regular
from mebench.api.plurals import counted
from mebench.api.printable import printable
from mebench.report.page.source import PageRow, PageSource

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_FILE = 20_000_000
MAX_PIXELS = 40_000_000
SIDES = (None, 400, 280, 200, 140)
"""Longest sides that are tried, until all pictures fit; None leaves the picture as it is."""
QUALITY = 70
SMALLEST = 2000
"""Bytes that no picture of a useful size is below: with more of them, only the smallest size is tried."""


@dataclass(frozen=True)
class Found:
    """A picture file that belongs to a row, or to the whole benchmark."""

    path: Path
    caption: str
    entry: PageRow | None
    samples: bool


@dataclass(frozen=True)
class Picture:
    """A picture on the page.

    Attributes:
        uri: ``data:image/...``.
        width, height: pixels of the stored picture.
        pixelated: whether it is stored at one pixel per input pixel, and must be enlarged without smoothing.
    """

    uri: str
    width: int
    height: int
    caption: str
    row: int | None
    samples: bool
    pixelated: bool


def find_pictures(source: PageSource) -> list[Found]:
    """The explanation pictures of folders, then for each row those of its first seed that has some."""
    found = [
        Found(path, printable(f"{root.name}: {path.stem}"), None, False)
        for root in source.files
        for path in sorted(root.glob("explanations*.png"))
    ]
    for entry in source.entries:
        found += _of_row(entry)
    return found


def _of_row(entry: PageRow) -> list[Found]:
    found: list[Found] = []
    names = [(trial, _png_names(trial.path)) for trial in entry.trials if trial.path]
    for pattern, samples in (("samples.png", True), ("explanations*.png", False)):
        for trial, there in names:
            files = [trial.path / name for name in fnmatch.filter(there, pattern)] if trial.path and there else []
            if files:
                words = f"{entry.label} on {entry.row.victim}, seed {trial.spec.seed}"
                found += [
                    Found(path, words if samples else f"{words}: {printable(path.stem)}", entry, samples)
                    for path in files
                ]
                break
    return found


def _png_names(folder: Path) -> list[str]:
    """The pictures in a trial's folder, sorted: one look for all patterns, as there are thousands of folders."""
    try:
        return sorted(name for name in os.listdir(folder) if name.endswith(".png"))  # noqa: PTH208 (ten times as fast)
    except OSError:
        return []


def embed(found: Sequence[Found], budget: int) -> tuple[list[Picture], list[str]]:
    """Encode pictures as large as fits into ``budget`` bytes, and say which are smaller or missing.

    All are made smaller before one is left out; those of the first rows of the page stay.
    """
    for side in SIDES:
        if side != SIDES[-1] and len(found) * SMALLEST > budget:
            continue
        pictures, notes, fits = _embed(found, budget, side)
        if fits:
            break
    if fits and side:
        notes.append(f"pictures are at most {side} pixels wide, to keep the page small")
    if not fits:
        left_out = len(found) - len(pictures) - len(notes)
        notes.append(f"{left_out} of {counted(len(found), 'picture')} left out, to keep the page small")
    return pictures, notes


def _embed(found: Sequence[Found], budget: int, side: int | None) -> tuple[list[Picture], list[str], bool]:
    """Encode pictures until they do not fit any more; also return what is wrong with some, and whether all fit."""
    pictures: list[Picture] = []
    notes: list[str] = []
    spent = 0
    for one in found:
        picture = _encode(one, side)
        if isinstance(picture, str):
            notes.append(picture)
            continue
        spent += len(picture.uri)
        if spent > budget:
            return pictures, notes, False
        pictures.append(picture)
    return pictures, notes, True


def _encode(one: Found, side: int | None) -> Picture | str:
    """Return the picture, or one line on why it cannot be shown."""
    from PIL import Image, UnidentifiedImageError

    try:
        if one.path.stat().st_size > MAX_FILE:
            return f"{printable(one.path.parent.name)}/{printable(one.path.name)} is left out: larger than 20 MB"
        with open_regular(one.path) as file, Image.open(file, formats=("PNG",)) as image:
            if image.width * image.height > MAX_PIXELS:
                return f"{printable(one.path.parent.name)}/{printable(one.path.name)} is left out: too many pixels"
            image.load()
            small, enlarged = _compact(image)
    except (OSError, ValueError, SyntaxError, UnidentifiedImageError, Image.DecompressionBombError):
        return f"{printable(one.path.parent.name)}/{printable(one.path.name)} is left out: not a readable PNG file"
    uri, small = _uri(small, side)
    return Picture(uri, small.width, small.height, one.caption, _row(one), one.samples, enlarged and small.width >= 64)


def _row(one: Found) -> int | None:
    return one.entry.number if one.entry else None


def _compact(image: Image) -> tuple[Image, bool]:
    """Undo an enlargement by a whole factor, and drop colours where there are none: nothing is lost by either."""
    from PIL.Image import Resampling

    image = image.convert("RGB")
    grey = image.convert("L")
    if grey.convert("RGB").tobytes() == image.tobytes():
        image = grey
    for factor in (8, 6, 5, 4, 3, 2):
        size = (image.width // factor, image.height // factor)
        if image.width % factor or image.height % factor or min(size) < 8:
            continue
        small = image.resize(size, Resampling.NEAREST)
        if small.resize(image.size, Resampling.NEAREST).tobytes() == image.tobytes():
            return small, True
    return image, False


def _uri(image: Image, side: int | None) -> tuple[str, Image]:
    """Encode without loss at full size; smaller pictures as JPEG, or as PNG where that is shorter."""
    from PIL.Image import Resampling

    if side is not None and max(image.size) > side:
        image = image.copy()
        image.thumbnail((side, side), Resampling.LANCZOS)
    forms: list[tuple[str, dict[str, Any]]] = [("png", {"optimize": True})]
    if side is not None:
        forms.append(("jpeg", {"quality": QUALITY, "optimize": True}))
    encoded = []
    for name, options in forms:
        buffer = io.BytesIO()
        image.save(buffer, name, **options)
        encoded.append((buffer.getvalue(), name))
    content, name = min(encoded, key=lambda pair: len(pair[0]))
    return f"data:image/{name};base64,{base64.b64encode(content).decode()}", image
