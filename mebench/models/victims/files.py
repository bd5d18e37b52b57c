"""Where a victim's files are. Imports no torch."""

from __future__ import annotations

from pathlib import Path

from mebench.api.errors import ConfigurationError

_SHOWN = 200  # characters of a name in an error


def existing(file: str, name: str) -> Path:
    """The path of a file that a victim needs.

    Args:
        file: as in a benchmark file, from the current folder or from a home.
        name: of the victim, for errors.

    Raises:
        ConfigurationError: it is no file that can be read.
    """
    path, what = Path(file), "no such file"
    try:
        path = path.expanduser()
        if path.is_file():
            with path.open("rb"):
                return path
        if path.is_dir():
            what = "a folder: name the file in it"
        elif path.exists():
            what = "no regular file"
    except OSError as error:
        what = f"cannot be read ({error.strerror})"
    except (RuntimeError, ValueError) as error:  # nobody's home, or a name that no file has
        what = f"cannot be read ({error})"
    shown = str(path) if len(str(path)) <= _SHOWN else f"{str(path)[:_SHOWN]}..."
    raise ConfigurationError(f"victim {name!r}: {shown}: {what}")
