"""The parts of a trial by themselves: pictures, the early end, the checkpoint."""

from __future__ import annotations

import resource

import pytest
import torch
from torch import nn

from mebench.api.contract import Attack, InputSpec, Learner, QueryStrategy
from mebench.api.errors import NotFiniteQueryError, NothingToAskError, PluginFaultError, ResultsError, UnwritableError
from mebench.guard.call import Guard
from mebench.oracle.ledger import QueryLedger
from mebench.results.trial_folder import TrialFolder
from mebench.trial.checkpoint import Checkpoint
from mebench.trial.early_end import EarlyEnd
from mebench.trial.pictures import Pictures, save_grid

SPEC = InputSpec((1, 8, 8), 10)


class Still(QueryStrategy):
    """Changes nothing."""

    def propose(self, oracle, clone):
        return torch.empty(0, *SPEC.shape)

    def state_dict(self):
        return {}

    def load_state_dict(self, state):
        pass


class Holding(Learner):
    """A clone with one weight."""

    def __init__(self, weight: float) -> None:
        self.clone = nn.Linear(1, 1)
        nn.init.constant_(self.clone.weight, weight)

    def learn(self, queries, response):
        pass

    def state_dict(self):
        return self.clone.state_dict()

    def load_state_dict(self, state):
        self.clone.load_state_dict(state)


class Value:
    """A part with one value."""

    def __init__(self, value):
        self.value = value

    def state_dict(self):
        return {"value": self.value}

    def load_state_dict(self, state):
        self.value = state["value"]


def pictures(tmp_path, *turns: int, budget: int = 1000) -> list[str]:
    """The pictures between the first and the last of turns with so many queries each; the first is kept at once."""
    kept, spent = Pictures(TrialFolder(tmp_path), SPEC, budget), 0
    for number, queries in enumerate(turns):
        spent += queries
        kept.note_turn(torch.rand(queries, *SPEC.shape))
        kept.keep_between_if_due(spent, first_is_kept=number > 0, last=spent >= budget)
        kept.load_state_dict(kept.state_dict())  # as a stop between any two turns would
    return sorted(file.stem.lstrip("0") for file in (tmp_path / "samples").glob("*.png"))


@pytest.mark.parametrize(
    ("turns", "kept"),
    [
        ([10] * 100, ["100", "250", "500"]),
        ([300] * 4, ["600"]),
        ([100, 90, *[81] * 10], ["190", "271", "514"]),
        ([600, 400], []),
        ([50, 50, 50], ["100"]),
    ],
    ids=["small turns", "large turns", "a seed and then choices", "two turns", "stopped early"],
)
def test_pictures_are_kept_at_a_tenth_a_quarter_and_half_and_of_the_first_choice(tmp_path, turns, kept):
    assert pictures(tmp_path, *turns) == kept


def test_a_picture_is_of_the_queries_of_its_turn_though_their_tensor_is_used_again(tmp_path):
    one, other = (Pictures(TrialFolder(tmp_path / name), SPEC, 100) for name in "ab")
    buffer = torch.rand(5, *SPEC.shape)
    one.note_turn(buffer.clone())
    other.note_turn(buffer)
    buffer.zero_()
    for kept in (one, other):
        kept.keep_last()
    assert (tmp_path / "a" / "samples.png").read_bytes() == (tmp_path / "b" / "samples.png").read_bytes()


@pytest.mark.parametrize(
    ("error", "weight", "spent", "ends"),
    [
        (NothingToAskError("nothing"), 1.0, 0, "exhausted"),
        (NotFiniteQueryError("NaN"), float("inf"), 5, "diverged"),
        (NotFiniteQueryError("NaN"), 1.0, 5, "raises"),
        (NotFiniteQueryError("NaN"), float("inf"), 0, "raises"),
    ],
    ids=["nothing left", "weights not finite", "weights finite", "nothing learnt"],
)
def test_turns_end_early_where_nothing_is_left_or_training_has_diverged(error, weight, spent, ends):
    ledger = QueryLedger(10)
    ledger.charge(spent, "train")
    end = EarlyEnd(Attack(Still(), Holding(weight)), ledger)
    assert not end
    if ends == "raises":
        with pytest.raises(NotFiniteQueryError), end.noticed():
            raise error
        assert not end
        return
    with end.noticed():
        raise error
    assert bool(end)
    assert end.state_dict() == {"exhausted": ends == "exhausted", "diverged": ends == "diverged"}


def test_a_checkpoint_restores_all_parts_by_name(tmp_path):
    values = {"a": Value(torch.arange(3)), "b": Value({"deep": [1, (2.5, None)]})}
    Checkpoint(tmp_path / "checkpoint", values, Guard("attack toy")).save()
    restored = {"b": Value(0), "a": Value(0)}
    Checkpoint(tmp_path / "checkpoint", restored, Guard("attack toy")).resume()
    assert torch.equal(restored["a"].value, torch.arange(3))
    assert restored["b"].value == {"deep": [1, (2.5, None)]}


def test_a_state_that_cannot_be_saved_is_the_attacks_fault_and_says_where(tmp_path):
    checkpoint = Checkpoint(tmp_path / "checkpoint", {"strategy": Value(object())}, Guard("attack toy"))
    with pytest.raises(PluginFaultError, match=r"attack toy: state\['strategy'\]\['value'\]: a state dict cannot hold"):
        checkpoint.save()
    assert not (tmp_path / "checkpoint").exists()


def test_a_checkpoint_of_another_format_is_not_read(tmp_path, monkeypatch):
    monkeypatch.setattr("mebench.trial.checkpoint.FORMAT", 1)
    Checkpoint(tmp_path / "checkpoint", {"a": Value(1)}, Guard("attack toy")).save()
    monkeypatch.undo()
    part = Value(0)
    with pytest.raises(ResultsError, match="another version of mebench"):
        Checkpoint(tmp_path / "checkpoint", {"a": part}, Guard("attack toy")).resume()
    assert part.value == 0


def test_a_checkpoint_of_another_trial_is_not_read(tmp_path):
    mine, theirs = ({"trial": name, "victim": "v"} for name in "ab")
    Checkpoint(tmp_path / "checkpoint", {"a": Value(1)}, Guard("attack toy"), mine).save()
    with pytest.raises(ResultsError, match="of another trial"):
        Checkpoint(tmp_path / "checkpoint", {"a": Value(0)}, Guard("attack toy"), theirs).resume()


@pytest.mark.parametrize("parts", [{"a": Value(0), "b": Value(0)}, {"a": Holding(1.0)}], ids=["lacks", "shape"])
def test_a_checkpoint_that_no_part_can_go_on_from_says_which(tmp_path, parts):
    Checkpoint(tmp_path / "checkpoint", {"a": Value(1)}, Guard("attack toy")).save()
    with pytest.raises(ResultsError, match=f"checkpoint: {max(parts)} cannot go on from it"):
        Checkpoint(tmp_path / "checkpoint", parts, Guard("attack toy")).resume()


def test_a_picture_for_which_there_is_no_room_leaves_the_old_one_and_is_named(tmp_path):
    path, spec = tmp_path / "samples.png", InputSpec((1, 8, 8), 10)
    save_grid(path, torch.zeros(25, 1, 8, 8), spec)
    before, limit = path.read_bytes(), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before), limit[1]))
    try:
        with pytest.raises(UnwritableError, match=r"samples\.png: cannot be written: File too large"):
            save_grid(path, torch.rand(25, 1, 8, 8), spec)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["samples.png"]
