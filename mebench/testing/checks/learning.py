"""Does the attack learn more than anybody would?"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from statistics import mean

import torch

from mebench.api.errors import ConfigurationError
from mebench.testing.faults import require
from mebench.testing.session import Session
from mebench.testing.stage import trained_stage, trained_victim
from mebench.testing.target import AttackUnderTest
from mebench.trial.metrics.examination import Examination

SMOKE_BUDGET = 4000
SEEDS = (0, 1, 2)
CLEAR = 0.08  # a mean lead that ends the check, whoever has it
FIRST_LOOK, OBVIOUS = 1000, 0.3


def beats_noise(target: AttackUnderTest) -> str | None:
    """With 4,000 queries, the clone agrees with the victim more often than the same learner does on uniform noise.

    Mean fidelity over up to three seeds, before a LeNet-5 that was trained on 2,000 images of 16 x 16. A mean lead of
    8 points, on either side, ends the check. The control spends the whole budget on noise, in batches of the sizes of
    the attack's, with the attack's learner and parameters. An attack that chooses from a pool and leads by 30 points
    with 1,000 queries, as most do, is not asked for more.
    """
    prepared = trained_victim()
    exam = Examination.of(prepared.victim, prepared.test_inputs, prepared.test_labels)
    if _is_obvious(target, exam):
        return None
    ours: list[float] = []
    control: list[float] = []
    for seed in SEEDS:
        for found, fidelity in zip((ours, control), _fidelities(target, exam, SMOKE_BUDGET, seed), strict=True):
            found.append(fidelity)
        if abs(mean(ours) - mean(control)) >= CLEAR:
            break
    told = f"fidelity {mean(ours):.1%}, the same learner on noise {mean(control):.1%}"
    require(mean(ours) > mean(control), f"{told}, with {SMOKE_BUDGET:,} queries")
    return None


def _is_obvious(target: AttackUnderTest, exam: Examination) -> bool:
    """Whether an attack that chooses from a pool is far ahead with a quarter of the queries."""
    if target.entry.family != "pool":
        return False
    try:
        ours, control = _fidelities(target, exam, FIRST_LOOK, SEEDS[0])
    except ConfigurationError:  # it needs more
        return False
    return ours - control >= OBVIOUS


def _fidelities(target: AttackUnderTest, exam: Examination, budget: int, seed: int) -> tuple[float, float]:
    """Those of the attack's clone, and of the control's."""
    attacked = Session(target, trained_stage(budget, seed)).run()
    control = _on_noise(target, budget, seed, _sizes(attacked))
    ours, theirs = (exam.score(one.attack.learner.clone).fidelity for one in (attacked, control))
    return ours, theirs


def _sizes(session: Session) -> Iterator[int]:
    """Of the proposals, turn by turn, and again from the first."""
    return itertools.cycle([len(queries) for queries in session.proposals] or [1])


def _on_noise(target: AttackUnderTest, budget: int, seed: int, sizes: Iterator[int]) -> Session:
    """The attack's learner on noise, in batches of these sizes."""
    session = Session(target, trained_stage(budget, seed))
    stream = session.random.torch("conformance-noise")
    while session.ledger.remaining:
        rows = min(next(sizes), session.ledger.remaining)
        queries = torch.rand(rows, *session.stage.spec.shape, generator=stream)
        learner = session.attack.learner
        learner.learn(queries, session.oracle.query(queries, explain=learner.wants_explanations))
    return session
