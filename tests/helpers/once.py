"""What is made once for all worker processes of a test run."""

from __future__ import annotations

import fcntl
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

Made = TypeVar("Made")


def once(name: str, make: Callable[[Path], Made]) -> Made:
    """What the first process to come here makes in a folder; the others wait for it and read it.

    Args:
        name: of what is made, one in the whole suite.
        make: is given an empty folder that stays until the suite ends; what it returns must be picklable.
    """
    folder = Path(os.environ["MEBENCH_CACHE"]) / "once" / name
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / "made.pickle"
    with (folder / "lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        if not kept.exists():
            (folder / "files").mkdir()
            kept.write_bytes(pickle.dumps(make(folder / "files")))
    return pickle.loads(kept.read_bytes())
