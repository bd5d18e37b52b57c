"""Is the oracle the attack's only source?"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from mebench.api.contract import InputSpec, Response, ResponseChannel, Victim
from mebench.api.spec import Component
from mebench.guard.possession import Possession
from mebench.models.networks.build import build_network
from mebench.oracle.links import Link
from mebench.testing.faults import fail, require
from mebench.testing.likeness import likeness, save_pair
from mebench.testing.session import Session
from mebench.testing.shared import finished
from mebench.testing.stage import Stage, real_images, trained_stage, trained_victim
from mebench.testing.target import AttackUnderTest
from mebench.trial.metrics.examination import Examination

PLACEBO_BUDGET = 400
PLACEBO_LIMIT = 0.35
"""Fidelity. Without answers from the victim attacks stay under 0.2; weights or labels from elsewhere give 0.7."""
SAME_IMAGE, COPY, MANY, NEARER = 0.98, 0.995, 0.01, 0.5
"""A query is taken to be made of an image if their correlation is so high, and an attack to be stealing if it asks one
copy, or makes so large a part of its queries of such images. What a correlation lacks of 1 must be at most half of what
that to any image of a pool lacks. docs/conformance.md says how often that is wrong."""


def asks_only_through_the_oracle(target: AttackUnderTest) -> str | None:
    """The victim runs inside `oracle.query` and in explanations only, and nothing private of the oracle is touched."""
    for channel in target.channel_entries:
        session = finished(target, channel=channel)
        offences, more = session.watch.offences, session.unexplained
        require(not offences, f"channel {channel.name}: {'; '.join(offences)}")
        require(
            more <= 0, f"channel {channel.name}: the victim computed {more} rows that no query or explanation explains"
        )
    return None


def keeps_no_victim(target: AttackUnderTest) -> str | None:
    """Nothing that strategy, learner or clone holds leads to the victim, other than through oracle and explanations."""
    stage = Stage()
    session = Session(target, stage)
    possession = Possession(session.victim, stage.initial_clone())
    attack = session.run().attack
    held = {"its clone": attack.learner.clone, "its strategy": attack.strategy, "its learner": attack.learner}
    problem = possession.problem(held)
    require(not problem, problem)
    return None


class _StrangersChannel(Link):
    """Asks a stranger in the victim's place."""

    def __init__(self, inner: ResponseChannel, spec: InputSpec) -> None:
        super().__init__(inner)
        self._stranger: Any = _Stranger(spec)

    def answer(self, victim: Victim, inputs: Tensor, explain: bool) -> Response:
        """Return the stranger's answer."""
        return super().answer(self._stranger, inputs, explain)


class _Stranger(nn.Module):
    """Answers in the victim's place. No `Victim`, so that whoever looks for one finds the real one."""

    def __init__(self, spec: InputSpec) -> None:
        super().__init__()
        self.spec = spec
        self._network = build_network(Component("mlp", {}), spec, 99).requires_grad_(False)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return logits (B, c)."""
        logits: Tensor = 4 * self._network(inputs)
        return logits


def knows_nothing_without_answers(target: AttackUnderTest) -> str | None:
    """Where a stranger answers in the victim's place, the clone does not come to agree with the victim.

    Whatever the clone then knows of the victim it has from elsewhere: weights found in memory or in a cache, labelled
    data, weights that came with the plugin.
    """
    stage = trained_stage(PLACEBO_BUDGET)
    session = Session(target, stage, wrap=lambda channel: _StrangersChannel(channel, stage.spec)).run()
    prepared = trained_victim()
    exam = Examination.of(prepared.victim, prepared.test_inputs, prepared.test_labels)
    fidelity = exam.score(session.attack.learner.clone).fidelity
    require(
        fidelity < PLACEBO_LIMIT,
        f"agrees with the victim on {fidelity:.0%} of test inputs without a single answer of the victim's",
    )
    return None


def asks_no_images_of_the_victim(target: AttackUnderTest) -> str | None:
    """No query is made of an image that the victim was trained or is tested on, or of its data set but not the pool."""
    session = Session(target, trained_stage(PLACEBO_BUDGET)).run()
    queries = torch.cat(session.watch.asked)
    pool = session.context.pool
    images = real_images(pool=pool is not None)
    found = likeness(queries, images, SAME_IMAGE)
    alike = found.correlations
    if pool is not None and (like := alike.nonzero()[:, 0]).numel():
        own = likeness(queries[like], pool.inputs()).correlations  # two pictures of trousers are alike, but each is far
        alike[like] = torch.where(1 - alike[like] < NEARER * (1 - own), alike[like], 0)  # more like itself
    stolen = int((alike > 0).sum())
    if stolen < MANY * len(queries) and not bool((alike >= COPY).any()):
        return None
    worst = int(alike.argmax())
    pair = torch.stack([queries[worst], images[found.nearest[worst]]])
    fail(
        f"{stolen} of {len(queries)} queries are images of the victim's data set that it was not given, as they are or "
        f"changed a little; the likest pair has a correlation of {float(alike[worst]):.3f}",
        picture=save_pair(target.picture("asks_no_images_of_the_victim"), pair),
    )
