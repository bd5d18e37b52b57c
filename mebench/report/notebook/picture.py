"""A figure that a notebook shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


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

    def _repr_png_(self) -> bytes | None:
        return self.content if self.suffix == ".png" else None

    def _repr_svg_(self) -> str | None:
        return self.content.decode("utf-8") if self.suffix == ".svg" else None
