"""Pictures whose values are no bytes: 16 bits, other whole numbers, floats.

A format says how far values of 16 bits go. Floats and whole numbers of 32 bits say nothing of it, and one dark picture
does not tell either: it is read off all pictures of a set, and where that leaves a doubt, nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from mebench.api.errors import DataUnavailableError

Values = Literal["bytes", "16 bits", "colours of 16 bits", "fewer bits", "whole numbers", "floats"]
"""What a picture's values are."""
RANGELESS: tuple[Values, ...] = ("whole numbers", "floats")
"""Those that do not say how far they go."""
Ranges = Mapping[Values, int]
"""What stands for white where the values do not say: 1, 255 or 65535."""
BYTE, WORD = 255, 65_535
DARK = 2**14 - 1
"""Pictures of 16 bits of which none goes beyond may be of fewer bits: cameras and scanners have 10 to 14."""
DEEP: tuple[Values, ...] = ("16 bits", "colours of 16 bits", "whole numbers")
"""Values of which a picture may use fewer bits than its file has."""

_BITS_PER_SAMPLE = 258  # of TIFF
_NEAR = 1e-6  # how far floats may overshoot 0 and 1
_DOUBT = 2  # floats whose largest value lies between 1 and this have either range


def values_of(image: Image.Image) -> Values:
    """What the values of an image are, as it was opened; colours are bytes once they are read."""
    if _is_deep_colour(image):
        return "colours of 16 bits"
    if image.mode == "F":
        return "floats"
    if image.mode.startswith("I;16"):
        return "16 bits" if _bits(image) == 16 else "fewer bits"
    if image.mode == "I":
        return "16 bits" if image.format in ("PNG", "PPM") else "whole numbers"
    return "bytes"


def white_of(image: Image.Image, ranges: Ranges) -> int:
    """The value that stands for white in an image, as it was opened."""
    values = values_of(image)
    return 2 ** _bits(image) - 1 if values == "fewer bits" else ranges.get(values, WORD)


def eight_bits(image: Image.Image, white: int) -> Image.Image:
    """One channel of deep values as bytes."""
    if image.mode == "F" and white == BYTE:
        return image  # Pillow cuts them off
    scale = white / BYTE
    return Image.fromarray((np.asarray(image).clip(0, white) / scale).round().astype(np.uint8))


def highest_of(files: Iterable[tuple[Path, Image.Image]]) -> int | None:
    """The highest value of pictures of 16 bits or of whole numbers; None as soon as one is not dark.

    Args:
        files: pictures of one set, opened. Colours of 16 bits come as their upper 8: the highest value is less exact.
    """
    highest = 0
    for _, image in files:
        if image.mode.startswith("I"):
            most = int(np.asarray(image).max())
        else:
            most = int(np.asarray(image.convert("RGB")).max())
            most = (most << 8) + BYTE if most else 0
        highest = max(highest, most)
        if highest > DARK:
            return None
    return highest


def check_bits(file: Path, image: Image.Image, bits: int) -> None:
    """Make sure that a picture, as it was opened, can be read as a user says that its deep values are.

    Raises:
        DataUnavailableError: a value needs more bits, or it has colours of which Pillow keeps the upper 8 of 16 bits.
    """
    values = values_of(image)
    if values == "colours of 16 bits" and bits < 16:
        raise DataUnavailableError(
            f"{file}: has colours of 16 bits, of which the upper 8 are read: `bits` does not help, save it as 8 bits"
        )
    if values in DEEP and (most := int(np.asarray(image).max())) >= 2**bits:
        raise DataUnavailableError(
            f"{file}: holds the value {most:,}; {bits} bits, as `bits` says, go no further than {2**bits - 1:,}"
        )


def ranges_of(files: Iterable[tuple[Path, Image.Image]]) -> dict[Values, int]:
    """Read off what stands for white in floats and in whole numbers.

    Args:
        files: pictures of one set with such values, opened.

    Raises:
        DataUnavailableError: a value is no number or below 0, or the pictures have no range in common.
    """
    ends: dict[Values, list[tuple[float, Path]]] = {values: [] for values in RANGELESS}
    for file, image in files:
        array = np.asarray(image)
        low, high = float(array.min()), float(array.max())
        values = values_of(image)
        if not (np.isfinite(low) and np.isfinite(high)):
            raise _unfit(file, image, "some are NaN or infinite")
        if low < (-_NEAR if values == "floats" else 0):
            raise _unfit(file, image, f"they run from {low:g} to {high:g}")
        if values == "floats" and (1 + _NEAR < high < _DOUBT or high > BYTE + 0.5):
            raise _unfit(file, image, f"they run from {low:g} to {high:g}")
        if high > WORD:
            raise _unfit(file, image, f"they run to {high:g}")
        ends[values].append((high, file))
    found: dict[Values, int] = {}
    if ends["whole numbers"]:
        found["whole numbers"] = BYTE if max(ends["whole numbers"])[0] <= BYTE else WORD
    if ends["floats"]:
        found["floats"] = _range_of_floats(ends["floats"])
    return found


def _range_of_floats(ends: list[tuple[float, Path]]) -> int:
    """1 or 255. A black picture has either range."""
    (least, one), (most, other) = min((end for end in ends if end[0] > 0), default=ends[0]), max(ends)
    if least < _DOUBT <= most:
        raise DataUnavailableError(
            f"{one}: its floats run to {least:g}, those of {other} to {most:g}: is white 1 or 255? Pictures that are "
            "read together must have one range; save them as 8 bits"
        )
    return 1 if most < _DOUBT else BYTE


def _unfit(file: Path, image: Image.Image, problem: str) -> DataUnavailableError:
    wanted = "floats from 0 to 1 or from 0 to 255" if image.mode == "F" else "whole numbers from 0 to 255 or to 65535"
    return DataUnavailableError(
        f"{file}: a picture of mode {image.mode} must hold {wanted}, and {problem}: save it as 8 bits"
    )


def _is_deep_colour(image: Image.Image) -> bool:
    """Whether several channels of 16 bits are about to be read, of which Pillow keeps the upper 8 bits."""
    tiles = getattr(image, "tile", None)
    layout = str(tiles[0][3]) if tiles else ""
    return ";16" in layout and not image.mode.startswith("I")


def _bits(image: Image.Image) -> int:
    """Bits of a value as a TIFF file says; 16 of other formats."""
    said = getattr(image, "tag_v2", {}).get(_BITS_PER_SAMPLE, (16,))
    return int(said[0])
