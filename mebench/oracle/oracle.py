"""The oracle: victim, channel and budget; the only thing of the victim's that an attack ever holds."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NoReturn

import torch
from torch import Tensor

from mebench.api.contract import InputSpec, Purpose, Response, ResponseChannel, Victim
from mebench.api.errors import (
    BudgetExceededError,
    InvalidQueryError,
    NotFiniteQueryError,
    NothingToAskError,
    OracleError,
)
from mebench.api.progress import end_work, heartbeat
from mebench.oracle.ledger import MeteredVictim, QueryLedger
from mebench.oracle.observer import Observer

MOST_FAILURES = 1_000
"""Requests in a row that are not answered, after which a trial is ended."""


class BudgetedOracle:
    """Answers queries within a budget: checks and charges them, asks the channel, and tells the observers.

    It is the trial's own; an attack holds a `mebench.oracle.facade.AttackersOracle` before it.

    Args:
        victim: asked by ``query`` alone.
        channel: shapes the answers; links around the service's own channel come with it.
        ledger: the account; kept by the trial.
        asker: name of the attack, for error messages.
        observers: are told every answered query, in this order; the attack never sees them.
        device: where the victim computes; any without it.
    """

    def __init__(
        self,
        victim: Victim,
        channel: ResponseChannel,
        ledger: QueryLedger,
        asker: str = "attack",
        observers: Sequence[Observer] = (),
        device: torch.device | None = None,
    ) -> None:
        self._place = device and device.type
        self._answer = _answering(channel, MeteredVictim(victim, ledger))
        self._spec = victim.spec
        self._channel = channel
        self._ledger = ledger
        self._asker = asker
        self._observers = tuple(observers)
        self._asking = threading.RLock()
        self._forward = self._backward = 0  # rows that the victim computed while it was asked
        self._failures = 0  # requests in a row that were not answered
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
        """Ask the victim; see `mebench.api.contract.Oracle.query`."""
        with self._asking:  # an attack may ask from several threads: each question is one step for account and record
            try:
                response = self._query(inputs, purpose, explain)
            except Exception:
                self._note_failure()
                raise
            self._failures = 0
            return response

    def _query(self, inputs: Tensor, purpose: Purpose, explain: bool) -> Response:
        if explain and "explanation" not in self._channel.gives:
            raise OracleError(f"{self._asker}: channel {self._channel.name} gives no explanations")
        if purpose not in self._ledger.by_purpose:
            known = ", ".join(self._ledger.by_purpose)
            raise OracleError(f"{self._asker}: asked for the purpose {purpose!r:.60}; there are {known}")
        self._check_form(inputs)
        rows, ledger = len(inputs), self._ledger
        if rows > ledger.remaining:
            self._refuse(rows)
        heartbeat()  # a request that is refused is no sign of life
        # Nothing before this line takes time or memory by the rows: they are bounded from here on.
        # The oracle's own copy: what is checked is what is answered and told, and what is explained when that is asked.
        asked = inputs.detach().clone()
        self._check_values(asked)
        classes = self._channel.explained_classes or self._spec.num_classes
        ledger.charge(rows, purpose)
        if explain:
            ledger.charge_explanations(rows, classes)
        forward, backward = ledger.victim_forward, ledger.victim_backward
        try:
            answer = self._answer(asked, explain)
        except NothingToAskError:  # a service that refuses whoever asks: what is not answered is not paid
            ledger.take_back(rows, purpose, classes if explain else 0)
            raise
        finally:  # an attack may ask again, with fewer rows, where memory has run out
            self._forward += ledger.victim_forward - forward
            self._backward += ledger.victim_backward - backward
        response = replace(answer, progress=ledger.spent / ledger.budget)
        for observer in self._observers:
            observer.observe(asked, response, purpose)
        return response

    def _note_failure(self) -> None:
        """End the trial of an attack that catches whatever it is told, and asks on."""
        self._failures += 1
        if self._failures >= MOST_FAILURES:
            end_work(f"{self._asker}: asked {self._failures:,} times in a row what was refused, and went on asking")

    def _refuse(self, rows: int) -> NoReturn:
        """Count the refusal, and put the attack's name before what the ledger says."""
        try:
            self._ledger.refuse(rows)
        except BudgetExceededError as error:
            raise BudgetExceededError(f"{self._asker}: {error}") from None

    def explaining(self, contract: Callable[..., Any]) -> Callable[..., Any]:
        """Wrap a method of an explanation that was asked for: what the victim computes for it is explained by that.

        An explanation may be contracted as often as an attack likes: all of it follows from the classes' maps.
        """

        def contracting(*arguments: Any, **more: Any) -> Any:
            ledger = self._ledger
            with self._asking:
                forward, backward = ledger.victim_forward, ledger.victim_backward
                try:
                    return contract(*arguments, **more)
                finally:
                    self._forward += ledger.victim_forward - forward
                    self._backward += ledger.victim_backward - backward

        return contracting

    @property
    def unexplained(self) -> tuple[int, int]:
        """Rows that the victim has computed forward and back while nobody was asking it: none, for an honest attack."""
        return self._ledger.victim_forward - self._forward, self._ledger.victim_backward - self._backward

    def state_dict(self) -> dict[str, Any]:
        """What the victim has computed when asked, and what checks that do not wait have found; see `raise_pending`."""
        return {"extremes": self._extremes, "asked_for": [self._forward, self._backward]}

    def load_state_dict(self, state: Mapping[str, Any], device: torch.device) -> None:
        """Go on from a ``state_dict()``."""
        self._forward, self._backward = state["asked_for"]
        extremes = state["extremes"]
        self._extremes = None if extremes is None else (extremes[0].to(device), extremes[1].to(device))

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

    def _check_form(self, inputs: Tensor) -> None:
        if type(inputs) is not Tensor:  # a subclass could tell another length than it has
            raise InvalidQueryError(f"{self._asker}: asked a {type(inputs).__name__}; ask with plain tensors")
        place = inputs.device.type
        if inputs.is_nested or inputs.layout is not torch.strided:
            form = "nested" if inputs.is_nested else inputs.layout
            raise InvalidQueryError(f"{self._asker}: asked a tensor that is {form}; ask with plain tensors")
        if place != self._place and (self._place or place == "meta"):
            wanted = f"the trial is on {self._place}" if self._place else "ask with tensors that hold values"
            raise InvalidQueryError(f"{self._asker}: asked a query on {inputs.device}; {wanted}")
        if tuple(inputs.shape[1:]) != self._spec.shape or inputs.ndim != len(self._spec.shape) + 1:
            raise InvalidQueryError(
                f"{self._asker}: asked a query of shape {tuple(inputs.shape)}; "
                f"the victim takes (batch, {', '.join(map(str, self._spec.shape))})"
            )
        if inputs.dtype != self._spec.dtype:
            wanted = "int64 ids of words" if self._spec.discrete else "float32"
            raise InvalidQueryError(f"{self._asker}: asked a query of type {inputs.dtype}; the victim takes {wanted}")

    def _check_values(self, inputs: Tensor) -> None:
        if not inputs.numel():
            return
        low, high = torch.aminmax(inputs)
        if _reads_at_once(inputs.device) or any(observer.reads_values for observer in self._observers):
            self._check_range(low, high)
        else:  # reading the outcome now would stall the accelerator
            before = self._extremes or (low, high)
            self._extremes = torch.minimum(before[0], low), torch.maximum(before[1], high)


def _answering(channel: ResponseChannel, victim: Victim) -> Callable[[Tensor, bool], Response]:
    """The channel's answers; the victim is no attribute of anything that an attack holds."""

    def answer(inputs: Tensor, explain: bool) -> Response:
        return channel.answer(victim, inputs, explain)

    return answer


def _reads_at_once(device: torch.device) -> bool:
    """Whether a value can be read without waiting for queued work."""
    return device.type == "cpu"
