"""The conformance kit: does an attack play fair, and does it keep the promises that results rest on?

The same is asked of defences, recoveries and detectors, since version 1.8.

In a plugin's own tests::

    from mebench.testing import AttackUnderTest, parametrize_with_checks

    @parametrize_with_checks([AttackUnderTest("stripes", parameters={"batch_size": 32})])
    def test_conformance(attack, check):
        check(attack)

and on the command line ``mebench check stripes``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mebench.api.lazy import lazy_names

if TYPE_CHECKING:  # the same names as below, for type checkers; a test compares them
    from mebench.testing.checks import CHECKS as CHECKS
    from mebench.testing.checks import DEFENCE_CHECKS as DEFENCE_CHECKS
    from mebench.testing.checks import DETECTOR_CHECKS as DETECTOR_CHECKS
    from mebench.testing.checks import RECOVERY_CHECKS as RECOVERY_CHECKS
    from mebench.testing.checks import Check as Check
    from mebench.testing.faults import CheckFailed as CheckFailed
    from mebench.testing.faults import CheckSkipped as CheckSkipped
    from mebench.testing.links.targets import DefenceUnderTest as DefenceUnderTest
    from mebench.testing.links.targets import DetectorUnderTest as DetectorUnderTest
    from mebench.testing.links.targets import RecoveryUnderTest as RecoveryUnderTest
    from mebench.testing.parametrize import parametrize_with_checks as parametrize_with_checks
    from mebench.testing.target import AttackUnderTest as AttackUnderTest
    from mebench.testing.verdicts import Verdict as Verdict
    from mebench.testing.verdicts import run_check as run_check

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "mebench.testing.checks": ["CHECKS", "DEFENCE_CHECKS", "DETECTOR_CHECKS", "RECOVERY_CHECKS", "Check"],
        "mebench.testing.faults": ["CheckFailed", "CheckSkipped"],
        "mebench.testing.links.targets": ["DefenceUnderTest", "DetectorUnderTest", "RecoveryUnderTest"],
        "mebench.testing.parametrize": ["parametrize_with_checks"],
        "mebench.testing.target": ["AttackUnderTest"],
        "mebench.testing.verdicts": ["Verdict", "run_check"],
    },
)
