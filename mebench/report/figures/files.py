"""Writing figures to PNG, SVG and PDF files, equal figures as equal bytes."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from mebench.api.errors import ConfigurationError
from mebench.api.files import write_atomically

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SUFFIXES = {".png": {}, ".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
"""Kinds of files, each with the metadata that keeps equal figures equal bytes."""
DPI = 200


def check_suffix(path: Path) -> None:
    """Check a file's name before the work on its content begins.

    Raises:
        ConfigurationError: its suffix is none of `SUFFIXES`.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise ConfigurationError(f"{path}: give a file name that ends in {', '.join(SUFFIXES)}")


def save_figure(figure: Figure, path: Path) -> None:
    """Write a figure; folders are made.

    Raises:
        ConfigurationError: the file's suffix is none of `SUFFIXES`.
        UnwritableError: the file cannot be written.
    """
    from matplotlib import rc_context

    check_suffix(path)
    suffix, content = path.suffix.lower(), BytesIO()
    with rc_context({"svg.hashsalt": "mebench", "pdf.fonttype": 42}):
        figure.savefig(content, format=suffix[1:], dpi=DPI, metadata=SUFFIXES[suffix])
    write_atomically(path, content.getvalue())
