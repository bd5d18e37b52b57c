"""Does a defence answer as its entry and its attributes say?"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import torch
from torch import Tensor

from mebench.api.defence import AnswerDefence, Defence
from mebench.testing.checks.parts import require_resuming
from mebench.testing.faults import CheckSkipped, fail, require
from mebench.testing.links.comparing import PLAY, alike, difference, unlike_rows
from mebench.testing.links.sessions import DefenceSession, each
from mebench.testing.links.stage import OTHER_SPECS, ROWS, Material, PartStage
from mebench.testing.links.targets import DefenceUnderTest
from mebench.trial.links.calibration import TOLERANCE, mean_distance
from mebench.trial.links.defended import with_best

RAGGED = (1, 7, 24, 16)
"""Batches that make up the rows."""
FALSE_CLAIM = 0.1
"""Share of rows with another most probable class from which on a claim is false, and not a matter of rounding."""
STILL = 1e-3
"""Mean L1 distance that is no distance."""


def answers_validly(target: DefenceUnderTest) -> str | None:
    """Many rows, one row and no row get valid answers, whether the victim is sure, at a loss or truncated."""
    material = PartStage().material()
    for words, given in _kinds(material):
        for rows in (ROWS, 1, 0):
            try:
                DefenceSession(target).answers(given.rows(slice(rows)))
            except Exception as error:
                fail(f"{rows} row{'s' * (rows != 1)} of {words}: {error}")
    part = DefenceSession(target, learns=False).part
    if isinstance(part, AnswerDefence) and part.probability_floor is not None:
        floor = part.probability_floor
        require(0 < floor < 1, f"its probability_floor is {floor!r:.40}: it must lie between 0 and 1")
    return None


def _kinds(material: Material) -> Iterator[tuple[str, Material]]:
    """Answers of every kind that a channel may give."""
    classes = material.probabilities.shape[1]
    one_hot = torch.eye(classes)[material.labels]
    yield "usual answers", material
    yield "answers of 0 and 1", material.answered(one_hot)
    yield "answers that are all alike", material.answered(torch.full_like(one_hot, 1 / classes))
    yield "truncated answers", material.answered(material.probabilities * one_hot)


def works_on_other_inputs(target: DefenceUnderTest) -> str | None:
    """It answers with 1 and 3 channels, 2 and 100 classes, and images of 7 x 9."""
    each(lambda stage: DefenceSession(target, stage).answers(stage.material(12)), OTHER_SPECS)
    return None


def keeps_the_class_it_says(target: DefenceUnderTest) -> str | None:
    """Where it says `keeps_argmax`, the most probable class stays what it was; mebench would exchange two entries."""
    session = DefenceSession(target)
    if not (isinstance(session.part, AnswerDefence) and session.part.keeps_argmax):
        raise CheckSkipped("does not say that it keeps the most probable class")
    material = PartStage().material()
    answered = session.answers(material)
    _, exchanged = with_best(answered, material.labels, answered.argmax(1))
    told = f"the most probable class is another in {exchanged} of {ROWS} rows"
    require(exchanged <= FALSE_CLAIM * ROWS, f"says that it keeps the most probable class, and {told}")
    return f"{told}, where mebench exchanges two entries" if exchanged else None


def answers_alike_in_any_batches(target: DefenceUnderTest) -> str | None:
    """A row is answered the same whatever other rows are in its batch; in any order if there is no state either."""
    session = DefenceSession(target)
    if session.part.randomness == "fresh":
        raise CheckSkipped("draws afresh at every answer, in the order of the batches")
    material = PartStage().material()
    whole = session.answers(material)
    unlike = unlike_rows(whole, DefenceSession(target).answers(material, RAGGED))
    require(not unlike, f"{unlike} of {ROWS} rows are answered otherwise in batches of {', '.join(map(str, RAGGED))}")
    if not session.told():
        turned = DefenceSession(target).answers(material.rows(torch.arange(ROWS - 1, -1, -1)), [1] * ROWS)
        unlike = unlike_rows(whole, turned.flip(0))
        require(not unlike, f"{unlike} of {ROWS} rows are answered otherwise one by one, the last one first")
    return None


def leaves_what_it_is_given(target: DefenceUnderTest) -> str | None:
    """It does not write into queries, probabilities, maps or labels."""
    session, given = DefenceSession(target), PartStage().material()
    labels = given.labels
    values = {"queries": given.queries, "probabilities": given.probabilities, "maps": given.maps, "labels": labels}
    kept = {word: value.clone() for word, value in values.items()}
    if target.entry.place == "answer":
        session.defence.perturb(given.queries, given.probabilities)
    elif target.entry.place == "explanation":
        session.defence.release(given.queries, given.maps, labels)
    else:
        session.defence.receive(given.queries, session.stage.spec)
    written = [word for word, value in values.items() if not torch.equal(value, kept[word])]
    require(not written, f"writes into the {' and the '.join(written)} that it is given")
    return None


def resumes_half_way(target: DefenceUnderTest) -> str | None:
    """Stopped between two batches, saved, and loaded into a new object, it answers as if it had never stopped."""
    material = PartStage().material()
    ends = [0, *torch.tensor(RAGGED).cumsum(0).tolist()]

    def step(session: DefenceSession, number: int) -> Tensor:
        return session.answers(material.rows(slice(ends[number], ends[number + 1])))

    require_resuming(lambda: DefenceSession(target), step, len(RAGGED))
    return None


def tells_its_mechanism(target: DefenceUnderTest) -> str | None:
    """What an attacker is told to compute at home is valid, changes no answer, and is what is answered if all is known.

    All is known where nothing is random, learnt from the owner's data, or a model of the owner's.
    """
    session = DefenceSession(target)
    found = session.guard.call("mechanism", session.part.mechanism) if isinstance(session.part, AnswerDefence) else None
    if found is None:
        raise CheckSkipped("has no mechanism that an attacker could compute at home")
    material, before = PartStage().material(), session.told()
    told = session.guard.call("its mechanism", found, material.probabilities.clone())
    valid = isinstance(told, Tensor) and told.shape == material.probabilities.shape
    require(valid, f"its mechanism returned no tensor of shape {tuple(material.probabilities.shape)}")
    require(bool(((told >= -PLAY) & (told <= 1 + PLAY)).all()), "its mechanism returned values outside [0, 1], or NaN")
    require(not difference(before, session.told(), "state"), "its mechanism changes its own state")
    answered = session.answers(material)
    same = alike(answered, DefenceSession(target).answers(material))
    require(same, "it answers otherwise once its mechanism was used")
    known = type(session.part).fit is Defence.fit and len(session.networks) == 1  # the victim's alone
    if known and session.part.randomness == "none" and not before:
        unlike = unlike_rows(told, answered)
        require(not unlike, f"its mechanism gives something else than it answers in {unlike} of {ROWS} rows")
    return None


def moves_answers_with_its_knob(target: DefenceUnderTest) -> str | None:
    """At the weak end of its knob it moves nothing, and the mean L1 distance rises from there to the strong end."""
    entry = target.entry
    if not entry.knob:
        raise CheckSkipped("has no knob")
    (weak, strong), material = entry.knob_range, PartStage().material()
    values = [weak + (strong - weak) * step / 4 for step in range(5)]
    sessions = [DefenceSession(target, parameters={entry.knob: value}) for value in values]
    moved = [mean_distance(one.defence.perturb, material.queries, material.probabilities) for one in sessions]
    require(moved[0] < STILL, f"{entry.knob}={weak:g} is to be without effect, and moves answers by {moved[0]:.3g}")
    for (value, distance), (stronger, further) in itertools.pairwise(zip(values, moved, strict=True)):
        told = f"{entry.knob}={value:g} moves answers by {distance:.3f}, and {stronger:g}, which is stronger, by"
        require(further > distance - TOLERANCE, f"{told} {further:.3f}")
    require(moved[-1] > TOLERANCE, f"{entry.knob}={strong:g} is the strongest, and moves answers by {moved[-1]:.3g}")
    return None
