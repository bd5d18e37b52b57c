"""What is made of many files once and kept in the cache, as arrays that processes share."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mebench.api.unfinished import unfinished_folder
from mebench.data.fetch import one_at_a_time
from mebench.data.sources import download_folder


def kept(name: str, folder: Path, files: Sequence[Path], about: Any, make: Callable[[Path], None]) -> Path:
    """Return the folder that holds what was made of files; make it first if nobody has.

    It appears by one rename, so that it is whole, and a failure leaves nothing.

    Args:
        name: of the data set.
        folder: holds the files.
        files: what it is made of; another folder, or a change of any one's name, length or time makes it anew.
        about: everything else that it depends on, fit for JSON.
        make: is given an empty folder to write into.

    Raises:
        DataUnavailableError: the cache cannot be written to; and what ``make`` raises.
    """
    final = download_folder() / name / _key(folder, files, about)
    if not final.is_dir():
        with one_at_a_time():
            if not final.is_dir():  # another process may have made it meanwhile
                _make(final, make)
    return final


def kept_tensor(file: Path) -> Tensor:
    """A kept array; its bytes are read when they are needed, and processes that only read share them."""
    return torch.from_numpy(np.load(file, mmap_mode="c"))


def _make(final: Path, make: Callable[[Path], None]) -> None:
    parent_is_new = not final.parent.exists()
    final.parent.mkdir(exist_ok=True)
    try:
        with unfinished_folder(final.parent) as partial:
            make(partial)
            partial.chmod(0o755)
            partial.rename(final)
    except BaseException:
        if parent_is_new:
            final.parent.rmdir()
        raise


def _key(folder: Path, files: Sequence[Path], about: Any) -> str:
    """Sixteen hexadecimal digits of everything that it depends on; unpacked files may all have one length and time."""
    seen = [(file.relative_to(folder).as_posix(), (stat := file.stat()).st_size, stat.st_mtime_ns) for file in files]
    return hashlib.sha256(json.dumps([about, str(folder.resolve()), seen]).encode()).hexdigest()[:16]
