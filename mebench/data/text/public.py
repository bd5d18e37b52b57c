"""Public texts without labels that mean anything, for pools: all rows have class 0, and there is no test split."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from mebench.api.errors import DataUnavailableError
from mebench.data.datasets import Split, training_only
from mebench.data.fetch import require
from mebench.data.folders import LeftOut
from mebench.data.reader import by_keywords
from mebench.data.sources import Found
from mebench.data.text.dataset import TextDataset
from mebench.data.text.entries import TextFilesParameters
from mebench.data.text.layouts import FORTUNES, WIKITEXT_2, WORDNET_GLOSSES
from mebench.data.text.reading import distinct, made_dataset, mixed, read_lines

LEAST_WORDS = 5
"""Shorter pieces are left out."""

_NOT_PROSE = frozenset({"ascii-art", "translate-me"})
_BASE64 = {
    letter: value for value, letter in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
}
_SENSE = re.compile(r"(?:^|\s)(?:(?:n|v|adj|adv)\s)?\d+:\s")
_LINKS = re.compile(r"\[[a-z]+: [^\]]*\]")
_MARKS = re.compile(r" ([,.;:!?)]|'[a-z]+)")


@by_keywords(TextFilesParameters)
def wikitext_2(split: Split, parameters: TextFilesParameters) -> TextDataset:
    """Sentences of Wikipedia articles, from the training part of WikiText-2; headings are left out."""
    found = require(WIKITEXT_2, parameters.root)
    lines = read_lines(found.file("wiki.train.tokens"))
    return _pool(WIKITEXT_2.name, _sentences(lines), found, split, parameters)


@by_keywords(TextFilesParameters)
def wordnet_glosses(split: Split, parameters: TextFilesParameters) -> TextDataset:
    """Definitions and examples of WordNet 3.0, as Debian's dict-wn has them."""
    found = require(WORDNET_GLOSSES, parameters.root)
    return _pool(WORDNET_GLOSSES.name, _glosses(found), found, split, parameters)


@by_keywords(TextFilesParameters)
def fortunes(split: Split, parameters: TextFilesParameters) -> TextDataset:
    """Sayings, verses and jokes, as Debian's fortunes has them; without the names of who said them."""
    found = require(FORTUNES, parameters.root)
    return _pool(FORTUNES.name, _sayings(found), found, split, parameters)


def _pool(
    name: str,
    pieces: Iterable[str],
    found: Found,
    split: Split,
    parameters: TextFilesParameters,
) -> TextDataset:
    """Every distinct piece of enough words, in a fixed order that mixes them."""
    training_only(name, split)
    tidy = (" ".join(piece.split()) for piece in pieces)
    examples = mixed(distinct((piece, 0) for piece in tidy if piece.count(" ") >= LEAST_WORDS - 1))
    return made_dataset(name, examples, 1, found.place, split, parameters)


def _sentences(lines: Iterable[str]) -> Iterator[str]:
    """Paragraphs at the full stops that stand alone; what tokenisation has taken apart is put together."""
    for line in lines:
        paragraph = line.strip()
        if paragraph.startswith("= "):
            continue
        for mark in "-,.":
            paragraph = paragraph.replace(f" @{mark}@ ", mark)
        for sentence in paragraph.split(" . "):
            yield _MARKS.sub(r"\1", sentence)


def _glosses(found: Found) -> Iterator[str]:
    """Every definition, and every example in quotation marks."""
    content, index = _unpacked(found.file("wn.dict.dz")), read_lines(found.file("wn.index"))
    for line in index:
        word, start, size = (*line.split("\t"), "", "")[:3]
        if word.startswith("00-database"):
            continue
        try:
            begin, count = _number(start), _number(size)
        except KeyError:
            raise DataUnavailableError(f"{found.folder}: wn.index is not as published: {line[:60]!r}") from None
        entry = content[begin : begin + count].decode("utf-8", "replace").partition("\n")[2]
        for sense in _SENSE.split(_LINKS.sub(" ", " ".join(entry.split()))):
            yield from (piece.strip(' "') for piece in sense.split(";"))


def _unpacked(file: Path) -> bytes:
    try:
        return gzip.decompress(file.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise DataUnavailableError(f"{file}: cannot be read ({error})") from None


def _number(digits: str) -> int:
    """A number of dictd's index: base 64, the most significant digit first."""
    value = 0
    for digit in digits:
        value = 64 * value + _BASE64[digit]
    return value


def _sayings(found: Found) -> Iterator[str]:
    files = sorted(found.folder.iterdir())
    hidden = [file.name for file in files if file.name.startswith(".")]
    LeftOut(hidden).tell(FORTUNES.name, found.folder, "texts")
    for file in files:
        if file.suffix or file.name in hidden or not file.is_file() or file.name in _NOT_PROSE:
            continue
        for saying in "\n".join(read_lines(file)).split("\n%\n"):
            yield re.split(r"\n\s+--", saying)[0].replace("\n%", "")
