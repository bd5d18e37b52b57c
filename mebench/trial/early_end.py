"""Why the turns of a trial end before its budget is spent: nothing is left to ask, or training has diverged."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator, Mapping
from typing import Any

from mebench.api.contract import Attack
from mebench.api.errors import NotFiniteQueryError, NothingToAskError
from mebench.oracle.ledger import QueryLedger
from mebench.trial.divergence import first_not_finite

_log = logging.getLogger(__name__)


class EarlyEnd:
    """Tells whether another turn can be taken, whatever is left of the budget.

    Args:
        attack: its state tells training that diverged from a programming error.
        ledger: of the trial.

    Attributes:
        exhausted: the strategy has proposed nothing.
        diverged: its training has given a query that is not finite; the run stays in the table, flagged.
    """

    def __init__(self, attack: Attack, ledger: QueryLedger) -> None:
        self._attack, self._ledger = attack, ledger
        self.exhausted = self.diverged = False

    def __bool__(self) -> bool:
        """Whether the turns have ended."""
        return self.exhausted or self.diverged

    @contextlib.contextmanager
    def noticed(self) -> Iterator[None]:
        """Take note of what ends the turns in the block.

        Raises:
            NotFiniteQueryError: the attack has learnt nothing yet, or its state is finite: a programming error.
        """
        try:
            yield
        except NothingToAskError:
            self.exhausted = True
        except NotFiniteQueryError as error:
            if not self.diverged and not self._diverged_by(error):
                raise

    def _diverged_by(self, error: NotFiniteQueryError) -> bool:
        strategy, learner = self._attack.strategy, self._attack.learner
        state = {"strategy": strategy.state_dict(), "learner": learner.state_dict()}
        place = first_not_finite(state) if self._ledger.spent else None
        self.diverged = place is not None
        if self.diverged:
            _log.warning("%s; %s is not finite: diverged after %d queries", error, place, self._ledger.spent)
        return self.diverged

    def state_dict(self) -> dict[str, Any]:
        """Why the turns have ended, if they have."""
        return {"exhausted": self.exhausted, "diverged": self.diverged}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``."""
        self.exhausted, self.diverged = state["exhausted"], state["diverged"]
