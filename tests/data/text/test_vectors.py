"""Files of word vectors: read in every form that is about, and never in silence without effect."""

from __future__ import annotations

import gzip

import numpy as np
import pytest
import torch

from mebench.api.contract import InputSpec
from mebench.api.errors import ConfigurationError, DataUnavailableError, MebenchError
from mebench.api.notices import notices_to
from mebench.api.spec import Component
from mebench.data.text.vectors import vectors_of
from mebench.data.text.words import FIRST, Lexicon, WordList
from mebench.models.networks.build import build_network

WORDS = ["the", "market", "film", "cafe", "1000", "n't"]
BODY = "the 1 2 3\nmarket 4 5 6\nfilm 7 8 9\ncafe 1 1 1\n"
FOUND = {0: [1, 2, 3], 1: [4, 5, 6], 2: [7, 8, 9], 3: [1, 1, 1]}


def read(tmp_path, content, name="v.txt", size=3, words=WORDS):
    """Places with their values, and what was said."""
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    heard = []
    with notices_to(heard.append):
        found = vectors_of(words, str(tmp_path / name), size)
    assert len(dict(found)) == len(found)
    return {place: vector.tolist() for place, vector in found}, heard


@pytest.mark.parametrize(
    "content",
    [
        BODY,
        BODY.replace(" ", "\t"),
        BODY.replace(" ", "  "),
        BODY.replace("\n", "\r\n"),
        BODY.replace("\n", " \n"),
        BODY.replace("\n", "\r"),
        f" {BODY}",
        f"\n\n{BODY}\n",
        f"\ufeff{BODY}",
        f"4 3\n{BODY}",
        f"1000 3\n{BODY}",
        f"\ufeff1000\t3\r\n{BODY}",
        BODY.upper(),
        BODY.title(),
        BODY.replace("cafe", "caf\u00e9"),
        BODY.replace("cafe", "cafe\u0301"),
        BODY.replace("cafe", "CAF\u00c9"),
        f"{BODY}. . . 9 9 9\nthe end 9 9 9\nat name@domain.com 5 5 5\n",
        f"{BODY}the 8 8 8\nTHE 7 7 7\n",
        f"The 8 8 8\nCaf\u00e9 9 9 9\n{BODY}",
    ],
)
def test_a_word_and_its_numbers_are_read_however_the_line_is_written(tmp_path, content):
    assert read(tmp_path, content) == (FOUND, [])
    packed = gzip.compress(content.encode(), mtime=0)
    assert read(tmp_path, packed, "v.txt.gz") == (FOUND, [])


def test_a_number_is_a_word_like_any_other_after_the_first_line(tmp_path):
    assert read(tmp_path, f"4 3\n{BODY}1000 3 2 1\n")[0] == FOUND | {4: [3, 2, 1]}
    assert read(tmp_path, f"1000 3 2 1\n{BODY}")[0] == FOUND | {4: [3, 2, 1]}


@pytest.mark.parametrize(
    ("content", "begins"),
    [
        ("", "it is empty"),
        ("\n\n", "it is empty"),
        ("4 3\n", "it begins with '4 3'"),
        (BODY.replace(" ", ","), "it begins with 'the,1,2,3'"),
        (BODY.replace(" ", ";"), "it begins with 'the;1;2;3'"),
        ("xyzzy 1 2 3\n", "it begins with 'xyzzy 1 2 3'"),
        ("the\nmarket\n", "it begins with 'the'"),
        ("\u0434\u043e\u043c 1 2 3\n", "it begins with '\u0434\u043e\u043c 1 2 3'"),
        ("the" + "x" * 500 + " 1 2 3\n", "it begins with 'thexxx"),
        ("1 2 3\n4 5 6\n", "it begins with '1 2 3'"),
    ],
)
def test_a_file_with_none_of_the_words_is_an_error_that_shows_how_it_begins(tmp_path, content, begins):
    with pytest.raises(DataUnavailableError) as caught:
        read(tmp_path, content)
    said = str(caught.value)
    assert said.startswith(f"word vectors {tmp_path}/v.txt: has none of the 6 words that are sought; {begins}")
    assert "\n" not in said
    assert len(said) < 300 + len(str(tmp_path))


