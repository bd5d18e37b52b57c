"""When the check `beats_noise` has seen enough; runs of real attacks are in `tests/plugins/test_conformance.py`."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from mebench.api.errors import ConfigurationError
from mebench.testing import AttackUnderTest
from mebench.testing.checks import learning
from mebench.testing.faults import CheckFailed

POOL, GENERATOR = AttackUnderTest("random-pool"), AttackUnderTest("random-generator")


@pytest.fixture
def look(monkeypatch):
    """Give the fidelities of each run, attack before control; return the budgets that were spent."""
    asked = []

    def look(target, *found):
        left = list(found)

        def fidelities(target, exam, budget, seed):
            asked.append(budget)
            if left[0] is None:
                del left[0]
                raise ConfigurationError("too few")
            return left.pop(0)

        monkeypatch.setattr(learning, "_fidelities", fidelities)
        learning.beats_noise(target)
        return asked

    monkeypatch.setattr(
        learning, "trained_victim", lambda: SimpleNamespace(victim=None, test_inputs=None, test_labels=None)
    )
    monkeypatch.setattr(learning.Examination, "of", lambda *more: None)
    return look


def test_an_attack_that_chooses_from_a_pool_and_is_far_ahead_early_is_asked_for_no_more(look):
    assert look(POOL, (0.7, 0.3)) == [1000]


@pytest.mark.parametrize("early", [(0.5, 0.3), (0.1, 0.9), None])
def test_else_it_spends_the_whole_budget_as_every_other_does(look, early):
    assert look(POOL, early, (0.7, 0.3)) == [1000, 4000]


def test_an_attack_that_generates_has_no_early_lead(look):
    assert look(GENERATOR, (0.7, 0.3)) == [4000]


def test_two_that_are_close_are_compared_with_three_seeds_and_the_better_one_passes(look):
    assert look(GENERATOR, (0.3, 0.28), (0.3, 0.31), (0.3, 0.28)) == [4000] * 3


def test_an_attack_that_is_behind_fails_whatever_it_chooses_from(look):
    with pytest.raises(CheckFailed, match=r"fidelity 30.0%, the same learner on noise 40.0%, with 4,000 queries"):
        look(POOL, (0.3, 0.2), (0.3, 0.4))
