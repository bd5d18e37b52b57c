"""From raw text to ids over the public word list."""

from __future__ import annotations

import gzip

import pytest
import torch
from click.testing import CliRunner

from mebench.api.errors import DataUnavailableError
from mebench.data.embedded.make_english_words import main
from mebench.data.text.words import PADDING, UNKNOWN, Lexicon, WordList, tokenise, word_list


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("It's GOOD, isn't it?", "it 's good , is n't it ?"),
        ("They've said we'll see", "they 've said we 'll see"),
        ("a well-made film (of 1999)!", "a well made film ( of 1999 ) !"),
        ("the café — naïve", "the cafe naive"),
        ("don\u2019t", "do n't"),
        ("the o'shea family's", "the o'shea family 's"),
        ("4.5 stars; $20", "4 5 stars 20"),
        (" \t\n", ""),
    ],
)
def test_words_follow_the_rules_of_kim(text, words):
    assert " ".join(tokenise(text)) == words


def test_ids_are_places_on_the_list_and_what_is_not_on_it_is_unknown():
    words = WordList(("a", "b", "c"))
    ids = words.encode(["b c x a", "", "a b c a b c"], 4)
    assert ids.dtype == torch.int32
    assert ids.tolist() == [[3, 4, UNKNOWN, 2], [PADDING] * 4, [2, 3, 4, 2]]
    assert [words.decode(row.tolist()) for row in ids] == ["b c ? a", "", "a b c a"]


def test_the_list_that_ships_is_large_and_has_every_word_once_as_texts_are_split():
    words = word_list()
    assert len(words.words) == len(set(words.words)) == 77_310
    assert all(tokenise(word) == [word] for word in words.words[::50])
    assert words.digest == "52625f00daa4f20d"


def test_a_list_of_ones_own_may_be_of_words_or_of_word_vectors(tmp_path):
    plain, vectors = tmp_path / "plain.txt", tmp_path / "vectors.txt.gz"
    plain.write_text("The\nof\nof\n\nking\n")
    vectors.write_bytes(gzip.compress(b"the 0.1 0.2\nof -1 3\nking 0 0\n"))
    assert word_list(str(plain)).words == word_list(str(vectors)).words == ("the", "of", "king")


def test_a_list_that_has_changed_is_read_again(tmp_path):
    file = tmp_path / "list.txt"
    file.write_text("one\n")
    assert word_list(str(file)).size == 3
    file.write_text("one\ntwo\n")
    assert word_list(str(file)).size == 4


@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe"])
def test_a_list_that_cannot_be_read_is_said_in_one_line(tmp_path, content):
    if content is not None:
        (tmp_path / "list.txt").write_bytes(content)
    with pytest.raises(DataUnavailableError, match=r"word list .*list\.txt: "):
        word_list(str(tmp_path / "list.txt"))


def test_a_lexicon_counts_words_by_id():
    words = WordList(("a", "b", "c"))
    counts = Lexicon.of(words, words.encode(["a a c", "c x"], 4)).counts
    assert counts.tolist() == [3, 1, 2, 0, 2]
    assert Lexicon.complete(words).counts.tolist() == [1] * 5


def test_the_embedded_list_is_made_of_marks_small_numbers_and_the_words_of_files(tmp_path):
    (tmp_path / "words").write_text("zebra\nCafé\ndon't\n7\n")
    target = tmp_path / "made.txt.gz"
    result = CliRunner().invoke(main, [str(tmp_path / "words"), str(target)], catch_exceptions=False)
    assert result.exit_code == 0
    made = gzip.decompress(target.read_bytes()).decode().splitlines()
    assert made[:3] == ["(", ")", ","]
    assert made[13:15] == ["0", "1"]
    assert made[-3:] == ["cafe", "do", "zebra"]
