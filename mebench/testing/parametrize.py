"""Pytest cases from checks: one for everything that is checked, and every check."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from mebench.api.errors import ConfigurationError
from mebench.testing.checks import Check, kit_of
from mebench.testing.target import AttackUnderTest, UnderTest
from mebench.testing.verdicts import run_check


def parametrize_with_checks(
    attacks: Sequence[UnderTest | str], checks: Sequence[Check] | None = None
) -> Callable[[Callable[..., Any]], Any]:
    """Decorate ``def test_conformance(attack, check): check(attack)``: one case per attack and check.

    Of defences, recoveries and detectors the first argument is called ``defence``, ``recovery`` or ``detector`` (since
    version 1.8). A failure that is expected is reported as ``xfail``; a check that passes against expectation fails.

    Args:
        attacks: what is checked, all of one kind; a name stands for the attack with its defaults.
        checks: the checks to run; all of the kind without it.

    Raises:
        ConfigurationError: an expected failure names no check, or what is checked is of several kinds.
    """
    import pytest

    targets = [AttackUnderTest(one) if isinstance(one, str) else one for one in attacks]
    kits = {kit.kind.kind: kit for kit in map(kit_of, targets)}
    if len(kits) > 1:
        raise ConfigurationError(f"parametrize_with_checks: one test for each kind: {', '.join(kits)}")
    word, known = next(((word, kit.checks) for word, kit in kits.items()), ("attack", ()))
    for target in targets:
        target.check_names([check.__name__ for check in known])
    cases = [
        pytest.param(target, partial(_judge, check), id=f"{target.name}-{check.__name__}")
        for target in targets
        for check in (known if checks is None else checks)
    ]
    return pytest.mark.parametrize((word, "check"), cases)


def _judge(check: Check, target: UnderTest) -> None:
    """Tell pytest what came of a check."""
    import pytest

    verdict = run_check(check, target)
    if verdict.state == "skipped":
        pytest.skip(verdict.why)
    if verdict.state == "expected":
        pytest.xfail(verdict.why)
    if verdict.state == "warned":
        import warnings

        warnings.warn(f"{target.name}: {verdict.check}: {verdict.why}", stacklevel=2)
    if not verdict.good:
        shown = f"\nsee {verdict.picture}" if verdict.picture else ""
        pytest.fail(f"{target.name}: {verdict.check}: {verdict.why}{shown}\n{verdict.details}", pytrace=False)
