"""Inputs that are ids of words: what the oracle takes, and how queries are recorded."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from mebench.api.contract import InputSpec, Response, Victim
from mebench.api.errors import InvalidQueryError
from mebench.oracle.channels.answers import LabelChannel
from mebench.oracle.ledger import QueryLedger
from mebench.oracle.oracle import BudgetedOracle
from mebench.oracle.recording import QueryRecorder, RecordedQueries

SPEC = InputSpec((5,), 3, 0, 99, torch.int64)


class FirstWord(nn.Module):
    """The class of a text is its first word's id, modulo 3."""

    def forward(self, ids):
        return nn.functional.one_hot(ids[:, 0] % 3, 3).float()


def oracle():
    ledger = QueryLedger(100)
    return BudgetedOracle(Victim(FirstWord(), SPEC, outputs="logits"), LabelChannel(), ledger, "toy"), ledger


def test_ids_of_words_are_asked_and_answered():
    asked, ledger = oracle()
    ids = torch.tensor([[0, 0, 0, 0, 0], [99, 1, 0, 0, 0], [4, 99, 99, 99, 99]])
    assert asked.query(ids).labels.tolist() == [0, 0, 1]
    assert ledger.spent == 3


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        (torch.zeros(2, 5), "type torch.float32; the victim takes int64 ids of words"),
        (torch.zeros(2, 5, dtype=torch.int32), "type torch.int32; the victim takes int64 ids of words"),
        (torch.full((1, 5), 100), r"outside \[0, 99\]"),
        (torch.full((1, 5), -1), r"outside \[0, 99\]"),
        (torch.zeros(2, 6, dtype=torch.int64), r"the victim takes \(batch, 5\)"),
    ],
)
def test_what_is_no_text_over_the_word_list_is_refused_and_costs_nothing(inputs, words):
    asked, ledger = oracle()
    with pytest.raises(InvalidQueryError, match=f"toy: asked a query.*{words}"):
        asked.query(inputs)
    assert ledger.spent == 0


def test_a_large_word_list_is_named_in_full():
    spec = InputSpec((2,), 2, 0, 399_999, torch.int64)
    asked = BudgetedOracle(Victim(nn.Identity(), spec), LabelChannel(), QueryLedger(1), "toy")
    with pytest.raises(InvalidQueryError, match=r"\[0, 399999\]"):
        asked.query(torch.full((1, 2), 400_000))


def test_queries_are_recorded_as_the_ids_that_they_are(tmp_path):
    ids = torch.randint(0, 400_000, (40, 5), generator=torch.Generator().manual_seed(1))
    recorder = QueryRecorder(tmp_path / "rows", InputSpec((5,), 3, 0, 399_999, torch.int64), False)
    recorder.start()
    for part in ids.split(7):
        recorder.observe(part, Response(part[:, 0] % 3), "train")
    recorder.compact(tmp_path / "queries.safetensors")
    assert load_file(tmp_path / "queries.safetensors")["queries"].dtype == torch.int32
    inputs, labels = RecordedQueries(tmp_path / "queries.safetensors").batch([3, 39])
    assert inputs.dtype == torch.int64
    assert torch.equal(inputs, ids[[3, 39]])
    assert torch.equal(labels, ids[[3, 39], 0] % 3)
