"""From raw text to words, and from words to ids over a public word list.

A victim of texts stands for a service that takes raw text. Ids are only a way to write texts down as tensors, so the
list of words that they count must be public and large, and must not come from the victim's data: whoever queries a
service does not know which words it was trained on. What a network makes of the words is its own affair.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import torch
from torch import Tensor

from mebench.api.errors import DataUnavailableError
from mebench.api.notices import notice
from mebench.data.text.decoding import UNREADABLE, strict_lines

PADDING, UNKNOWN, FIRST = 0, 1, 2
"""Ids of what follows the end of a text, of every word that is not on the list, and of the list's first word."""
LENGTH = 64
"""Words of a text that are kept, where nothing else is said."""
EMBEDDED = Path(__file__).parents[1] / "embedded" / "english-words" / "words.txt.gz"

_STRANGE = re.compile(r"[^a-z0-9(),!?'`]+")
_CLITIC = re.compile(r"(n't|'(?:s|ve|re|d|ll))(?![a-z0-9])")
_MARK = re.compile(r"([(),!?])")
_PLAIN = re.compile(r"[a-z0-9]+")  # words that are split into themselves, which is quicker found out like this
_HEADER = re.compile(r"\d+\s+\d+\s*")


def tokenise(text: str) -> list[str]:
    """Split a text into lower-case words by the rules of Kim (2014): letters, digits and ``( ) , ! ? ' ``` are kept.

    Everything else separates words; ``n't 's 've 're 'd 'll`` and the marks ``( ) , ! ?`` are words of their own.
    Accents are taken off first, which Kim leaves to separate words.
    """
    if not text.isascii():
        parts = unicodedata.normalize("NFKD", text.replace("\u2019", "'"))
        text = "".join(letter for letter in parts if not unicodedata.combining(letter))
    text = _STRANGE.sub(" ", text.lower())
    return _MARK.sub(r" \1 ", _CLITIC.sub(r" \1 ", text)).split()


@dataclass(frozen=True, eq=False)
class WordList:
    """A public list of words; the word at place i has the id ``i + 2``.

    Attributes:
        words: each once, in lower case.
    """

    words: tuple[str, ...]

    @property
    def size(self) -> int:
        """Number of ids, with padding and unknown."""
        return len(self.words) + FIRST

    @cached_property
    def ids(self) -> dict[str, int]:
        """The id of every word."""
        return {word: number for number, word in enumerate(self.words, FIRST)}

    @cached_property
    def digest(self) -> str:
        """Sixteen hexadecimal digits of all words in their order (SHA-256)."""
        return hashlib.sha256("\n".join(self.words).encode()).hexdigest()[:16]

    def encode(self, texts: Iterable[str], length: int) -> Tensor:
        """Return (N, length) int32: the first words of each text, and padding after its end."""
        rows = [[self.ids.get(word, UNKNOWN) for word in tokenise(text)[:length]] for text in texts]
        ids = torch.full((len(rows), length), PADDING, dtype=torch.int32)
        for row, known in zip(ids, rows, strict=True):
            row[: len(known)] = torch.tensor(known, dtype=torch.int32)
        return ids

    def decode(self, ids: Iterable[int]) -> str:
        """The words of one text, with ``?`` for unknown ones; without padding."""
        return " ".join("?" if one == UNKNOWN else self.words[one - FIRST] for one in ids if one != PADDING)


@dataclass(frozen=True, eq=False)
class Lexicon:
    """Which words somebody has seen, and how often.

    Attributes:
        words: the public list.
        counts: (V,) int64, by id; V is the list's size.
    """

    words: WordList
    counts: Tensor

    @classmethod
    def of(cls, words: WordList, ids: Tensor) -> Lexicon:
        """Count the words of texts (N, L)."""
        return cls(words, torch.bincount(ids.flatten().long().cpu(), minlength=words.size))

    @classmethod
    def complete(cls, words: WordList) -> Lexicon:
        """Of somebody who has no texts and knows the list alone: every word once."""
        return cls(words, torch.ones(words.size, dtype=torch.int64))


def word_list(path: str | None = None) -> WordList:
    """Read a public word list.

    Args:
        path: a text file, plain or ``.gz``, with a word at the start of each line; what follows a space or tab is left
            out, so that published word vectors in text form will do, with or without a header. None for the English
            list that ships with mebench. A word is written as texts have it, without accents; one that they cannot
            hold, such as one with a hyphen, keeps its place and its id.

    Raises:
        DataUnavailableError: it cannot be read, or holds no words, or none that a text can hold.
    """
    file = EMBEDDED if path is None else Path(path).expanduser()
    try:
        return _read(file, file.stat().st_mtime_ns)
    except UNREADABLE as error:
        raise DataUnavailableError(f"word list {file}: cannot be read ({error})") from None


def is_header(number: int, line: str) -> bool:
    """Whether a line of word vectors is word2vec's and fastText's first, which counts words and values."""
    return number == 1 and _HEADER.fullmatch(line) is not None


def as_in_texts(word: str) -> str | None:
    """A word as it comes out of texts, in lower case and without accents; None for what they are split at or within."""
    if _PLAIN.fullmatch(word):
        return word
    words = tokenise(word)
    return words[0] if len(words) == 1 else None


@lru_cache(maxsize=4)
def _read(file: Path, _changed: int) -> WordList:
    """Read a list once, and again if its file has changed."""
    first = (line.split(maxsplit=1) for number, line in strict_lines(file) if not is_header(number, line))
    given = list(dict.fromkeys(fields[0].lower() for fields in first if fields))
    if not given:
        raise DataUnavailableError(f"word list {file}: holds no words")
    words, never = _fitted(given)
    if never:
        what = f"{len(never):,} of {len(given):,} words never occur in texts as they are split, such as {never[0]!r}"
        if len(never) == len(given):
            raise DataUnavailableError(f"word list {file}: {what}: it needs a word at the start of each line")
        notice(f"word list {file}: {what}")
    return WordList(tuple(words))


def _fitted(given: Sequence[str]) -> tuple[list[str], list[str]]:
    """The words as texts have them, each at its place, and those that no text can hold, which stay as they are."""
    taken = {word for word in given if as_in_texts(word) == word}
    words, never = [], []
    for word in given:
        fit = as_in_texts(word)
        if fit == word or (fit is not None and fit not in taken):
            words.append(fit)
            taken.add(fit)
        else:
            words.append(word)
            never.append(word)
    return words, never