@pytest.mark.parametrize("size", [2, 4, 100])
@pytest.mark.parametrize("content", [BODY, f"4 3\n{BODY}", f"1000 3\n{BODY}", BODY.upper()])
def test_vectors_of_another_size_say_which(tmp_path, content, size):
    with pytest.raises(ConfigurationError, match=f"v.txt: have 3 values, not {size}: set `size`"):
        read(tmp_path, content, size=size)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (BODY.replace("5", "five"), "line 2: 'five' is no number"),
        (BODY.replace("5", "nan"), "line 2: a value is NaN or infinite"),
        (BODY.replace("5", "1e999"), "line 2: a value is NaN or infinite"),
        (BODY.removesuffix(" 1\n"), "line 4 has 2 values, and those before it 3"),
        (BODY.replace("film", "f\u00eflm").encode("latin-1"), "line 3 is not UTF-8, see byte 2: save it as UTF-8"),
        (BODY.encode("utf-16"), "line 1 begins as UTF-16 does: save it as UTF-8"),
        (BODY.encode("utf-16-le"), "line 1 holds a byte 0"),
        (b"3 3\nthe \x00\x00\x80?\x00\x00\x80?\n", "line 2 holds a byte 0"),
    ],
)
def test_a_line_that_cannot_be_read_is_named(tmp_path, content, words):
    with pytest.raises(DataUnavailableError, match=words) as caught:
        read(tmp_path, content)
    assert str(caught.value).startswith(f"word vectors {tmp_path}/v.txt: cannot be read (")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        gzip.compress(BODY.encode(), mtime=0)[:30],
        b"no gzip",
        gzip.compress(BODY.encode(), mtime=0)[:20] + b"x" * 20,
    ],
)
def test_a_damaged_compressed_file_is_one_line(tmp_path, content):
    with pytest.raises(DataUnavailableError, match=r"v\.txt\.gz: cannot be read \("):
        read(tmp_path, content, "v.txt.gz")


def test_few_words_are_told(tmp_path):
    found, heard = read(tmp_path, "the 1 2 3\nmarket 4 5 6\n")
    assert len(found) == 2
    assert heard == [f"word vectors {tmp_path}/v.txt: has 2 of 6 words; the others begin at random"]


def test_an_array_is_read_by_the_words_beside_it(tmp_path):
    np.save(tmp_path / "v.npy", np.array(list(FOUND.values()), np.float64))
    for names in ("the\nmarket\nfilm\ncafe\n", "\ufeffThe\r\nmarket\r\nfilm\r\ncaf\u00e9", "the\nmarket\nfilm\ncafe"):
        (tmp_path / "v.txt").write_bytes(names.encode())
        assert {place: one.tolist() for place, one in vectors_of(WORDS, str(tmp_path / "v.npy"), 3)} == FOUND


@pytest.mark.parametrize(
    ("array", "names", "words"),
    [
        (np.ones((2, 3)), "the\n", r"\(2, 3\) values for 1 words"),
        (np.ones((2, 3)), "a\nb\n", "has none of the 6 words"),
        (np.ones(3), "the\nfilm\ncafe\n", r"\(3,\) values for 3 words"),
        (np.ones((1, 4)), "the\n", "have 4 values, not 3: set `size`"),
        (np.array([[1, np.nan, 1]]), "the\n", "row 0: a value is NaN or infinite"),
        (np.array([[1, 2, 3]], dtype=object), "the\n", "cannot be read"),
        (np.ones((1, 3)), None, "v.txt"),
    ],
)
def test_an_array_that_does_not_fit_is_one_line(tmp_path, array, names, words):
    np.save(tmp_path / "v.npy", array)
    if names is not None:
        (tmp_path / "v.txt").write_text(names)
    with pytest.raises(MebenchError, match=words):
        vectors_of(WORDS, str(tmp_path / "v.npy"), 3)


def test_no_words_need_no_vectors(tmp_path):
    assert read(tmp_path, BODY, words=[]) == ({}, [])


def test_a_network_whose_vectors_have_none_of_its_words_is_not_built(tmp_path):
    listed = WordList(("the", "market", "film"))
    spec = InputSpec((5,), 2, 0, listed.size - 1, dtype=torch.int64)
    (tmp_path / "v.txt").write_text(BODY)
    named = Component("kim-cnn", {"vectors": str(tmp_path / "v.txt"), "size": 3})
    network = build_network(named, spec, 0, Lexicon.complete(listed))
    assert network.vectors.weight[FIRST:].tolist() == [FOUND[0], FOUND[1], FOUND[2]]
    (tmp_path / "v.txt").write_text(BODY.replace(" ", ","))
    with pytest.raises(DataUnavailableError, match="has none of the 3 words"):
        build_network(named, spec, 0, Lexicon.complete(listed))
