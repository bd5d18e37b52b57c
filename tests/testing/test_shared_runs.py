"""Checks that only look at a run of an attack share it."""

from __future__ import annotations

import pytest
from broken_attacks import honest, target

from mebench.registry.catalogue import registry
from mebench.registry.entries import ChannelEntry
from mebench.testing.shared import finished
from mebench.testing.stage import Stage


def test_a_run_is_made_once_and_its_default_channel_is_the_first():
    attack = target(honest)
    run = finished(attack, Stage(budget=40))
    assert run.ledger.spent == 40
    assert finished(attack, Stage(budget=40)) is run
    assert finished(attack, Stage(budget=40), attack.channel_entries[0]) is run


def test_another_stage_channel_or_attack_has_a_run_of_its_own():
    attack = target(honest)
    run = finished(attack, Stage(budget=40))
    assert finished(attack, Stage(budget=40, seed=1)) is not run
    assert finished(attack, Stage(budget=40), registry().get(ChannelEntry, "vg")) is not run
    assert finished(target(honest), Stage(budget=40)) is not run


def test_a_run_that_fails_is_made_anew():
    attack = target("dislikes_smoothgrad")
    channel = registry().get(ChannelEntry, "sg")
    for _ in range(2):
        with pytest.raises(KeyError, match="sg"):
            finished(attack, Stage(budget=40), channel)
