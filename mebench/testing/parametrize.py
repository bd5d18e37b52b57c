"""Pytest cases from checks: one for every attack and check."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from mebench.testing.checks import CHECKS, Check
from mebench.testing.target import AttackUnderTest
from mebench.testing.verdicts import run_check


def parametrize_with_checks(
    attacks: Sequence[AttackUnderTest | str], checks: Sequence[Check] = CHECKS
) -> Callable[[Callable[..., Any]], Any]:
    """Decorate ``def test_conformance(attack, check): check(attack)``: one case per attack and check.

    A failure that an attack expects is reported as ``xfail``; a check that passes against expectation fails.

    Args:
        attacks: what is checked; a name stands for the attack with its defaults.
        checks: the checks to run; all of them without it.

    Raises:
        ConfigurationError: an expected failure names no check.
    """
    import pytest

    targets = [AttackUnderTest(one) if isinstance(one, str) else one for one in attacks]
    for target in targets:
        target.check_names([check.__name__ for check in CHECKS])
    cases = [
        pytest.param(target, partial(_judge, check), id=f"{target.name}-{check.__name__}")
        for target in targets
        for check in checks
    ]
    return pytest.mark.parametrize(("attack", "check"), cases)


def _judge(check: Check, attack: AttackUnderTest) -> None:
    """Tell pytest what came of a check."""
    import pytest

    verdict = run_check(check, attack)
    if verdict.state == "skipped":
        pytest.skip(verdict.why)
    if verdict.state == "expected":
        pytest.xfail(verdict.why)
    if verdict.state == "warned":
        import warnings

        warnings.warn(f"{attack.name}: {verdict.check}: {verdict.why}", stacklevel=2)
    if not verdict.good:
        shown = f"\nsee {verdict.picture}" if verdict.picture else ""
        pytest.fail(f"{attack.name}: {verdict.check}: {verdict.why}{shown}\n{verdict.details}", pytrace=False)
