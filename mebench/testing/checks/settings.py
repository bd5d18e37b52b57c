"""Does the attack work wherever a benchmark may put it?"""

from __future__ import annotations

import torch
from torch import Tensor

from mebench.api.contract import InputSpec
from mebench.api.errors import InvalidQueryError
from mebench.testing.faults import fail, require
from mebench.testing.session import Session
from mebench.testing.shared import finished
from mebench.testing.stage import Stage
from mebench.testing.target import AttackUnderTest

SPECS = (
    InputSpec((3, 8, 8), 10),
    InputSpec((1, 8, 8), 2),
    InputSpec((1, 8, 8), 100),
    InputSpec((1, 7, 9), 10),
    InputSpec((3, 7, 9), 100),
)
WIDE = InputSpec((1, 8, 8), 10, low=-1.0, high=2.0)


def proposes_valid_queries(target: AttackUnderTest) -> str | None:
    """Every proposal is a plain float32 tensor of the victim's shape and range, without NaN."""
    for spec in (Stage().spec, WIDE):
        try:
            session = finished(target, Stage(spec))
        except InvalidQueryError as error:
            fail(str(error))
        for queries in session.proposals:
            _require_valid(queries, spec)
        values = session.asked
        require(len(values) == 0 or bool(values.max() > values.min()), "every value of every query is the same")
    return None


def _require_valid(queries: Tensor, spec: InputSpec) -> None:
    require(type(queries) is Tensor, f"proposes a {type(queries).__name__}, not a plain tensor")
    require(queries.dtype == torch.float32, f"proposes {queries.dtype}")
    require(tuple(queries.shape[1:]) == spec.shape, f"proposes shape {tuple(queries.shape)} for {spec.shape}")
    inside = bool(((queries >= spec.low) & (queries <= spec.high)).all())
    require(inside, f"proposes values outside [{spec.low:g}, {spec.high:g}], or NaN")


def works_on_other_inputs(target: AttackUnderTest) -> str | None:
    """It runs with 1 and 3 channels, 2 and 100 classes, and images of 7 x 9."""
    for spec in SPECS:
        words = f"{' x '.join(map(str, spec.shape))}, {spec.num_classes} classes"
        try:
            session = Session(target, Stage(spec, budget=100)).run()
        except Exception as error:
            fail(f"{words}: {type(error).__name__}: {error}")
        require(not session.ledger.remaining, f"{words}: ends with {session.ledger.remaining} queries unspent")
    return None


def survives_certain_answers(target: AttackUnderTest) -> str | None:
    """A victim that is certain, with probabilities of exactly 0 and 1, makes no NaN of the clone."""
    for channel in target.channel_entries:
        session = Session(target, Stage(certainty=1e4), channel=channel).run()
        finite = all(bool(value.isfinite().all()) for value in session.attack.learner.clone.state_dict().values())
        require(finite, f"channel {channel.name}: the clone's weights are not finite")
    return None
