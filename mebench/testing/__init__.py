"""The conformance kit: does an attack play fair, and does it keep the promises that results rest on?

In a plugin's own tests::

    from mebench.testing import AttackUnderTest, parametrize_with_checks

    @parametrize_with_checks([AttackUnderTest("stripes", parameters={"batch_size": 32})])
    def test_conformance(attack, check):
        check(attack)

and on the command line ``mebench check stripes``.
"""

from __future__ import annotations

from mebench.testing.checks import CHECKS, Check
from mebench.testing.faults import CheckFailed, CheckSkipped
from mebench.testing.parametrize import parametrize_with_checks
from mebench.testing.target import AttackUnderTest
from mebench.testing.verdicts import Verdict, run_check

__all__ = [
    "CHECKS",
    "AttackUnderTest",
    "Check",
    "CheckFailed",
    "CheckSkipped",
    "Verdict",
    "parametrize_with_checks",
    "run_check",
]
