"""Does a recovery ask what it charges, and does it make an answer of what it gets?"""

from __future__ import annotations

import torch
from torch import Tensor

from mebench.api.contract import Response
from mebench.api.defence import Mechanism
from mebench.models.weights import weights_hash
from mebench.testing.checks.parts import require_resuming
from mebench.testing.faults import CheckSkipped, fail, require
from mebench.testing.links.comparing import alike
from mebench.testing.links.sessions import RecoverySession, each
from mebench.testing.links.stage import OTHER_SPECS, ROWS, WIDE, PartStage
from mebench.testing.links.targets import RecoveryUnderTest
from mebench.testing.stage import SMALL

BATCHES = 4
HARMLESS_L1, HARMLESS_FLIPS = 0.1, 0.05
"""Mean L1 distance, and share of other labels, that a recovery may cost where there was nothing to recover."""

LIKE = 0.9
"""Mean cosine of a recovered explanation with that which was given."""


def mixed(probabilities: Tensor) -> Tensor:
    """The defence before which recoveries are run: half of the uniform distribution."""
    return 0.5 * probabilities + 0.5 / probabilities.shape[1]


def asks_what_it_charges(target: RecoveryUnderTest) -> str | None:
    """Of B queries it asks `queries_per_row` times B, of the victim's shape, type and range."""
    for spec in (SMALL, WIDE):
        session, queries = RecoverySession(target, PartStage(spec)), PartStage(spec).material().queries
        for rows in (ROWS, 1):
            asked = session.recovery.asked(queries[:rows].clone())
            require(asked.dtype == queries.dtype, f"asks {asked.dtype}, and the victim takes {queries.dtype}")
            inside = bool(((asked >= spec.low) & (asked <= spec.high)).all())
            require(inside, f"asks for values outside [{spec.low:g}, {spec.high:g}], or NaN")
    return None


def recovers_valid_answers(target: RecoveryUnderTest) -> str | None:
    """Many rows and one row give valid answers, of a victim with a defence and without, sure or at a loss."""
    kinds: dict[str, Mechanism] = {
        "usual answers": torch.clone,
        "answers of 0 and 1": lambda given: torch.eye(given.shape[1])[given.argmax(1)],
        "answers that are all alike": lambda given: torch.full_like(given, 1 / given.shape[1]),
    }
    queries = PartStage().material().queries
    for defence in (None, mixed):
        for words, answered in kinds.items():
            for rows in (ROWS, 1):
                try:
                    RecoverySession(target, defence=defence).recovered(queries[:rows], answered)
                except Exception as error:
                    fail(f"{rows} row{'s' * (rows != 1)} of {words}: {error}")
    try:
        RecoverySession(target).recovered(queries, explains=False)
    except Exception as error:
        fail(f"answers whose explanations nobody asked for: {error}")
    return None


def recovers_on_other_inputs(target: RecoveryUnderTest) -> str | None:
    """It works with 1 and 3 channels, 2 and 100 classes, and images of 7 x 9."""
    each(lambda stage: RecoverySession(target, stage).recovered(stage.material(12).queries), OTHER_SPECS)
    return None


def leaves_the_clone_as_it_is(target: RecoveryUnderTest) -> str | None:
    """Weights, gradients and mode of the attacker's network are the same after a call, in either mode."""
    queries = PartStage().material().queries
    for mode in (True, False):
        session = RecoverySession(target, defence=mixed)
        clone = session.clone.train(mode)
        before, wanted = weights_hash(clone.state_dict()), [one.requires_grad for one in clone.parameters()]
        session.recovered(queries)
        require(weights_hash(clone.state_dict()) == before, "changes the clone's weights")
        modes = {module.training for module in clone.modules()}
        require(modes == {mode}, f"leaves the clone in {'eval' if mode else 'training'} mode")
        same = [one.requires_grad for one in clone.parameters()] == wanted
        require(same, "changes which of the clone's weights have gradients")
        require(all(one.grad is None for one in clone.parameters()), "leaves gradients in the clone's weights")
    return None


