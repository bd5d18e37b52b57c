"""What the checks of defences, recoveries and detectors have in common."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from mebench.api.defence import Defence, Detector
from mebench.models.state_file import unsavable
from mebench.testing.faults import CheckSkipped, fail, require
from mebench.testing.links.comparing import difference, through_a_file
from mebench.testing.links.sessions import DefenceSession, DetectorSession, PartSession, RecoverySession
from mebench.testing.links.stage import PartStage
from mebench.testing.links.targets import DefenceUnderTest, DetectorUnderTest, PartUnderTest, RecoveryUnderTest
from mebench.testing.session import scratch

CHEAP = 0.05
"""Rows for each answer that are nothing."""


def part_builds_from_defaults(target: PartUnderTest[Any]) -> str | None:
    """With no parameter given, the target builds what its entry says, e.g. a defence of its place."""
    plain = replace(target, parameters={})
    if isinstance(plain, DefenceUnderTest):
        DefenceSession(plain, learns=False)
    elif isinstance(plain, RecoveryUnderTest):
        RecoverySession(plain)
    elif isinstance(plain, DetectorUnderTest):
        DetectorSession(plain, learns=False)
    return None


def costs_what_it_declares(target: DefenceUnderTest | DetectorUnderTest) -> str | None:
    """For each answer it computes no more rows of the victim, or of networks of its kind, than its entry says.

    This check only warns. Networks of another kind than the victim's are not counted.
    """
    session: DefenceSession | DetectorSession
    if isinstance(target, DefenceUnderTest):
        session, material = DefenceSession(target), PartStage().material()
        with session.networks.counted() as computed:
            answered = len(session.answers(material))
    else:
        session = DetectorSession(target)
        with session.networks.counted() as computed:
            answered = len(session.scores())
    cost, declared = sum(computed) / answered, target.entry.forward
    if cost <= declared + CHEAP:
        return None
    return (
        f"computes {cost:.3g} rows of the victim or of networks like it for each answer, and says forward={declared:g}"
    )


def fits_repeatably(target: DefenceUnderTest | DetectorUnderTest) -> str | None:
    """Learning twice gives the same bytes, which can be kept in a file, and spends no random numbers of the trial's."""
    with scratch() as folder:
        first, before, session = _fitted(target)
        if problem := unsavable(first, "fit"):
            fail(f"what it learns cannot be saved: {problem}")
        spent = difference(before, session.random.state_dict()["streams"], "streams")
        require(not spent, "fit draws from the trial's random streams: use a generator of its own")
        second, _, _ = _fitted(target, seed=1)  # what others draw and a trial's seed must not matter
        where = difference(first, second, "fit")
        require(not where, f"learns something else the second time: {where}")
        where = difference(first, through_a_file(first, folder), "fit")
        require(not where, f"what it learns is another once it was written and read: {where}")
    return None


def _fitted(target: DefenceUnderTest | DetectorUnderTest, seed: int = 0) -> tuple[dict[str, Any], Any, PartSession]:
    """What a new object learns, and the random streams as they were before."""
    session: DefenceSession | DetectorSession
    if isinstance(target, DefenceUnderTest):
        session = DefenceSession(target, PartStage(seed=seed), learns=False)
    else:
        session = DetectorSession(target, PartStage(seed=seed), learns=False)
    if type(session.part).fit in (Defence.fit, Detector.fit):
        raise CheckSkipped("learns nothing")
    before = session.random.state_dict()["streams"]
    learnt = session.guard.call("fit", session.part.fit)
    require(isinstance(learnt, dict), f"fit returned a {type(learnt).__name__}, not a dict")
    return learnt, before, session


def require_resuming(make: Callable[[], Any], step: Callable[[Any, int], Any], steps: int) -> None:
    """Require that a session which is stopped, saved and loaded anew gives what one gives that never stopped.

    Args:
        make: a new session.
        step: takes one of its steps, by number; what it returns is compared bit for bit.
    """
    plain, looked_at = make(), make()
    wanted = [step(plain, number) for number in range(steps)]

    def goes_on(session: Any, number: int, how: str) -> None:
        require(not difference(step(session, number), wanted[number], "answer"), how)

    with scratch() as folder:
        for number in range(steps):
            goes_on(looked_at, number, "`state_dict()` changes what comes after it" if number else "does not repeat")
            looked_at.save(folder / "looked-at")
        for cut in range(1, steps):
            stopped, resumed = make(), make()
            for number in range(cut):
                step(stopped, number)
            stopped.save(folder / "checkpoint")
            resumed.load(folder / "checkpoint")
            for number in range(cut, steps):
                goes_on(resumed, number, f"saved and loaded after {cut} of {steps} batches, it goes on otherwise")
