"""From raw text to ids over the public word list."""

from __future__ import annotations

import gzip
import unicodedata

import pytest
import torch
from click.testing import CliRunner

from mebench.api.errors import DataUnavailableError
from mebench.api.notices import notices_to
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
    vectors.write_bytes(gzip.compress(b"the 0.1 0.2\nof -1 3\nking 0 0\n", mtime=0))
    assert word_list(str(plain)).words == word_list(str(vectors)).words == ("the", "of", "king")


def read_list(tmp_path, content, name="list.txt"):
    """The list and what was said of it."""
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    heard = []
    with notices_to(heard.append):
        return word_list(str(tmp_path / name)), heard


FRENCH = "caf\u00e9\n\u00e9t\u00e9\nle\nna\u00efve\n"


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("change", [str, str.upper, str.title, lambda text: f"\ufeff{text}"])
def test_accented_words_of_a_list_are_met_in_texts_however_either_is_written(tmp_path, form, change):
    words, heard = read_list(tmp_path, unicodedata.normalize(form, change(FRENCH)))
    for text in (
        "le caf\u00e9 na\u00efve \u00e9t\u00e9",
        "LE CAF\u00c9 NA\u00cfVE \u00c9T\u00c9",
        "le cafe\u0301 naive ete",
    ):
        assert words.encode([text], 4).tolist() == [[4, 2, 5, 3]]
    assert heard == []


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("\ufeffthe\nof\n", ("the", "of")),
        ("the\r\nof\r\n", ("the", "of")),
        ("the\rof\r", ("the", "of")),
        ("the\t5\nof 3\n", ("the", "of")),
        ("2 3\nthe 1 2 3\nof 1 2 3\n", ("the", "of")),
        ("the 1 2 3\n2 3\n", ("the", "2")),
        ("2\n3\n", ("2", "3")),
    ],
)
def test_marks_line_ends_and_headers_are_no_words(tmp_path, content, words):
    assert read_list(tmp_path, content)[0].words == words


def test_words_that_no_text_can_hold_keep_their_places_and_are_counted(tmp_path):
    words, heard = read_list(
        tmp_path, "well-known\nthe\n.\ncaf\u00e9\ncafe\nstra\u00dfe\ndon't\nn't\n\u0434\u043e\u043c\n"
    )
    assert words.words == (
        "well-known",
        "the",
        ".",
        "caf\u00e9",
        "cafe",
        "stra\u00dfe",
        "don't",
        "n't",
        "\u0434\u043e\u043c",
    )
    assert heard == [
        f"word list {tmp_path}/list.txt: 6 of 9 words never occur in texts as they are split, such as 'well-known'"
    ]
    assert words.encode(["the cafe, don't! caf\u00e9"], 8).tolist() == [
        [3, 6, UNKNOWN, UNKNOWN, 9, UNKNOWN, 6, PADDING]
    ]


@pytest.mark.parametrize("content", ["the,1\nof,2\n", "\u0434\u043e\u043c\n\u043d\u043e\u0441\n", "well-known\n-\n"])
def test_a_list_none_of_whose_words_can_occur_is_an_error(tmp_path, content):
    with pytest.raises(
        DataUnavailableError, match=r"2 of 2 words never occur in texts .* a word at the start of each line"
    ):
        read_list(tmp_path, content)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("list.txt", "le\ncaf\u00e9\n".encode("latin-1"), "line 2 is not UTF-8, see byte 4: save it as UTF-8"),
        ("list.txt", FRENCH.encode("utf-16"), "line 1 begins as UTF-16 does: save it as UTF-8"),
        ("list.txt", FRENCH.encode("utf-16-le"), "line 1 holds a byte 0"),
        ("list.txt.gz", b"the\nof\n", "cannot be read"),
        ("list.txt.gz", gzip.compress(b"the\nof\n" * 99, mtime=0)[:25], "cannot be read"),
        ("list.txt.gz", gzip.compress(b"the\nof\n" * 99, mtime=0)[:12] + b"x" * 40, "cannot be read"),
    ],
)
def test_a_line_of_a_list_that_cannot_be_read_is_named(tmp_path, name, content, words):
    with pytest.raises(DataUnavailableError, match=words) as caught:
        read_list(tmp_path, content, name)
    assert str(caught.value).startswith(f"word list {tmp_path}/{name}: ")
    assert "\n" not in str(caught.value)


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
