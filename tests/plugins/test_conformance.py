"""Every attack that ships with mebench passes its own conformance kit."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Annotated

from mebench.oracle.channels.entries import IntegratedGradientsParameters
from mebench.registry.catalogue import registry
from mebench.registry.entries import AttackEntry, ChannelEntry
from mebench.registry.parameter import Param
from mebench.testing import CHECKS, AttackUnderTest, parametrize_with_checks

LEARNER = {"batch_size": 32, "clone_lr": 0.03, "milestones": []}
FROZEN = {**LEARNER, "generator_width": 16, "noise_dim": 32}
GENERATOR = {**FROZEN, "generator_lr": 1e-3}
MEGA_CLONE = {"batch_size": 64, "clone_lr": 1e-3, "max_epochs": 2, "memory": 4000}
MEGA = {**MEGA_CLONE, "noise_vectors": 100, "noise_dim": 32, "generator_width": 8, "generator_steps": 3, "balance": 1.0}
PAIR = {"batch_size": 32, "generator_width": 8, "noise_dim": 16, "generator_lr": 5e-3, "milestones": []}
WIDE_PAIR = {**PAIR, "generator_width": 16}
RESTARTED = {
    "batch_size": 100,
    "generator_width": 8,
    "noise_dim": 16,
    "generator_steps": 5,
    "generator_lr": 1e-2,
    "clone_batch_size": 100,
    "clone_lr": 0.1,
    "epochs": 1,
}
THIEF = {"epochs": 2, "patience": 2, "batch_size": 50, "learning_rate": 5e-3}
ENSEMBLE = {"strategy": "dfal+k-center", "iterations": 3, "dfal_candidates": 100, "deepfool_steps": 3}


@dataclass(frozen=True)
class FiveSteps(IntegratedGradientsParameters):
    """Of `ig`, a tenth of the passes."""

    steps: Annotated[int, Param("Points on the way, m.", minimum=1)] = 5


FIVE_STEPS = replace(registry().get(ChannelEntry, "ig"), parameters=FiveSteps)

ATTACKS = [
    AttackUnderTest("dfme", {**GENERATOR, "generator_lr": 2e-3}),
    AttackUnderTest("megex", GENERATOR, channels=("vg", "sg", "ig", "white-box")),
    AttackUnderTest("int", GENERATOR, channels=(FIVE_STEPS,)),
    AttackUnderTest("default-grad", GENERATOR),
    AttackUnderTest(
        "dast",
        {"batch_size": 40, "generator_width": 4, "noise_dim": 32, "clone_lr": 1e-2, "generator_lr": 1e-3},
        channels=("label", "probability"),
        expected_failures={"beats_noise": "its first images are all of two classes, and 100 steps do not change that"},
    ),
    AttackUnderTest(
        "maze",
        {
            "batch_size": 16,
            "directions": 3,
            "replay_size": 200,
            "generator_width": 16,
            "noise_dim": 32,
            "generator_lr": 1e-2,
            "clone_lr": 0.03,
        },
    ),
    AttackUnderTest("random-generator", FROZEN),
    AttackUnderTest("wandering-generator", GENERATOR),
    AttackUnderTest(
        "noise",
        LEARNER,
        expected_failures={"beats_noise": "it is the noise that others are to beat"},
    ),
    AttackUnderTest("disguide", {**WIDE_PAIR, "replay_steps": 1}, channels=("label", "probability")),
    AttackUnderTest("dual-students", {**WIDE_PAIR, "clone_lr": 0.03}, channels=("label", "probability")),
    AttackUnderTest("ideal", RESTARTED, channels=("label",)),
    AttackUnderTest("qedg", {**RESTARTED, "closing_fits": 1}, channels=("label",)),
    AttackUnderTest("mega", MEGA, channels=("label", "probability")),
    AttackUnderTest("random-pool", {"rounds": 3, "epochs": 4, "batch_size": 32}),
    AttackUnderTest("real-data", {"epochs": 4, "batch_size": 32}),
    AttackUnderTest("knockoff", {"policy": "adaptive", "epochs": 4, "batch_size": 32, "learning_rate": 0.05}),
    AttackUnderTest("copycat", {"epochs": 4, "learning_rate": 0.02}),
    AttackUnderTest("jbda", {"seeds": 60, "rounds": 5, "reservoir": 800, "epochs": 3, "batch_size": 64}),
    AttackUnderTest("activethief", {**THIEF, **ENSEMBLE}),
    AttackUnderTest("full-pool", THIEF),
    AttackUnderTest(
        "gradient-matching",
        {"rounds": 3, "epochs": 2, "batch_size": 32, "points": 2},
        channels=("vg", "sg", FIVE_STEPS, "white-box"),
    ),
    AttackUnderTest("marich", {"rounds": 3, "epochs": 2, "batch_size": 32, "learning_rate": 0.1, "validation": 20}),
    AttackUnderTest(
        "kink-walk",
        {"shortest": 0.05, "patience": 5},
        channels=("vg", "white-box"),
        expected_failures={
            "learns_from_a_ragged_last_batch": "the clone there has convolutions, which cannot hold what it reads",
            "works_on_other_inputs": "of 100 classes, which are more than the clone there has units",
        },
    ),
    AttackUnderTest(
        "uniform-noise",
        THIEF,
        expected_failures={"beats_noise": "it is the noise that others are to beat"},
    ),
]


def of_parts(parameters):
    """The parameters of an attack as those of its strategy and its learner."""
    return {
        f"{'learner' if name in LEARNER and name != 'batch_size' else 'strategy'}.{name}": value
        for name, value in parameters.items()
    }


MAP_HEAD = {"strategy.rounds": 3, "learner.epochs": 1, "learner.batch_size": 32, "learner.decoder_width": 4}
UNLABELLED = {"strategy.rounds": 3, "learner.steps": 4, "learner.batch_size": 32}
COMPOSED = [
    AttackUnderTest("spaced-pool+fit", {"strategy.rounds": 3, "learner.epochs": 4, "learner.batch_size": 32}),
    AttackUnderTest("random-pool+fixmatch", UNLABELLED, channels=("label",)),
    AttackUnderTest("random-pool+mixmatch", UNLABELLED, channels=("label",)),
    AttackUnderTest(
        "semantic-pool+fit", {"strategy.weights": [1.0, *[0.5] * 9], "learner.epochs": 1}, channels=("label",)
    ),
    AttackUnderTest("random-pool+fit-maps", MAP_HEAD, channels=("vg",)),
    AttackUnderTest("random-generator+online-gradients", of_parts(FROZEN), channels=("vg",)),
    AttackUnderTest("disguide+online-gradients", of_parts({**PAIR, "replay_steps": 1}), channels=("vg",)),
    AttackUnderTest("megex+online-gradients", of_parts(GENERATOR) | {"strategy.answers": "training"}, channels=("vg",)),
]
"""Parts that are no attack by themselves, with a part that is known."""
OF_PARTS = {
    "draws_from_named_streams",
    "every_choice_works",
    "learns_from_a_ragged_last_batch",
    "repeats_for_a_seed",
    "resumes_from_every_turn",
    "stays_within_budget",
    "survives_certain_answers",
    "works_on_other_inputs",
}


@parametrize_with_checks(COMPOSED, checks=[check for check in CHECKS if check.__name__ in OF_PARTS])
def test_conformance_of_parts(attack, check):
    check(attack)


@parametrize_with_checks(ATTACKS)
def test_conformance(attack, check):
    check(attack)


def test_no_shipped_attack_is_left_out():
    known = registry()
    shipped = [name for name in known.names(AttackEntry) if known.origin(AttackEntry, name).startswith("mebench ")]
    assert sorted(attack.name for attack in ATTACKS) == shipped
