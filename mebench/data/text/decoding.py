"""Files of text as their lines: compressed ones, marks of the byte order, line ends, other encodings."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path

UNREADABLE = (OSError, EOFError, ValueError, zlib.error)
"""What reading a file of lines may raise."""

_UTF8_MARK = b"\xef\xbb\xbf"
_OTHER_MARKS = (b"\xff\xfe", b"\xfe\xff")


class NotTextError(ValueError):
    """Bytes that are no text in UTF-8; the message says which line they are in, if it can."""


def strict_lines(file: Path) -> Iterator[tuple[int, str]]:
    """The lines of a file in UTF-8, plain or ``.gz``, with their numbers from 1, one after another.

    Raises:
        NotTextError: a line is not UTF-8.
        OSError, EOFError, zlib.error: it cannot be read; see `UNREADABLE`.
    """
    with gzip.open(file) if file.suffix.lower() == ".gz" else file.open("rb") as content:
        number = 0
        for piece in content:
            if number == 0:
                piece = _without_mark(piece)
            for line in piece.rstrip(b"\r\n").split(b"\r"):
                number += 1
                yield number, _decoded(line, number)


def _decoded(line: bytes, number: int) -> str:
    if b"\0" in line:
        raise NotTextError(f"line {number} holds a byte 0, as no text in UTF-8 does: save it as UTF-8")
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        raise NotTextError(f"line {number} is not UTF-8, see byte {error.start + 1}: save it as UTF-8") from None


def _without_mark(content: bytes) -> bytes:
    if content.startswith(_OTHER_MARKS):
        raise NotTextError("line 1 begins as UTF-16 does: save it as UTF-8")
    return content.removeprefix(_UTF8_MARK)


def lenient_text(content: bytes, otherwise: str = "utf-8") -> tuple[str, list[int]]:
    """Decode a published file, some of which hold a few bytes that are no letters.

    Args:
        content: of the file.
        otherwise: the encoding that it was published in, if it is not UTF-8, as copies of it may be.

    Returns:
        the text, whose lines end in ``\\n``, and the numbers of the lines in which there were such bytes, now marks.

    Raises:
        NotTextError: it is no text, or in UTF-16.
    """
    content = _without_mark(content)
    if 0 in content:
        line = content[: content.index(0)].count(b"\n") + 1
        raise NotTextError(f"line {line} holds a byte 0, as no text in UTF-8 does: save it as UTF-8")
    strange: list[int] = []
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = content.decode(otherwise, "replace")
        if otherwise == "utf-8":
            strange = [number for number, line in enumerate(content.split(b"\n"), 1) if not _is_utf8(line)]
    return text.replace("\r\n", "\n").replace("\r", "\n"), strange


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True
