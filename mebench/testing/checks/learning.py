"""Does the attack learn more than anybody would?"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from statistics import mean

import torch

from mebench.testing.faults import require
from mebench.testing.session import Session
from mebench.testing.stage import trained_stage, trained_victim
from mebench.testing.target import AttackUnderTest
from mebench.trial.metrics.examination import Examination

SMOKE_BUDGET = 4000
SEEDS = (0, 1, 2)
CLEAR = 0.08  # a mean lead that ends the check, whoever has it


def beats_noise(target: AttackUnderTest) -> str | None:
    """With 4,000 queries, the clone agrees with the victim more often than the same learner does on uniform noise.

    Mean fidelity over up to three seeds, before a LeNet-5 that was trained on 2,000 images of 16 x 16. A mean lead of
    8 points, on either side, ends the check. The control spends the whole budget on noise, in batches of the sizes of
    the attack's, with the attack's learner and parameters.
    """
    prepared = trained_victim()
    exam = Examination.of(prepared.victim, prepared.test_inputs, prepared.test_labels)
    ours: list[float] = []
    control: list[float] = []
    for seed in SEEDS:
        attacked = Session(target, trained_stage(SMOKE_BUDGET, seed)).run()
        ours.append(exam.score(attacked.attack.learner.clone).fidelity)
        control.append(exam.score(_on_noise(target, seed, _sizes(attacked)).attack.learner.clone).fidelity)
        if abs(mean(ours) - mean(control)) >= CLEAR:
            break
    told = f"fidelity {mean(ours):.1%}, the same learner on noise {mean(control):.1%}"
    require(mean(ours) > mean(control), f"{told}, with {SMOKE_BUDGET:,} queries")
    return None


def _sizes(session: Session) -> Iterator[int]:
    """Of the proposals, turn by turn, and again from the first."""
    return itertools.cycle([len(queries) for queries in session.proposals] or [1])


def _on_noise(target: AttackUnderTest, seed: int, sizes: Iterator[int]) -> Session:
    """The attack's learner on noise, in batches of these sizes."""
    session = Session(target, trained_stage(SMOKE_BUDGET, seed))
    stream = session.random.torch("conformance-noise")
    while session.ledger.remaining:
        rows = min(next(sizes), session.ledger.remaining)
        queries = torch.rand(rows, *session.stage.spec.shape, generator=stream)
        learner = session.attack.learner
        learner.learn(queries, session.oracle.query(queries, explain=learner.wants_explanations))
    return session
