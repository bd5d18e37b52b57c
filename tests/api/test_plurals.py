"""How numbers and unknown words are said."""

from __future__ import annotations

import pytest

from mebench.api.plurals import counted
from mebench.api.suggestions import did_you_mean, nearest


@pytest.mark.parametrize(
    ("number", "noun", "words"),
    [
        (0, "trial", "0 trials"),
        (1, "trial", "1 trial"),
        (2, "query", "2 queries"),
        (1_400, "new seed", "1,400 new seeds"),
    ],
)
def test_what_is_counted_is_singular_for_one_alone(number, noun, words):
    assert counted(number, noun) == words


NAMES = ["dfme", "knockoff", "probability", "resnet18", "random-pool", "label"]


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("DFME", "dfme"),
        ("knockof", "knockoff"),
        ("Random_Pool", "random-pool"),
        ("prob", "probability"),
        ("lable", "label"),
        ("res", "resnet18"),
        ("re", None),
        ("xyz", None),
        ("", None),
    ],
)
def test_the_word_that_is_meant_is_found_whatever_its_capitals_and_dashes(word, meant):
    assert nearest(word, NAMES) == meant


def test_an_option_is_compared_without_its_dashes():
    assert nearest("--budgt", ["--out", "--seeds"]) is None
    assert nearest("--budgt", ["--out", "--budget"]) == "--budget"
    assert nearest("--keep_other_code", ["--keep-other-code"]) == "--keep-other-code"


def test_of_few_known_words_all_are_named_where_none_is_near():
    assert did_you_mean("xyz", ["a1", "b2"]) == ". Known: a1, b2"
    assert did_you_mean("xyz", map(str, range(13))) == ""
