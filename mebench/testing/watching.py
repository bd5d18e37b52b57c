"""An oracle that takes note of everything that an attack does to it besides asking."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from torch import Tensor, nn

from mebench.api.contract import Explanation, Response, ResponseChannel, Victim
from mebench.oracle.ledger import QueryLedger
from mebench.oracle.links import Link
from mebench.oracle.oracle import BudgetedOracle


@dataclass
class Watch:
    """What was seen.

    Attributes:
        depth: above 0 while the oracle itself is at work, so that the victim may run.
        answered: rows that a channel has answered, counted apart from the ledger.
        asked: those rows.
        offences: what the attack did that it must not, in words.
        responses: what the oracle has answered, without explanations' values.
    """

    depth: int = 0
    answered: int = 0
    asked: list[Tensor] = field(default_factory=list)
    offences: list[str] = field(default_factory=list)
    responses: list[Response] = field(default_factory=list)

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """The oracle is at work meanwhile."""
        self.depth += 1
        try:
            yield
        finally:
            self.depth -= 1

    def offence(self, what: str) -> None:
        """Note what the attack did, unless the oracle itself did it."""
        if not self.depth and what not in self.offences:
            self.offences.append(what)

    def guard(self, network: nn.Module) -> None:
        """Note every forward pass of a victim's network that the oracle has not asked for."""
        for (
            module
        ) in network.modules():  # a module's `forward` can be called past its own hooks, not past its children's
            module.register_forward_pre_hook(lambda module, inputs: self.offence("runs the victim itself"))


class WatchedChannel(Link):
    """Counts the rows that a channel answers, and notes answers that the oracle has not asked for.

    Args:
        inner: answers.
        watch: takes note.
    """

    def __init__(self, inner: ResponseChannel, watch: Watch) -> None:
        super().__init__(inner)
        self._watch = watch

    def answer(self, victim: Victim, inputs: Tensor, explain: bool) -> Response:
        """Hand the queries on."""
        self._watch.offence("asks the channel past the oracle")
        self._watch.answered += Tensor.size(inputs, 0)
        self._watch.asked.append(inputs.detach().clone())
        return super().answer(victim, inputs, explain)


class WatchedExplanation(Explanation):
    """An explanation that may run the victim when it is asked for, however late that is."""

    def __init__(self, explanation: Explanation, watch: Watch) -> None:
        with watch.entered():
            object.__setattr__(self, "_watch", watch)
            self.score = explanation.score
            self._explanation = explanation

    def vjp(self, weights: Tensor) -> Tensor:
        """Return sum_j weights[:, j] * d score_j / d x."""
        with object.__getattribute__(self, "_watch").entered():
            return self._explanation.vjp(weights)

    def dense(self) -> Tensor:
        """Return the explanation of every class."""
        with object.__getattribute__(self, "_watch").entered():
            return self._explanation.dense()

    def __getattribute__(self, name: str) -> Any:
        """Read an attribute, and note it if it is private: the victim, or a graph through it, is kept there."""
        watch: Watch = object.__getattribute__(self, "_watch")
        if name == "__dict__" or (name.startswith("_") and not name.startswith("__")):
            watch.offence(f"reads explanation.{name}")
        return super().__getattribute__(name)

    def __setattr__(self, name: str, value: Any) -> None:
        """Write an attribute, and note it."""
        object.__getattribute__(self, "_watch").offence(f"writes explanation.{name}")
        super().__setattr__(name, value)


class WatchedOracle(BudgetedOracle):
    """The oracle as attacks know it; what is private is noted when somebody else reads or writes it.

    Args:
        victim, channel, ledger, asker: as of `Oracle`.
        watch: takes note.
    """

    def __init__(self, victim: Victim, channel: ResponseChannel, ledger: QueryLedger, asker: str, watch: Watch) -> None:
        with watch.entered():
            object.__setattr__(self, "_watch", watch)
            super().__init__(victim, channel, ledger, asker)

    def query(self, inputs: Tensor, **options: Any) -> Response:
        """Ask the victim; see `Oracle.query`."""
        watch: Watch = object.__getattribute__(self, "_watch")
        with watch.entered():
            response = super().query(inputs, **options)
            watch.responses.append(replace(response, explanation=None))
            if response.explanation is None:
                return response
            return replace(response, explanation=WatchedExplanation(response.explanation, watch))

    def __getattribute__(self, name: str) -> Any:
        """Read an attribute, and note it if it is private."""
        watch: Watch = object.__getattribute__(self, "_watch")
        if name == "__dict__" or (name.startswith("_") and not name.startswith("__")):
            watch.offence(f"reads oracle.{name}")
        with watch.entered():
            return super().__getattribute__(name)

    def __setattr__(self, name: str, value: Any) -> None:
        """Write an attribute, and note it."""
        object.__getattribute__(self, "_watch").offence(f"writes oracle.{name}")
        super().__setattr__(name, value)
