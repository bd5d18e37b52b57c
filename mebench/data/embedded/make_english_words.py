"""Make the embedded list of English words from the word lists of a spelling checker.

``python -m mebench.data.embedded.make_english_words FILE... TARGET``, with the files american-english and
british-english of Debian's packages wamerican and wbritish (SCOWL, size 60). The same input gives the same list.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable
from pathlib import Path

import click

from mebench.data.text.words import tokenise

MARKS = ("(", ")", ",", "!", "?", "'", "`", "n't", "'s", "'ve", "'re", "'d", "'ll")
NUMBERS = 2101


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("target", type=click.Path(dir_okay=False, path_type=Path))
def main(files: tuple[Path, ...], target: Path) -> None:
    """Write the words of all FILES, marks and small numbers to TARGET (.txt.gz)."""
    lines = (line for file in files for line in file.read_text(encoding="utf-8").splitlines())
    with target.open("wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=0) as packed:
        packed.write(("\n".join(english(lines)) + "\n").encode())


def english(lines: Iterable[str]) -> list[str]:
    """Marks first, then the numbers 0 to 2100, then all words that lines split into, sorted."""
    words = {word for line in lines for word in tokenise(line)}
    first = [*MARKS, *map(str, range(NUMBERS))]
    return first + sorted(words - set(first))


if __name__ == "__main__":
    main()
