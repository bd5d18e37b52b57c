"""Rounds of a choice among a pool, beside a selection that takes the first rows."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn
from toys import SPEC, context_of, one_turn, oracle_of, perceptron, pool_of

from mebench.api.contract import Attack, Learner
from mebench.api.errors import ConfigurationError
from mebench.oracle.channels.answers import LabelChannel
from mebench.toolkit import Scene, SelectionStrategy, highest, lowest, round_sizes


class Onlooker(Learner):
    """A clone that learns nothing."""

    def __init__(self):
        self.clone = perceptron(seed=2)

    def learn(self, queries, response):
        pass

    def state_dict(self):
        return {}

    def load_state_dict(self, state):
        pass


def started(rounds, select=None, budget=30, rows=60, **given):
    """A strategy before its first turn, with a learner, an oracle and its ledger."""
    context = context_of(LabelChannel(), perceptron(seed=2), budget, pool=pool_of(rows))
    oracle, ledger = oracle_of(perceptron(seed=1), LabelChannel(), budget)
    return Attack(SelectionStrategy(context, rounds, select, **given), Onlooker()), oracle, ledger


def test_a_round_asks_what_was_selected_of_what_is_open():
    scenes = []
    attack, oracle, _ = started([5, 3, 2], lambda scene, k: scenes.append(scene) or scene.candidates[:k])
    pool = pool_of(60)
    first = one_turn(attack, oracle)
    for k in (3, 2):
        asked = one_turn(attack, oracle)
        assert torch.equal(asked, pool.inputs(scenes[-1].candidates[:k]))
    assert len(one_turn(attack, oracle)) == 0
    assert torch.equal(first, pool.inputs(scenes[0].answered))
    assert len(torch.cat([scenes[1].candidates, scenes[1].answered]).unique()) == 60
    assert torch.equal(scenes[1].labels, perceptron(seed=1)(pool.inputs(scenes[1].answered)).argmax(1))


def test_validation_queries_are_charged_as_such_and_never_candidates():
    held = []
    attack, oracle, ledger = started(
        [5, 4], lambda scene, k: scene.candidates[-k:], validation=6, hold_out=lambda *told: held.append(told)
    )
    for _ in range(2):
        one_turn(attack, oracle)
    assert ledger.by_purpose == {"train": 9, "explore": 0, "validation": 6}
    ((queries, response),) = held
    assert torch.equal(perceptron(seed=1)(queries).argmax(1), response.labels)
    assert int(attack.strategy.state_dict()["open"].sum()) == 60 - 15


def test_a_budget_that_ends_within_a_round_is_not_overspent():
    attack, oracle, ledger = started([4, 9], lambda scene, k: scene.candidates[:k], budget=7)
    assert [len(one_turn(attack, oracle)) for _ in range(2)] == [4, 3]
    assert ledger.spent == 7


def test_a_resumed_strategy_asks_the_same():
    def select(scene, k):
        return scene.candidates[torch.randperm(len(scene.candidates), generator=scene.random)[:k]]

    first, oracle, _ = started([4, 3, 3], select)
    one_turn(first, oracle)
    state, drawn = copy.deepcopy(first.strategy.state_dict()), first.strategy.random.get_state()
    expected = [one_turn(first, oracle) for _ in range(2)]
    second, other, _ = started([4, 3, 3], select)
    second.strategy.load_state_dict(state)
    second.strategy.random.set_state(drawn)
    assert all(map(torch.equal, expected, [one_turn(second, other) for _ in range(2)]))


def test_without_a_pool_nothing_can_be_selected():
    with pytest.raises(ConfigurationError, match="pool:"):
        SelectionStrategy(context_of(LabelChannel(), perceptron()), [3])


def scene_of(clone, pool):
    none = torch.empty(0, dtype=torch.int64)
    return Scene(clone, pool, torch.arange(len(pool)), none, none, torch.device("cpu"), torch.Generator())


def test_a_pool_is_looked_over_in_eval_mode_batch_by_batch(monkeypatch):
    clone = nn.Sequential(perceptron(), nn.Dropout(0.9)).train()
    sizes, pool, plain = [], pool_of(1200), pool_of(1200).inputs
    monkeypatch.setattr(pool, "inputs", lambda rows: (sizes.append(len(rows)), plain(rows))[1])
    found = scene_of(clone, pool).over(torch.arange(1200), clone)
    assert sizes == [512, 512, 176]
    assert clone.training
    assert found.shape == (1200, SPEC.num_classes)
    torch.testing.assert_close(found, clone.eval()(plain(None)).detach())


def test_rounds_grow_and_sum_up_to_the_budget():
    assert round_sizes(110, 0.1, 9) == [11, *[11] * 9]
    sizes = round_sizes(6000, 0.1, 10, 1.1)
    assert sizes[0] == 600
    assert sum(sizes) == 6000
    assert sizes[1:] == sorted(sizes[1:])
    assert sizes[2] / sizes[1] == pytest.approx(1.1, abs=0.01)
    assert round_sizes(3, 0.1, 10, 1.01) == [1, 1, 1]
    assert round_sizes(1, 0.1, 10, 1.01) == [1]


def test_many_rounds_that_grow_steeply_leave_the_budget_to_the_last() -> None:
    assert round_sizes(100, 0.1, 400, 10.0) == [10, 1, 8, 81]


def test_of_rows_that_are_equally_good_the_first_is_taken():
    rows, scores = torch.tensor([7, 5, 9, 2]), torch.tensor([1.0, 3.0, 1.0, 3.0])
    assert highest(rows, scores, 3).tolist() == [5, 2, 7]
    assert lowest(rows, scores, 3).tolist() == [7, 9, 5]
