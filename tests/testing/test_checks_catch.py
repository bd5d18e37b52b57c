"""Every check fails the attack that breaks what it proves, and no other."""

from __future__ import annotations

import pytest
from broken_attacks import BROKEN, CHEATS, FIELDS, FOLLOWS, SAID, honest, target

from mebench.testing import CHECKS, run_check

NAMES = [check.__name__ for check in CHECKS]
HEAVY = {"beats_noise", "knows_nothing_without_answers", "asks_no_images_of_the_victim"}
"""Run only for those that break them and for the honest attack: they take seconds."""


def failing(verdicts):
    return {verdict.check: verdict.why for verdict in verdicts if verdict.state not in ("passed", "skipped")}


def test_there_is_a_broken_attack_for_every_check():
    assert list(BROKEN) == [name for name in BROKEN if name in NAMES]
    assert set(BROKEN) == set(NAMES)


def test_the_honest_attack_passes_every_check():
    attack = target(honest)
    assert failing(run_check(check, attack) for check in CHECKS) == {}


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_breaking_one_rule_fails_its_check_and_no_other(name):
    attack, follows = BROKEN[name], FOLLOWS.get(name, set())
    checks = [check for check in CHECKS if check.__name__ not in HEAVY or check.__name__ == name]
    found = failing(run_check(check, attack) for check in checks)
    assert set(found) == {name} | follows, found


@pytest.mark.parametrize("cheat", CHEATS)
def test_other_ways_to_cheat_are_caught(cheat):
    check = next(check for check in CHECKS if check.__name__ == CHEATS[cheat])
    verdict = run_check(check, target(cheat, **FIELDS.get(cheat, {})))
    assert verdict.state == "failed", verdict
    assert SAID.get(cheat, "") in verdict.why
