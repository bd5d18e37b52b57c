"""What an unknown word may have been meant to be."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

ALIKE = 0.6
"""How alike two words are at least, of 1, by `difflib.SequenceMatcher`."""
BEGINNING = 3
"""Letters that a word has at least to be taken for the beginning of another."""


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that is meant most likely; None if none is near.

    Capitals, the dashes before an option, and ``-`` or ``_`` make no difference.
    """
    plain: dict[str, str] = {}
    for one in known:
        plain.setdefault(_plain(one), one)
    sought = _plain(str(word))
    if near := difflib.get_close_matches(sought, plain, n=1, cutoff=ALIKE):
        return plain[near[0]]
    longer = [one for one in plain if len(sought) >= BEGINNING and one.startswith(sought)]
    return plain[min(longer, key=len)] if longer else None


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``". Did you mean 'x'?"``, or the known words where none is near, or nothing."""
    known = list(known)
    if near := nearest(word, known):
        return f". Did you mean {near!r}?"
    if 0 < len(known) <= 12:
        return f". Known: {', '.join(known)}"
    return ""


def _plain(word: str) -> str:
    return word.casefold().strip("-").replace("_", "-")
