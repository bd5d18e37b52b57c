"""An attack is not blamed for what its channel does."""

from __future__ import annotations

import pytest
from broken_attacks import BROKEN, honest, target
from odd_channels import (
    Deaf,
    DrawingGlobally,
    Forgetful,
    Listed,
    Losing,
    Noisy,
    Remembering,
    Unrepeatable,
    Unsavable,
    Untold,
    entry,
)

from mebench.registry.catalogue import registry
from mebench.registry.entries import ChannelEntry
from mebench.testing import CHECKS, run_check
from mebench.testing.checks.repeatable import draws_from_named_streams, repeats_for_a_seed, resumes_from_every_turn
from mebench.testing.control import ENTRY
from mebench.testing.target import AttackUnderTest

BY_NAME = {check.__name__: check for check in CHECKS}
REPEATABLE = [repeats_for_a_seed, draws_from_named_streams, resumes_from_every_turn]
FAULTS = [
    (
        "resumes_from_every_turn",
        Unsavable,
        "failed",
        "channel unsavable: its state_dict['answers']: a state",
    ),
    (
        "resumes_from_every_turn",
        Forgetful,
        "failed",
        "channel forgetful: its attribute answers changed after its first",
    ),
    (
        "resumes_from_every_turn",
        Untold,
        "failed",
        "channel untold: state_dict failed: KeyError: 'answers'; the attack is",
    ),
    ("resumes_from_every_turn", Listed, "failed", "channel listed: state_dict returned a list, not a dict; the attack"),
    ("resumes_from_every_turn", Deaf, "failed", "channel deaf: load_state_dict failed: ValueError: no "),
    ("resumes_from_every_turn", Losing, "failed", "channel losing answers otherwise once it is saved and loaded"),
    (
        "repeats_for_a_seed",
        Unrepeatable,
        "failed",
        "channel unrepeatable answers the same queries otherwise the second",
    ),
    ("draws_from_named_streams", DrawingGlobally, "warned", "channel drawingglobally draws from a global generator"),
]


@pytest.mark.parametrize(("check", "channel", "state", "line"), FAULTS, ids=lambda value: str(value)[:40])
@pytest.mark.parametrize("attack", [honest, "mega"])
def test_a_channel_that_does_not_repeat_is_named_in_place_of_the_attack(attack, check, channel, state, line):
    if attack == "mega":
        small = {"batch_size": 32, "clone_lr": 1e-3, "max_epochs": 2, "memory": 400, "noise_vectors": 40}
        small |= {"noise_dim": 16, "generator_width": 4, "generator_steps": 2}
        tested = AttackUnderTest("mega", small, channels=(entry(channel),))
    else:
        tested = target(attack, channels=(entry(channel),))
    verdict = run_check(BY_NAME[check], tested)
    assert (verdict.state, verdict.why.startswith(line)) == (state, True), verdict


@pytest.mark.parametrize("check", REPEATABLE)
@pytest.mark.parametrize("channel", [Remembering, Noisy])
def test_a_channel_whose_state_and_noise_are_saved_is_not_blamed(check, channel):
    verdict = run_check(check, target(honest, channels=(entry(channel),)))
    assert verdict.state == "passed", verdict


@pytest.mark.parametrize(
    ("check", "words"),
    [
        ("repeats_for_a_seed", "the same seed asks other queries the second time"),
        ("resumes_from_every_turn", "it asks other queries than uninterrupted"),
        ("draws_from_named_streams", "draws from a global generator; `context.random.torch(name)`"),
    ],
)
def test_an_attack_that_does_not_repeat_is_blamed_itself(check, words):
    verdict = run_check(BY_NAME[check], BROKEN[check])
    assert words in verdict.why
    assert "channel" not in verdict.why


@pytest.mark.parametrize("check", REPEATABLE)
@pytest.mark.parametrize("name", registry().names(ChannelEntry))
def test_no_channel_that_ships_with_mebench_is_to_blame(check, name):
    assert run_check(check, AttackUnderTest(ENTRY, channels=(name,))).state == "passed"