def leaves_answers_as_given(target: RecoveryUnderTest) -> str | None:
    """It does not write into the queries, nor into what was answered."""
    session, queries = RecoverySession(target, defence=mixed), PartStage().material().queries
    given = queries.clone()
    asked = session.recovery.asked(given)
    require(torch.equal(given, queries), "asked writes into the queries")
    response = session.served(asked.clone())
    kept = [None if one is None else one.clone() for one in _values(response)]
    session.recovery.recover(given, response, session.clone, session.stage.spec.num_classes)
    session.recovery.worth_learning(given, session.recovered(queries))
    require(torch.equal(given, queries), "writes into the queries")
    written = [
        word
        for word, before, now in zip(("labels", "probabilities"), kept, _values(response), strict=True)
        if before is not None and now is not None and not torch.equal(before, now)
    ]
    require(not written, f"writes into the {' and the '.join(written)} that were answered")
    return None


def _values(response: Response) -> tuple[Tensor, Tensor | None]:
    return response.labels, response.probabilities


def does_no_harm(target: RecoveryUnderTest) -> str | None:
    """Before a victim without any defence, labels stay what they are, and probabilities nearly so."""
    session, queries = RecoverySession(target), PartStage().material().queries
    honest, recovered = session.served(queries), session.recovered(queries)
    flipped = int((honest.labels != recovered.labels).sum())
    told = f"without any defence, {flipped} of {ROWS} labels are others than were answered"
    require(flipped <= HARMLESS_FLIPS * ROWS, told)
    if honest.probabilities is not None and recovered.probabilities is not None:
        moved = float((honest.probabilities - recovered.probabilities).abs().sum(1).mean())
        told = f"without any defence, it moves answers by {moved:.3f} on average"
        require(moved <= HARMLESS_L1, told)
    return None


def recovers_explanations(target: RecoveryUnderTest) -> str | None:
    """If it needs explanations, it hands on one of each row, and without any defence nearly the one that was given."""
    if "explanation" not in target.entry.needs:
        raise CheckSkipped("does not need explanations")
    session, queries = RecoverySession(target), PartStage().material().queries
    honest, recovered = session.served(queries).explanation, session.recovered(queries).explanation
    assert honest is not None
    require(recovered is not None, "needs explanations, and hands none on")
    assert recovered is not None
    wanted, dense = honest.dense(), session.guard.call("explanation.dense", recovered.dense)
    told = f"its explanations are of shape {tuple(dense.shape)}, not {tuple(wanted.shape)}"
    require(dense.shape == wanted.shape, told)
    require(bool(dense.isfinite().all()), "its explanations are not finite")
    weights = torch.arange(dense.shape[1]).float().expand(dense.shape[:2])
    contracted = session.guard.call("explanation.vjp", recovered.vjp, weights)
    same = alike(contracted, torch.einsum("bc,bc...->b...", weights, dense))
    require(same, "`vjp` and `dense` of its explanations do not agree")
    likeness = float(torch.cosine_similarity(dense.flatten(1), wanted.flatten(1)).mean())
    told = f"without any defence, its explanations are like those given by a cosine of {likeness:.2f}"
    require(likeness >= LIKE, told)
    return None


def recovers_repeatably(target: RecoveryUnderTest) -> str | None:
    """The same seed gives the same answers, whatever was drawn from global generators."""
    queries = PartStage().material().queries
    first = RecoverySession(target, defence=mixed).recovered(queries)
    session = RecoverySession(target, defence=mixed)
    torch.rand(5)
    again = session.recovered(queries)
    for one, other in zip(_values(first), _values(again), strict=True):
        same = one is None or other is None or alike(one.float(), other.float())
        require(same, "recovers something else the second time: draw from `context.random`")
    return None


def resumes_half_way_through(target: RecoveryUnderTest) -> str | None:
    """Stopped between two batches, saved, and loaded into a new object, it recovers as if it had never stopped."""
    queries = PartStage().material().queries.chunk(BATCHES)

    def step(session: RecoverySession, number: int) -> list[Tensor | None]:
        recovered = session.recovered(queries[number])
        return [*_values(recovered), session.recovery.worth_learning(queries[number], recovered)]

    require_resuming(lambda: RecoverySession(target, defence=mixed), step, BATCHES)
    return None
