"""A figure that a notebook shows."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from pathlib import Path

from mebench.report.figures.files import DPI

PAGE_DPI = 96
"""Pixels of a page in an inch, as CSS has them."""


@dataclass(frozen=True)
class Picture:
    """A figure; in a notebook the last line of a cell shows it.

    Attributes:
        content: of a PNG, SVG or PDF file.
        suffix: of such a file: ``.png``, ``.svg`` or ``.pdf``.
        notes: what was left out, a line each.
        path: where it was written; None if nowhere.
    """

    content: bytes = field(repr=False)
    suffix: str = ".png"
    notes: tuple[str, ...] = ()
    path: Path | None = None

    def _repr_png_(self) -> tuple[bytes, dict[str, int]] | None:
        """The file, and the size in a page's pixels at which it is as large as it was drawn."""
        if self.suffix != ".png":
            return None
        width, height = struct.unpack(">II", self.content[16:24])
        return self.content, {"width": width * PAGE_DPI // DPI, "height": height * PAGE_DPI // DPI}

    def _repr_svg_(self) -> str | None:
        return self.content.decode("utf-8") if self.suffix == ".svg" else None
