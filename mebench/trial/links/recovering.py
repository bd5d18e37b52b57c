"""The attacker's recoveries: an oracle that asks and answers through them, and a learner that leaves rows out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from torch import Tensor, nn

from mebench.api.contract import InputSpec, Learner, Oracle, Purpose, Response, ResponseChannel
from mebench.api.errors import ConfigurationError
from mebench.api.plurals import counted
from mebench.guard.defences import GuardedRecovery
from mebench.toolkit.rows import rows_of


class RecoveringOracle:
    """An oracle before which a recovery stands: what one row costs there, it costs here, and the account is the same.

    An attack that asks B rows spends ``B * queries_per_row`` queries. So that attacks which plan by their budget can,
    ``budget``, ``spent`` and ``remaining`` tell how many rows may be asked, were, and can be.

    Args:
        oracle: asked.
        recovery: makes of its answers what the attack gets.
        clone: returns the attacker's network as it is.
    """

    def __init__(self, oracle: Oracle, recovery: GuardedRecovery, clone: Callable[[], nn.Module]) -> None:
        self._oracle, self._recovery, self._clone = oracle, recovery, clone
        self._cost = recovery.queries_per_row

    @property
    def spec(self) -> InputSpec:
        """What the victim takes."""
        return self._oracle.spec

    @property
    def channel(self) -> ResponseChannel:
        """The public description of the channel."""
        return self._oracle.channel

    @property
    def budget(self) -> int:
        """Rows of the whole trial."""
        return int(self._oracle.budget // self._cost)

    @property
    def spent(self) -> int:
        """Rows asked so far."""
        return self.budget - self.remaining

    @property
    def remaining(self) -> int:
        """Rows that can still be asked."""
        return int(self._oracle.remaining // self._cost)

    @property
    def progress(self) -> float:
        """Fraction of the budget that is spent, in [0, 1]."""
        return self._oracle.progress

    def query(self, inputs: Tensor, *, purpose: Purpose = "train", explain: bool = False) -> Response:
        """Ask, and recover; see `mebench.api.contract.Oracle.query`."""
        asked = self._recovery.asked(inputs)
        response = self._oracle.query(asked, purpose=purpose, explain=explain)
        return self._recovery.recover(inputs, response, self._clone(), self.spec.num_classes)


class ChoosyLearner(Learner):
    """A learner that learns from the rows that every recovery holds to be worth it.

    Args:
        learner: the attack's.
        recoveries: asked in turn; each sees the rows that are left.
    """

    def __init__(self, learner: Learner, recoveries: Sequence[GuardedRecovery]) -> None:
        self._learner, self._recoveries = learner, tuple(recoveries)

    @property
    def clone(self) -> nn.Module:  # type: ignore[override]
        """The learner's clone."""
        return self._learner.clone

    @property
    def wants_explanations(self) -> bool:  # type: ignore[override]
        """Whether the learner learns from explanations."""
        return self._learner.wants_explanations

    def learn(self, queries: Tensor, response: Response) -> None:
        """Learn from the answers that are worth it."""
        for recovery in self._recoveries:
            kept = recovery.worth_learning(queries, response)
            if kept is None or bool(kept.all()):
                continue
            rows = kept.nonzero().flatten()
            queries, response = queries[rows], rows_of(response, rows)
        if len(queries):
            self._learner.learn(queries, response)

    def state_dict(self) -> dict[str, Any]:
        """That of the learner."""
        return self._learner.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``."""
        self._learner.load_state_dict(state)


class RecoveryStates:
    """What recoveries change, as a part of the checkpoint.

    Args:
        recoveries: of the trial.
    """

    def __init__(self, recoveries: Sequence[GuardedRecovery]) -> None:
        self._recoveries = tuple(recoveries)

    def state_dict(self) -> dict[str, Any]:
        """That of each."""
        return {"recoveries": [recovery.state_dict() for recovery in self._recoveries]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``."""
        for recovery, known in zip(self._recoveries, state["recoveries"], strict=True):
            recovery.load_state_dict(known)


def recovering(oracle: Oracle, learner: Learner, recoveries: Sequence[GuardedRecovery]) -> tuple[Oracle, Learner]:
    """What the loop asks and lets learn: oracle and learner of the trial behind the attacker's recoveries.

    Args:
        oracle: what the attack would hold without them.
        learner: the attack's.
        recoveries: the first is the nearest to the oracle.

    Raises:
        ConfigurationError: the whole budget does not pay for a row.
    """
    queries = oracle.budget
    for recovery in recoveries:
        oracle = RecoveringOracle(oracle, recovery, lambda: learner.clone)
    if not oracle.budget:
        names = ", ".join(one.label for one in recoveries)
        raise ConfigurationError(
            f"recovery {names}: one row costs more than the whole budget, {counted(queries, 'query')}"
        )
    return oracle, ChoosyLearner(learner, recoveries) if recoveries else learner
