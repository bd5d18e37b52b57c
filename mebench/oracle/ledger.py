"""The account of a trial: what was asked, by purpose, what the channel answered, and what the victim computed for it.

The ledger is written in three places, all here: the oracle charges it, `MeteredVictim` adds what the victim computes,
and `CountedChannel` counts answers by itself, so that a ledger that was changed is noticed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, NoReturn

import torch
from torch import Tensor

from mebench.api.contract import Response, ResponseChannel, Victim
from mebench.api.errors import BudgetExceededError, MebenchError, NothingToAskError, VictimFaultError
from mebench.api.outputs import odd_storage
from mebench.api.plurals import counted
from mebench.oracle.links import Link
from mebench.registry.safe_import import what_happened

_COUNTS = ("explanations", "explained_classes", "refusals", "victim_forward", "victim_backward")
ROWS_AT_ONCE = 1024
"""An attack may ask its whole budget in one request; a victim that sees it at once would fill the memory."""


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
            f"asked {counted(rows, 'query')} with {self.remaining} of {self.budget} left; the victim was not run"
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

    def take_back(self, rows: int, purpose: str, classes: int) -> None:
        """Take a charge back, and that of explanations of so many classes; of 0 classes where none was asked.

        Nobody was answered: the service refuses whoever asks.
        """
        self.by_purpose[purpose] -= rows
        if classes:
            self.charge_explanations(-rows, classes)

    def state_dict(self) -> dict[str, Any]:
        """The account as plain values."""
        return asdict(self)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``.

        Raises:
            ValueError: it is of another budget, holds other purposes, or a number that none can be.
        """
        counts = [*state["by_purpose"].values(), *(state[name] for name in _COUNTS)]
        if not all(type(count) is int and count >= 0 for count in counts):
            raise ValueError("the ledger holds what is no number of rows")
        if state["budget"] != self.budget or state["by_purpose"].keys() != self.by_purpose.keys():
            raise ValueError("the ledger is of another budget or of other purposes")
        if sum(state["by_purpose"].values()) > self.budget:
            raise ValueError("the ledger is overspent")
        self.by_purpose = dict(state["by_purpose"])
        self.explanations = state["explanations"]
        self.explained_classes = state["explained_classes"]
        self.refusals = state["refusals"]
        self.victim_forward = state["victim_forward"]
        self.victim_backward = state["victim_backward"]


class CountedChannel(Link):
    """Counts the rows that are answered and explained, apart from the ledger: a ledger that was changed is noticed.

    Args:
        inner: answers.
        ledger: what the counts are compared with.

    Attributes:
        answered: rows.
        explained: rows of these for which an explanation was asked.
    """

    def __init__(self, inner: ResponseChannel, ledger: QueryLedger) -> None:
        super().__init__(inner)
        self.answered = self.explained = 0
        self._ledger, self._budget = ledger, ledger.budget

    def answer(self, victim: Victim, inputs: Tensor, explain: bool) -> Response:
        """Hand the queries on, counted; not those that nobody answers."""
        self.answered += len(inputs)
        self.explained += len(inputs) * explain
        try:
            return super().answer(victim, inputs, explain)
        except NothingToAskError:
            self.answered -= len(inputs)
            self.explained -= len(inputs) * explain
            raise

    def problem(self) -> str:
        """Say what an attack has done to its account; empty if it has kept to it."""
        ledger = self._ledger
        if ledger.budget != self._budget:
            return f"changed its budget from {self._budget} to {ledger.budget}"
        if ledger.spent > self._budget:
            return f"spent {ledger.spent} queries of a budget of {self._budget}"
        if self.answered != ledger.spent:
            return f"had {self.answered} rows answered, and {ledger.spent} in its ledger"
        if self.explained != ledger.explanations:
            return f"had {self.explained} rows explained, and {ledger.explanations} in its ledger"
        return ""

    def state_dict(self) -> dict[str, Any]:
        """The count of answers; that of explanations is the ledger's, which was compared with it."""
        return {"answered": self.answered}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``; the ledger's comes before.

        Raises:
            ValueError: it is not of the same moment as the ledger.
        """
        if state["answered"] != self._ledger.spent:
            raise ValueError(f"{state['answered']} rows were answered, and {self._ledger.spent} are in the ledger")
        self.answered, self.explained = state["answered"], self._ledger.explanations


class MeteredVictim(Victim):
    """A victim that writes into a ledger what it computes; what a channel is given in the victim's place.

    A lazy explanation holds its graph or this victim, so that what it computes later is counted when it is computed,
    and what is never asked of it is not. Evaluation uses the bare victim and is not counted.

    Args:
        victim: computes.
        ledger: ``victim_forward`` and ``victim_backward`` are counted up, in rows.
    """

    def __init__(self, victim: Victim, ledger: QueryLedger) -> None:
        super().__init__(victim, victim.spec, victim.name, outputs="logits")  # as the victim inside returns them
        self._ledger = ledger

    def forward(self, inputs: Tensor) -> Tensor:
        """Return logits (B, c)."""
        rows = len(inputs)
        if not rows:  # which many networks fail on
            return inputs.float().flatten(1).sum(1, keepdim=True).expand(-1, self.spec.num_classes)
        self._ledger.victim_forward += rows
        if rows > ROWS_AT_ONCE and not torch.is_grad_enabled():
            return torch.cat([self._computed(part) for part in inputs.split(ROWS_AT_ONCE)])
        logits = self._computed(inputs)
        if logits.requires_grad:
            # Called at every pass back through these logits.
            logits.register_hook(self._count_backward)
        elif inputs.requires_grad and torch.is_grad_enabled():
            raise VictimFaultError(f"victim {self.name!r}: its outputs carry no gradient to its inputs")
        return logits

    def _computed(self, inputs: Tensor) -> Tensor:
        """The victim's logits; whatever goes wrong in it is its own fault, and memory nobody's."""
        try:
            logits = super().forward(inputs)
        except (MebenchError, MemoryError, torch.OutOfMemoryError, KeyboardInterrupt):
            raise
        except BaseException as error:
            raise VictimFaultError(
                f"victim {self.name!r} failed on {counted(len(inputs), 'row')}: {what_happened(error)}"
            ) from error
        if problem := self._unfit(logits, inputs):
            raise VictimFaultError(f"victim {self.name!r}: its logits for {counted(len(inputs), 'row')} are {problem}")
        # An accelerator would have to be waited for. Where one number is not finite, the sum is not either.
        if logits.device.type == "cpu" and not math.isfinite(float(logits.detach().sum())):
            wrong = int((~torch.isfinite(logits)).any(1).sum())
            raise VictimFaultError(
                f"victim {self.name!r}: its logits are not finite for {wrong} of {counted(len(inputs), 'row')}"
            )
        return logits

    def _unfit(self, logits: object, inputs: Tensor) -> str:
        """Say what is wrong with the form of an answer; empty if nothing is: an attack would be blamed for it."""
        wanted = (len(inputs), self.spec.num_classes)
        if not isinstance(logits, Tensor):
            return f"no tensor but {type(logits).__name__}"
        if problem := odd_storage(logits, inputs.device):
            return problem
        if logits.shape == wanted and logits.is_floating_point():
            return ""
        return f"{str(logits.dtype).removeprefix('torch.')} {tuple(logits.shape)}, not real numbers {wanted}"

    def _count_backward(self, gradient: Tensor) -> None:
        rows = len(gradient)
        self._ledger.victim_backward += rows
