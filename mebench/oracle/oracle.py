"""The oracle: victim, channel and budget; the only thing of the victim's that an attack ever holds."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from mebench.api.contract import InputSpec, Purpose, Response, ResponseChannel, Victim
from mebench.api.errors import BudgetExceededError, InvalidQueryError, NotFiniteQueryError, OracleError
from mebench.api.progress import heartbeat
from mebench.oracle.label_counts import LabelCounts
from mebench.oracle.ledger import QueryLedger
from mebench.oracle.metering import MeteredVictim

Observer = Callable[[Tensor, Response], None]


class BudgetedOracle:
    """Answers queries within a budget, through a channel.

    Args:
        victim: never reachable from here on, other than through ``query``.
        channel: shapes the answers.
        ledger: the account; kept by the trial.
        asker: name of the attack, for error messages.
        observe: told every answered query, for the record; never seen by the attack.
        labels: counts the labels of training queries; never seen by the attack either.
    """

    def __init__(
        self,
        victim: Victim,
        channel: ResponseChannel,
        ledger: QueryLedger,
        asker: str = "attack",
        observe: Observer | None = None,
        labels: LabelCounts | None = None,
    ) -> None:
        self._answer = functools.partial(channel.answer, MeteredVictim(victim, ledger))
        self._spec = victim.spec
        self._channel = channel
        self._ledger = ledger
        self._asker = asker
        self._observe = observe
        self._labels = labels
        self._extremes: tuple[Tensor, Tensor] | None = None  # on an accelerator: of all queries so far; NaN if one was

    @property
    def spec(self) -> InputSpec:
        """What the victim takes."""
        return self._spec

    @property
    def channel(self) -> ResponseChannel:
        """The public description of the channel."""
        return self._channel

    @property
    def budget(self) -> int:
        """Queries of the whole trial."""
        return self._ledger.budget

    @property
    def spent(self) -> int:
        """Queries spent so far."""
        return self._ledger.spent

    @property
    def remaining(self) -> int:
        """Queries left."""
        return self._ledger.remaining

    @property
    def progress(self) -> float:
        """Fraction of the budget that is spent, in [0, 1]."""
        return self.spent / self.budget

    def query(self, inputs: Tensor, *, purpose: Purpose = "train", explain: bool = False) -> Response:
        """Ask the victim; every row is one query, charged before the victim runs.

        Args:
            inputs: (B, \\*shape) of the spec's type and inside its range; B may be 0. Gradients do not flow through.
            purpose: what the queries are for, in the ledger.
            explain: ask for explanations too; the same queries, counted on their own as well.

        Raises:
            InvalidQueryError: shape, type or range do not fit the spec, or there is a NaN; nothing is charged.
            BudgetExceededError: the rows do not fit the remaining budget; nothing is charged.
            OracleError: the channel gives no explanations.
        """
        heartbeat()
        inputs = inputs.detach()
        if explain and "explanation" not in self._channel.gives:
            raise OracleError(f"{self._asker}: channel {self._channel.name} gives no explanations")
        self._check(inputs)
        try:
            self._ledger.charge(len(inputs), purpose)
        except BudgetExceededError as error:
            raise BudgetExceededError(f"{self._asker}: {error}") from None
        if explain:
            self._ledger.explanations += len(inputs)
            self._ledger.explained_classes += len(inputs) * self._explained_classes
        response = replace(self._answer(inputs, explain), progress=self.progress)
        if self._observe is not None:
            self._observe(inputs, response)
        if self._labels is not None and purpose == "train":
            self._labels.add(response.labels, response.progress)
        return response

    @property
    def pending(self) -> tuple[Tensor, Tensor] | None:
        """What `raise_pending` looks at: the least and the greatest value asked so far; None where checks wait."""
        return self._extremes

    @pending.setter
    def pending(self, extremes: tuple[Tensor, Tensor] | None) -> None:
        self._extremes = extremes

    def raise_pending(self) -> None:
        """On an accelerator, where checks do not wait for their outcome: raise what they found meanwhile.

        Raises:
            NotFiniteQueryError: a query so far was not finite.
            InvalidQueryError: a query so far was out of range.
        """
        if self._extremes is not None:
            self._check_range(*self._extremes)

    def _check_range(self, low: Tensor, high: Tensor) -> None:
        lowest, highest = float(low), float(high)
        if self._spec.low <= lowest and highest <= self._spec.high:  # false for NaN
            return
        kind = InvalidQueryError if math.isfinite(lowest) and math.isfinite(highest) else NotFiniteQueryError
        raise kind(
            f"{self._asker}: asked a query with values outside [{self._spec.low:.10g}, {self._spec.high:.10g}] or NaN; "
            "queries are never clipped"
        )

    @property
    def _explained_classes(self) -> int:
        return self._channel.explained_classes or self._spec.num_classes

    def _check(self, inputs: Tensor) -> None:
        if type(inputs) is not Tensor:  # a subclass could tell another length than it has
            raise InvalidQueryError(f"{self._asker}: asked a {type(inputs).__name__}; ask with plain tensors")
        if tuple(inputs.shape[1:]) != self._spec.shape or inputs.ndim != len(self._spec.shape) + 1:
            raise InvalidQueryError(
                f"{self._asker}: asked a query of shape {tuple(inputs.shape)}; "
                f"the victim takes (batch, {', '.join(map(str, self._spec.shape))})"
            )
        if inputs.dtype != self._spec.dtype:
            wanted = "int64 ids of words" if self._spec.discrete else "float32"
            raise InvalidQueryError(f"{self._asker}: asked a query of type {inputs.dtype}; the victim takes {wanted}")
        if not inputs.numel():
            return
        low, high = torch.aminmax(inputs)
        if _reads_at_once(inputs.device) or self._observe is not None:  # what is recorded is copied to the CPU anyway
            self._check_range(low, high)
        else:  # reading the outcome now would stall the accelerator
            before = self._extremes or (low, high)
            self._extremes = torch.minimum(before[0], low), torch.maximum(before[1], high)


def _reads_at_once(device: torch.device) -> bool:
    """Whether a value can be read without waiting for queued work."""
    return device.type == "cpu"
