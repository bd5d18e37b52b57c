"""A count of what a victim answers that is not the ledger's: who changes the ledger changes no result unnoticed."""

from __future__ import annotations

from torch import Tensor

from mebench.api.contract import Response, ResponseChannel, Victim
from mebench.guard.call import Guard
from mebench.oracle.ledger import QueryLedger


class Account:
    """Counts the rows that a channel answers.

    Args:
        channel: from now on counted.
        ledger: what the count is compared with.
        guard: of the attack.

    Attributes:
        answered: rows; a trial that goes on takes over what its ledger holds.
    """

    def __init__(self, channel: ResponseChannel, ledger: QueryLedger, guard: Guard) -> None:
        self.answered = ledger.spent
        self._ledger, self._guard, self._budget = ledger, guard, ledger.budget
        answer = channel.answer

        def counted(victim: Victim, inputs: Tensor, explain: bool) -> Response:
            self.answered += len(inputs)
            return answer(victim, inputs, explain)

        channel.answer = counted  # type: ignore[method-assign]

    def check(self) -> None:
        """Compare.

        Raises:
            PluginFaultError: the attack has had more answers than its ledger says, or has another budget.
        """
        ledger = self._ledger
        if ledger.budget != self._budget:
            self._guard.fail(f"changed its budget from {self._budget} to {ledger.budget}")
        if self.answered > ledger.spent:
            self._guard.fail(f"had {self.answered} rows answered, and {ledger.spent} in its ledger")
