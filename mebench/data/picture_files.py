"""Picture files as the rows of a data set: each is resized once, from its own pixels, to the size that is asked for."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.format import open_memmap
from PIL import Image
from torch import Tensor

from mebench.api.notices import notice
from mebench.api.progress import Progress, heartbeat, step
from mebench.data.deep_pictures import DEEP, RANGELESS, WORD, Ranges, Values
from mebench.data.folders import counted, some
from mebench.data.kept import kept, kept_tensor
from mebench.data.labelled import Size
from mebench.data.pictures import MODES, Look, as_tensor, highest_in, look_at, ranges_in, read_picture

# Parts of the keys of what is kept: raise one when the same files give other bytes.
_METHOD, _METHOD_DEEP, _METHOD_LOOKS = 1, 2, 2


def in_words(sizes: Collection[Size]) -> str:
    """Heights and widths as a user reads them: ``40 x 40``, or the smallest and the largest."""
    ends = [min(sizes), max(sizes)] if len(sizes) > 1 else list(sizes)
    return " to ".join(f"{height} x {width}" for height, width in ends)


@dataclass(frozen=True)
class PictureFiles:
    """Files in a fixed order, and what is made of them once and kept in the cache.

    Attributes:
        name: of the data set.
        folder: holds the files.
        files: at least one.
        colour: ``rgb`` or ``grey``.
        published: whether they are known to be pictures of bytes, one in each file, which spares a look at them.
        among: all files that they are chosen from, if they are; where files do not say what stands for white, all tell.
        bits: how many bits of 16 or of whole numbers are used, where a user says so.
    """

    name: str
    folder: Path
    files: Sequence[Path]
    colour: str = "rgb"
    published: bool = False
    among: Sequence[Path] | None = None
    bits: int | None = None

    def of(self, rows: Tensor | Sequence[int]) -> PictureFiles:
        """Only these."""
        return replace(self, files=[self.files[int(row)] for row in rows], among=self.among or self.files)

    @cached_property
    def looks(self) -> list[Look]:
        """What each file says of itself.

        Raises:
            DataUnavailableError: one is no picture.
        """
        made = self._kept_json("looks", self.files, lambda: [asdict(self._look(file)) for file in self.files])
        return [Look(**one) for one in made]

    @cached_property
    def sizes(self) -> set[Size]:
        """The heights and widths that occur."""
        return {(look.height, look.width) for look in self.looks}

    def holding(self, *values: Values) -> list[Path]:
        """The files with such values."""
        if self.published:
            return []
        return [file for file, look in zip(self.files, self.looks, strict=True) if look.values in values]

    @cached_property
    def ranges(self) -> Ranges:
        """What stands for white where files do not say.

        Raises:
            DataUnavailableError: values that have no range, or several.
        """
        if self.bits is not None and self.holding(*DEEP):
            white = 2**self.bits - 1
            return {**replace(self, bits=None).ranges, "16 bits": white, "whole numbers": white}
        if not (unsaid := self.holding(*RANGELESS)):
            return {}
        if self.among is not None:
            return self._all.ranges
        ranges: Ranges = self._kept_json("ranges", unsaid, lambda: ranges_in(unsaid))
        return ranges

    @property
    def _all(self) -> PictureFiles:
        return self if self.among is None else replace(self, files=self.among, among=None)

    @property
    def method(self) -> list[Any]:
        """A part of the key of whatever is made of them."""
        deep = self.ranges or self.holding("fewer bits")
        return [_METHOD_DEEP, self.ranges] if deep else [_METHOD]

    def size_for(self, size: Size, image_size: Size | None) -> Size:
        """The height and width to read them at for a classifier.

        Args:
            size: where nothing else is asked for.
            image_size: what it takes, or None. It is passed over where all are of ``size``: these are their own pixels.
        """
        return size if image_size is None or self.sizes == {size} else image_size

    def at(self, size: Size) -> Tensor:
        """All of them at a height and width (bilinear): (N, C, h, w) uint8.

        Raises:
            DataUnavailableError: one cannot be read, or its values can be read in more ways than one.
        """
        ranges = self.ranges

        def make(to: Path) -> None:
            shape = (len(self.files), len(MODES[self.colour]), *size)
            images = open_memmap(to / "images.npy", "w+", np.uint8, shape)
            for row, file in enumerate(self.files):
                step(Progress(row, len(self.files), "pictures", phase=self.name))
                picture = read_picture(file, self.colour, ranges=ranges, bits=self.bits)
                images[row] = as_tensor(picture.resize(size[::-1], Image.Resampling.BILINEAR))
            images.flush()

        about = [*self.method, size[0] if size[0] == size[1] else size, self.colour]
        return kept_tensor(kept(self.name, self.folder, self.files, about, make) / "images.npy")

    def tell(self) -> None:
        """Say once what nobody would expect of how they are read."""
        several = [file.name for file, look in zip(self.files, self.looks, strict=True) if look.frames > 1]
        if several:
            what = counted(len(several), "file holds several pictures", "files hold several pictures")
            notice(f"{self.name}: {self.folder}: {what}, of which the first is taken ({some(several)})")
        if self.bits is not None:
            return
        for values, white in self.ranges.items():
            notice(f"{self.name}: {self.folder}: pictures of {values} are read as if white were {white}")
        for values in DEEP if self.among is None or self.holding(*DEEP) else ():
            self._tell_if_dark(values)

    def _tell_if_dark(self, values: Values) -> None:
        """Say that all pictures of 16 bits of a folder are so dark that they may be of fewer bits."""
        files = self._all.holding(values)
        if not files or self.ranges.get(values, WORD) != WORD:
            return
        highest = self._kept_json(f"highest of {values}", files, lambda: highest_in(files))
        if not highest:
            return
        advice = f"say how many bits they have (`bits: {max(8, highest.bit_length())}` or more), or save them as 8 bits"
        if values == "colours of 16 bits":
            advice = "save them as 8 bits"
        notice(
            f"{self.name}: {self.folder}: the highest value of pictures of {values} is {highest:,} of {WORD:,}, which "
            f"is read as dark ({highest / WORD:.0%} of white): if they are no dark pictures, {advice}"
        )

    @staticmethod
    def _look(file: Path) -> Look:
        heartbeat()
        return look_at(file)

    def _kept_json(self, what: str, files: Sequence[Path], make: Callable[[], Any]) -> Any:
        def write(to: Path) -> None:
            (to / f"{what}.json").write_text(json.dumps(make()), encoding="utf-8")

        place = kept(self.name, self.folder, files, [what, _METHOD_LOOKS], write) / f"{what}.json"
        return json.loads(place.read_text(encoding="utf-8"))
