"""The kit, before an attack whose parameters are a dataclass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import pytest
from broken_attacks import Blocks, learner_of

from mebench.api.contract import Attack, AttackContext
from mebench.registry.entries import AttackEntry
from mebench.registry.parameter import Param
from mebench.testing import AttackUnderTest, run_check
from mebench.testing.checks.construction import declares_what_it_accepts, every_choice_works, parameters_round_trip


@dataclass(frozen=True)
class BlocksParameters:
    batch_size: Annotated[int, Param("Queries per batch.", minimum=1)] = 32
    style: Annotated[Literal["plain", "fancy"], Param("How.")] = "plain"
    drops: Annotated[tuple[float, ...], Param("When.", minimum=0, maximum=1)] = (0.5,)


def build(context: AttackContext, parameters: BlocksParameters) -> Attack:
    assert isinstance(parameters.drops, tuple)
    return Attack(Blocks(context, parameters.batch_size), learner_of(context))


def dislikes_fancy(context: AttackContext, parameters: BlocksParameters) -> Attack:
    if parameters.style == "fancy":
        raise ValueError("nothing fancy")
    return build(context, parameters)


def takes_keywords(context: AttackContext, *, batch_size: int, style: str, drops: list[float]) -> Attack:
    raise AssertionError("never called")


def hides_one(context: AttackContext, parameters: BlocksParameters, rows: int = 3) -> Attack:
    raise AssertionError("never called")


def under_test(function) -> AttackUnderTest:
    target = f"{__name__}:{function.__name__}"
    return AttackUnderTest(AttackEntry("typed", "Asks blocks.", target, BlocksParameters), channels=("probability",))


@pytest.mark.parametrize("check", [declares_what_it_accepts, parameters_round_trip, every_choice_works])
def test_an_attack_that_takes_its_object_passes(check):
    assert run_check(check, under_test(build)).state == "passed"


@pytest.mark.parametrize(
    ("function", "check", "reason"),
    [
        (takes_keywords, declares_what_it_accepts, "its target cannot be called as target(context, parameters)"),
        (hides_one, declares_what_it_accepts, "takes rows besides the object of its dataclass"),
        (dislikes_fancy, every_choice_works, "style=fancy: ValueError: nothing fancy"),
    ],
)
def test_one_that_does_not_is_told_why(function, check, reason):
    verdict = run_check(check, under_test(function))
    assert verdict.state == "failed"
    assert reason in verdict.why
