"""Is a defence as random as it says?"""

from __future__ import annotations

import torch
from torch import Tensor

from mebench.api.defence import Randomness
from mebench.testing.faults import CheckSkipped, require
from mebench.testing.links.comparing import alike, difference, unlike_rows
from mebench.testing.links.sessions import DefenceSession
from mebench.testing.links.stage import OTHER_KEY, ROWS, Material, PartStage
from mebench.testing.links.targets import DefenceUnderTest

_PER_BATCH = 16


def draws_nothing_untold(target: DefenceUnderTest) -> str | None:
    """With `randomness` none, answers depend on neither seed nor key, and nothing is drawn from any generator."""
    session, material = _session(target, "none")
    before = session.random.state_dict()
    answered = session.answers(material)
    drawn = difference(before, session.random.state_dict(), "random")
    require(not drawn, 'draws random numbers, and its randomness is "none"')
    for words, stage in (("seed", PartStage(seed=1)), ("owner's key", PartStage(key=OTHER_KEY))):
        same = alike(answered, DefenceSession(target, stage).answers(material))
        require(same, f'answers otherwise with another {words}, and its randomness is "none"')
    return None


def answers_repeats_alike(target: DefenceUnderTest) -> str | None:
    """With `randomness` keyed, a query gets the same answer whenever it is asked, and another under another key."""
    session, material = _session(target, "keyed")
    first = session.answers(material)
    order = torch.arange(ROWS - 1, -1, -1)
    again = session.answers(material.rows(order), [_PER_BATCH] * (ROWS // _PER_BATCH)).flip(0)
    unlike = unlike_rows(first, again)
    require(not unlike, f"{unlike} of {ROWS} queries are answered otherwise when they are asked again")
    same = alike(first, DefenceSession(target, PartStage(seed=1)).answers(material))
    require(same, "answers depend on the trial's seed: draw by the owner's key and the query alone")
    same = alike(first, DefenceSession(target, PartStage(key=OTHER_KEY)).answers(material))
    require(not same, "answers are the same under another key of the owner's")
    return None


def draws_afresh(target: DefenceUnderTest) -> str | None:
    """With `randomness` fresh, a repeated query gets another answer, and the same seed gives the same answers."""
    session, material = _session(target, "fresh")
    first, again = session.answers(material), session.answers(material)
    require(not alike(first, again), "answers a repeated query as before: its randomness is not fresh")
    same = torch.equal(first, _first(target, PartStage(), material))
    require(same, "answers otherwise with the same seed: draw from `context.random`")
    other = alike(first, _first(target, PartStage(seed=1), material))
    require(not other, "answers are the same with another seed: draw from `context.random`")
    return None


def _first(target: DefenceUnderTest, stage: PartStage, material: Material) -> Tensor:
    return DefenceSession(target, stage).answers(material)


def _session(target: DefenceUnderTest, randomness: Randomness) -> tuple[DefenceSession, Material]:
    session = DefenceSession(target)
    if session.part.randomness != randomness:
        raise CheckSkipped(f'its randomness is "{session.part.randomness}"')
    return session, PartStage().material()
