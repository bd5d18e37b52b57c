"""The oracle's account: what was asked, by purpose, and what it cost the victim. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, NoReturn

from mebench.api.errors import BudgetExceededError


@dataclass
class QueryLedger:
    """The oracle's account. Every input row is one query; explanations are counted on their own as well.

    Attributes:
        budget: queries that may be spent.
        by_purpose: queries spent, by what they were for.
        explanations: rows for which an explanation was asked.
        explained_classes: class maps handed out, summed over explanations.
        refusals: requests that did not fit the budget.
        victim_forward, victim_backward: rows that the victim computed forward and back; its own cost.
    """

    budget: int
    by_purpose: dict[str, int] = field(default_factory=lambda: {"train": 0, "explore": 0, "validation": 0})
    explanations: int = 0
    explained_classes: int = 0
    refusals: int = 0
    victim_forward: int = 0
    victim_backward: int = 0

    @property
    def spent(self) -> int:
        """Queries spent."""
        return sum(self.by_purpose.values())

    @property
    def remaining(self) -> int:
        """Queries left."""
        return self.budget - self.spent

    def refuse(self, rows: int) -> NoReturn:
        """Count a request of ``rows`` queries that does not fit.

        Raises:
            BudgetExceededError: always; nothing is spent.
        """
        self.refusals += 1
        raise BudgetExceededError(
            f"asked {rows} queries with {self.remaining} of {self.budget} left; the victim was not run"
        )

    def charge(self, rows: int, purpose: str) -> None:
        """Spend ``rows`` queries.

        Raises:
            BudgetExceededError: they do not fit; nothing is spent.
        """
        if rows > self.remaining:
            self.refuse(rows)
        self.by_purpose[purpose] += rows

    def charge_explanations(self, rows: int, classes: int) -> None:
        """Count explanations of ``rows`` queries, each of so many classes."""
        self.explanations += rows
        self.explained_classes += rows * classes

    def state_dict(self) -> dict[str, Any]:
        """The account as plain values."""
        return asdict(self)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``."""
        self.budget = state["budget"]
        self.by_purpose = dict(state["by_purpose"])
        self.explanations = state["explanations"]
        self.explained_classes = state["explained_classes"]
        self.refusals = state["refusals"]
        self.victim_forward = state["victim_forward"]
        self.victim_backward = state["victim_backward"]
