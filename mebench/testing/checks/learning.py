"""Does the attack learn more than anybody would?"""

from __future__ import annotations

import torch

from mebench.testing.faults import require
from mebench.testing.session import Session
from mebench.testing.stage import trained_stage, trained_victim
from mebench.testing.target import AttackUnderTest
from mebench.trial.metrics.examination import Examination

SMOKE_BUDGET = 4000
SEEDS = (0, 1, 2)


def beats_noise(target: AttackUnderTest) -> str | None:
    """With 4,000 queries, the clone agrees with the victim more often than the same learner does on uniform noise.

    Mean fidelity over three seeds, before a LeNet-5 that was trained on 2,000 images of 16 x 16. The control spends the
    whole budget on noise, in batches of the attack's size, with the attack's learner and parameters.
    """
    prepared = trained_victim()
    exam = Examination.of(prepared.victim, prepared.test_inputs, prepared.test_labels)
    ours = [exam.score(_attacked(target, seed).attack.learner.clone).fidelity for seed in SEEDS]
    control = [exam.score(_on_noise(target, seed).attack.learner.clone).fidelity for seed in SEEDS]
    mean, noise = sum(ours) / len(ours), sum(control) / len(control)
    require(mean > noise, f"fidelity {mean:.1%}, the same learner on noise {noise:.1%}, with {SMOKE_BUDGET:,} queries")
    return None


def _attacked(target: AttackUnderTest, seed: int) -> Session:
    return Session(target, trained_stage(SMOKE_BUDGET, seed)).run()


def _on_noise(target: AttackUnderTest, seed: int) -> Session:
    """The attack's learner on noise, in batches of the size of the attack's first proposal."""
    size = len(next(Session(target, trained_stage(SMOKE_BUDGET, seed)).turns(), torch.empty(1)))
    session = Session(target, trained_stage(SMOKE_BUDGET, seed))
    stream = session.random.torch("conformance-noise")
    while session.ledger.remaining:
        rows = min(size, session.ledger.remaining)
        queries = torch.rand(rows, *session.stage.spec.shape, generator=stream)
        session.attack.learner.learn(queries, session.oracle.query(queries))
    return session
