"""Every detector that ships with mebench passes the conformance kit of its kind."""

from __future__ import annotations

from mebench.registry.catalogue import registry
from mebench.registry.defence_entries import DetectorEntry
from mebench.testing import DETECTOR_CHECKS, DetectorUnderTest, parametrize_with_checks

IN_PROCESS = [check for check in DETECTOR_CHECKS if check.__name__ != "registers_without_torch"]
"""That listing names imports no torch is tried once for all that ships, by a test of the command line."""
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


def test_every_detector_that_ships_is_among_those_that_are_checked():
    shipped = {name for name in registry().names(DetectorEntry) if registry().ships(DetectorEntry, name)}
    assert {detector.name for detector in DETECTORS} == shipped


@parametrize_with_checks(DETECTORS, checks=IN_PROCESS)
def test_conformance(detector, check):
    check(detector)
