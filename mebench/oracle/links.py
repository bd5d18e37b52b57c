"""Links between the oracle and the victim: response channels around response channels, in one order."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from mebench.api.contract import Response, ResponseChannel, Victim
from mebench.api.random_streams import RandomStreams
from mebench.oracle.ledger import QueryLedger


class Link(ResponseChannel):
    """A channel around another one, of which it shows all that is public; a subclass changes or counts what passes.

    ``state_dict`` holds the link's own state, not that of the channel inside.

    Args:
        inner: answers.
    """

    def __init__(self, inner: ResponseChannel) -> None:
        self._inner = inner
        self.name, self.gives = inner.name, inner.gives
        self.probability_floor, self.explained_classes = inner.probability_floor, inner.explained_classes

    def use_randomness(self, random: RandomStreams) -> None:
        """Hand the trial's random streams on."""
        self._inner.use_randomness(random)

    def answer(self, victim: Victim, inputs: Tensor, explain: bool) -> Response:
        """Hand the queries on."""
        return self._inner.answer(victim, inputs, explain)

    def __getattr__(self, name: str) -> Any:
        """A public attribute of the channel inside, such as the ``baseline`` of Integrated Gradients."""
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._inner, name)


class CountedChannel(Link):
    """Counts the rows that are answered, apart from the ledger: a ledger that was changed is noticed.

    Args:
        inner: answers.
        ledger: what the count is compared with.

    Attributes:
        answered: rows.
    """

    def __init__(self, inner: ResponseChannel, ledger: QueryLedger) -> None:
        super().__init__(inner)
        self.answered = 0
        self._ledger, self._budget = ledger, ledger.budget

    def answer(self, victim: Victim, inputs: Tensor, explain: bool) -> Response:
        """Hand the queries on, counted."""
        self.answered += len(inputs)
        return super().answer(victim, inputs, explain)

    def problem(self) -> str:
        """Say what an attack has done to its account; empty if it has kept to it."""
        ledger = self._ledger
        if ledger.budget != self._budget:
            return f"changed its budget from {self._budget} to {ledger.budget}"
        if self.answered > ledger.spent:
            return f"had {self.answered} rows answered, and {ledger.spent} in its ledger"
        if ledger.spent > self._budget:
            return f"spent {ledger.spent} queries of a budget of {self._budget}"
        return ""

    def state_dict(self) -> dict[str, Any]:
        """The count."""
        return {"answered": self.answered}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``."""
        self.answered = state["answered"]
