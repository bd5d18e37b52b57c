"""Every defence, recovery and detector that ships with mebench passes the conformance kit of its kind."""

from __future__ import annotations

import pytest

from mebench.registry.catalogue import registry
from mebench.registry.defence_entries import DefenceEntry, DetectorEntry, RecoveryEntry
from mebench.testing import (
    DEFENCE_CHECKS,
    DETECTOR_CHECKS,
    RECOVERY_CHECKS,
    DefenceUnderTest,
    DetectorUnderTest,
    RecoveryUnderTest,
    parametrize_with_checks,
)

SLOW = {"registers_without_torch", "parameters_round_trip"}
"""Tried once for all that ships, by tests of the command line and of the registry."""
QUICK = {"rows": 500}
LEARNS = {"epochs": 1}
PLAIN = (
    *("cache", "eight-bit", "high-confidence", "jpeg", "label-only", "mad", "mad-argmax", "map-absolute"),
    *("map-channel-maximum", "map-clipped", "map-eight-bit", "map-noise", "map-normalised", "map-pooled"),
    *("map-positive", "map-top-1", "modelguard-s", "modelguard-w", "random-class", "reverse-sigmoid"),
    *("rounding", "temperature", "top-k"),
)
DEFENCES = [
    *map(DefenceUnderTest, PLAIN),
    DefenceUnderTest("adaptive-misinformation", LEARNS),
    DefenceUnderTest("grad2", LEARNS),
    DefenceUnderTest("dawn", {"rate": 0.5}),
    DefenceUnderTest("answer-noise"),
    DefenceUnderTest("answer-noise", {"drawn": "fresh", "on": "logit"}),
    DefenceUnderTest("input-noise", {"drawn": "fresh"}),
]
RECOVERIES = [
    RecoveryUnderTest("argmax", expected_failures={"does_no_harm": "it learns from labels alone, by design"}),
    RecoveryUnderTest("repeat-average"),
    RecoveryUnderTest("jitter-average"),
    RecoveryUnderTest("partial-bayes", QUICK),
    RecoveryUnderTest("partial-bayes-oracle", QUICK),
    RecoveryUnderTest("restorer", QUICK | LEARNS),
    RecoveryUnderTest("inverse-reverse-sigmoid"),
    RecoveryUnderTest("confidence-filter"),
    RecoveryUnderTest("sign-imputation"),
    RecoveryUnderTest("top-1-completion"),
    RecoveryUnderTest("honest-mixing"),
    RecoveryUnderTest("honest-mixing", {"queries": 1.4}),
    RecoveryUnderTest("blinding", expected_failures={"does_no_harm": "it learns from answers to changed inputs"}),
]
DETECTORS = [
    DetectorUnderTest("prada", {"every": 2}),
    DetectorUnderTest("near-duplicates", {"window": 20}),
    DetectorUnderTest("seat", {"epochs": 2, "width": 4, "quantile": 0.1}),
    DetectorUnderTest("hoda", {"window": 20, "checkpoints": 3, "epochs": 3}),
    DetectorUnderTest("mmd", {"window": 20}),
    DetectorUnderTest("energy", {"window": 20}),
    DetectorUnderTest("label-histogram", {"window": 20}),
    DetectorUnderTest("extraction-monitor", {"every": 20}),
]


def quick(checks):
    return [check for check in checks if check.__name__ not in SLOW]


@pytest.mark.parametrize(
    ("kind", "checked"),
    [(DefenceEntry, DEFENCES), (RecoveryEntry, RECOVERIES), (DetectorEntry, DETECTORS)],
    ids=lambda one: getattr(one, "kind", ""),
)
def test_all_that_ship_are_among_those_that_are_checked(kind, checked):
    shipped = {name for name in registry().names(kind) if registry().ships(kind, name)}
    assert {one.name for one in checked} == shipped


@parametrize_with_checks(DEFENCES, checks=quick(DEFENCE_CHECKS))
def test_defences(defence, check):
    check(defence)


@parametrize_with_checks(RECOVERIES, checks=quick(RECOVERY_CHECKS))
def test_recoveries(recovery, check):
    check(recovery)


@parametrize_with_checks(DETECTORS, checks=quick(DETECTOR_CHECKS))
def test_detectors(detector, check):
    check(detector)
