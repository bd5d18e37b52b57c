"""Does the attack spend its budget, all of it, and not a query more?"""

from __future__ import annotations

from mebench.api.contract import InputSpec
from mebench.api.errors import ConfigurationError
from mebench.api.spec import Component
from mebench.testing.faults import CheckSkipped, fail, require
from mebench.testing.session import Session
from mebench.testing.shared import finished
from mebench.testing.stage import Stage
from mebench.testing.target import AttackUnderTest

BUDGETS = (1, 2, 7, 97, 150)
"""One query; fewer than a batch; primes that no batch divides; some batches."""
NORMALISED = Component("small-cnn", {"width": 4})
"""A clone with batch norm, narrow so that it takes a fifth of the time."""


def stays_within_budget(target: AttackUnderTest) -> str | None:
    """At no budget does the victim answer more rows than the budget has, by a count that is not the ledger's."""
    for budget in BUDGETS:
        session = _run(target, Stage(budget=budget))
        if session is None:
            continue
        ledger, answered = session.ledger, session.watch.answered
        require(ledger.budget == budget, f"budget {budget}: the ledger says {ledger.budget} after the run")
        require(answered <= budget, f"budget {budget}: the victim answered {answered} rows")
        require(answered == ledger.spent, f"budget {budget}: {answered} rows answered, {ledger.spent} in the ledger")
        require(not ledger.refusals, f"budget {budget}: asks for more than `oracle.remaining`")
    return None


def spends_the_whole_budget(target: AttackUnderTest) -> str | None:
    """Every query is spent; only an attack whose pool is exhausted may end early, by proposing nothing."""
    for budget in BUDGETS:
        session = _run(target, Stage(budget=budget))
        if session is not None and session.ledger.remaining:
            fail(f"budget {budget}: ends with {session.ledger.remaining} queries unspent")
    if target.entry.family == "pool":
        _run(target, Stage(budget=150, pool_size=60))
    return None


def _run(target: AttackUnderTest, stage: Stage) -> Session | None:
    """Run the attack; None if the budget is below its smallest and it says so."""
    try:
        return finished(target, stage)
    except ConfigurationError:
        if stage.budget >= target.entry.minimum_budget:
            raise
        return None


def learns_from_a_ragged_last_batch(target: AttackUnderTest) -> str | None:
    """A last batch of one row is learnt from like any other, by a clone with batch norm too."""
    spec = InputSpec((1, 16, 16), 10)
    probe = Session(target, Stage(spec, budget=400))
    turns = probe.turns()
    if next(turns, None) is None or next(turns, None) is None:
        raise CheckSkipped("takes a single turn")
    budget = probe.ledger.spent + 1
    session = Session(target, Stage(spec, budget=budget, clone=NORMALISED)).run()
    require(not session.ledger.remaining, f"budget {budget}: ends with {session.ledger.remaining} queries unspent")
    weights = session.attack.learner.clone.state_dict()
    bad = [name for name, value in weights.items() if not bool(value.isfinite().all())]
    require(not bad, f"budget {budget}: {', '.join(bad[:3])} of the clone are not finite")
    return None
