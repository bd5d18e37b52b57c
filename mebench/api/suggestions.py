"""What an unknown word may have been meant to be."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``". Did you mean 'x'?"``, or the known words where none is near, or nothing."""
    known = list(known)
    near = difflib.get_close_matches(str(word), known, n=1, cutoff=0.6)
    if near:
        return f". Did you mean {near[0]!r}?"
    if 0 < len(known) <= 12:
        return f". Known: {', '.join(known)}"
    return ""
