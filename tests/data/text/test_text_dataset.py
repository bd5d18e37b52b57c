"""Texts in memory, as victims and pools take them."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from mebench.api.contract import InputSpec
from mebench.api.errors import ConfigurationError
from mebench.data.pools import DatasetPool
from mebench.data.text.dataset import TextDataset
from mebench.data.text.words import WordList

WORDS = WordList(("a", "b", "c"))
TEXTS = TextDataset("toy", WORDS.encode(["a b", "c c c d", "b"], 3), torch.tensor([0, 1, 1]), 2, "made", WORDS)


def test_inputs_are_int64_ids_and_the_spec_covers_the_whole_list():
    assert TEXTS.inputs([1, 0]).tolist() == [[4, 4, 4], [2, 3, 0]]
    assert TEXTS.inputs().dtype == torch.int64
    assert TEXTS.spec() == InputSpec((3,), 2, 0, 4, torch.int64)
    assert len(TEXTS.subset([2, 2])) == 2


def test_a_pool_of_texts_gives_ids_without_labels():
    pool = DatasetPool(TEXTS)
    assert (len(pool), pool.shape, pool.digest) == (3, (3,), TEXTS.digest)
    assert torch.equal(pool.to("cpu").inputs(torch.tensor([2])), torch.tensor([[3, 0, 0]]))
    assert pool.lexicon().counts.tolist() == [3, 0, 1, 2, 3]


def test_the_digest_depends_on_words_ids_and_labels():
    other = [
        replace(TEXTS, words=WordList(("a", "b", "d"))),
        replace(TEXTS, ids=TEXTS.ids.flip(0)),
        replace(TEXTS, labels=torch.tensor([1, 1, 1])),
    ]
    assert len({TEXTS.digest, *(one.digest for one in other)}) == 4
    assert replace(TEXTS, name="other").digest == TEXTS.digest


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"ids": TEXTS.ids.long()}, "must be int32"),
        ({"ids": TEXTS.ids + 2}, "ids run from 2 to 6, outside 0 to 4"),
        ({"labels": torch.tensor([0, 1])}, "3 texts need as many int64 labels"),
        ({"labels": torch.tensor([0, 1, 2])}, "labels run from 0 to 2, outside 0 to 1"),
    ],
)
def test_parts_that_do_not_fit_are_refused(change, words):
    with pytest.raises(ConfigurationError, match=words):
        replace(TEXTS, **change)


def test_texts_have_no_image_size():
    with pytest.raises(ConfigurationError, match="'toy' holds texts, which have no image_size"):
        TEXTS.inputs(None, (8, 8))
