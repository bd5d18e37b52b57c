"""Reading and writing files whole: JSON, and any bytes by atomic rename. Imports no torch."""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path
from typing import Any

from mebench.api.errors import ResultsError


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        ResultsError: no such file, or not a JSON object.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ResultsError(f"{path}: no such file") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ResultsError(f"{path}: not valid JSON ({error})") from None
    if not isinstance(value, dict):
        raise ResultsError(f"{path}: must hold a JSON object")
    return value


def write_json(path: Path, value: Any) -> None:
    """Write JSON by atomic rename, with sorted keys so that equal values are equal bytes."""
    write_atomically(path, (json.dumps(value, indent=1, sort_keys=True) + "\n").encode())


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that a crash leaves the old one or the new one, never half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as handle:
            handle.write(content)
            handle.flush()
            os.fsync(handle.fileno())
        Path(temporary).chmod(0o666 & ~umask())  # mkstemp's own mode keeps others from reading results
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def umask() -> int:
    """The process's umask, which can only be read by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
