"""Paths for libraries that open a file only if its path is UTF-8, as safetensors and TorchScript do."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def utf8_path(path: Path) -> Iterator[Path]:
    """A path of the same file that is UTF-8: itself, or a link in a temporary folder; what is read stays mapped."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        with tempfile.TemporaryDirectory(prefix="mebench-") as folder:
            link = Path(folder) / "file"
            link.symlink_to(path.absolute())
            yield link
    else:
        yield path
