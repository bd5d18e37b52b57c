"""Peak memory of one call, from Linux's own account of resident pages."""

from __future__ import annotations

import ctypes
import gc
import re
from collections.abc import Callable
from pathlib import Path

PROCESS = Path("/proc/self")


def peak_growth(work: Callable[[], object]) -> int | None:
    """Return by how many bytes the peak of resident memory lies above what was there before ``work``.

    What the allocator keeps of earlier calls is given back first, so that it is counted when it is used again. None
    where the system keeps no such account.
    """
    if not (PROCESS / "clear_refs").exists():
        return None
    gc.collect()
    if hasattr(libc := ctypes.CDLL(None), "malloc_trim"):
        libc.malloc_trim(0)
    (PROCESS / "clear_refs").write_text("5")  # sets the peak back to what is resident now
    before = _resident("VmRSS")
    work()
    return max(0, _resident("VmHWM") - before)


def _resident(key: str) -> int:
    found = re.search(rf"{key}:\s+(\d+) kB", (PROCESS / "status").read_text())
    assert found
    return int(found[1]) * 1024
