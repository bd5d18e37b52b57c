"""An oracle that takes note of everything that an attack does to it besides asking."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

from torch import Tensor, nn

from mebench.api.contract import Explanation, Response, ResponseChannel, Victim
from mebench.api.random_streams import RandomStreams
from mebench.guard.hidden_state import HiddenState
from mebench.models.state_file import unsavable
from mebench.oracle.facade import AttackersOracle, SealedExplanation
from mebench.oracle.links import Link
from mebench.oracle.oracle import BudgetedOracle
from mebench.registry.safe_import import what_happened
from mebench.testing.faults import fail


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


class StatefulChannel(Link):
    """Fails a check where a channel has a state that it does not tell: what is lost then is not the attack's.

    Args:
        inner: answers; the channel under the attack.
        registered: its name in benchmark files.
    """

    def __init__(self, inner: ResponseChannel, registered: str) -> None:
        super().__init__(inner)
        self._hidden, self._registered = HiddenState(inner), registered

    def use_randomness(self, random: RandomStreams) -> None:
        """Hand the streams on."""
        self._hidden.use_randomness(random)
        super().use_randomness(random)

    def answer(self, victim: Victim, inputs: Tensor, explain: bool) -> Response:
        """Hand the queries on."""
        response = super().answer(victim, inputs, explain)
        if self._hidden.awaits(explain):
            self._hidden.note_answer(self._told(), explain)
        return response

    def state_dict(self) -> dict[str, Any]:
        """That of the channel inside."""
        state = self._told()
        if problem := unsavable(state, "its state_dict") or self._hidden.problem(state):
            self._fail(problem)
        return state

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``."""
        try:
            self._inner.load_state_dict(state)
        except Exception as error:
            self._fail(f"load_state_dict failed: {what_happened(error)}")

    def _told(self) -> dict[str, Any]:
        try:
            state = self._inner.state_dict()
        except Exception as error:
            self._fail(f"state_dict failed: {what_happened(error)}")
        if not isinstance(state, dict):
            self._fail(f"state_dict returned a {type(state).__name__}, not a dict")
        return state

    def _fail(self, problem: str) -> NoReturn:
        fail(f"channel {self._registered}: {problem}; the attack is not to blame")


def _is_private(name: str) -> bool:
    return name == "__dict__" or (name.startswith("_") and not name.startswith("__"))


class WatchedExplanation(SealedExplanation):
    """An explanation that may run the victim when it is asked for, however late that is.

    Args:
        explanation: the oracle's.
        watch: takes note of the victim's passes, and of whoever reads what is private.
    """

    __slots__ = ("_watch",)

    def __init__(self, explanation: Explanation, watch: Watch) -> None:
        def working(contract: Callable[..., Any]) -> Callable[..., Any]:
            def contracting(*arguments: Any, **more: Any) -> Any:
                with watch.entered():
                    return contract(*arguments, **more)

            return contracting

        object.__setattr__(self, "_watch", watch)
        with watch.entered():
            super().__init__(explanation, working)

    def vjp(self, weights: Tensor) -> Tensor:
        """Return sum_j weights[:, j] * d score_j / d x."""
        with object.__getattribute__(self, "_watch").entered():
            return super().vjp(weights)

    def dense(self) -> Tensor:
        """Return the explanation of every class."""
        with object.__getattribute__(self, "_watch").entered():
            return super().dense()

    def __getattribute__(self, name: str) -> Any:
        """Read an attribute, and note it if it is private."""
        if _is_private(name):
            object.__getattribute__(self, "_watch").offence(f"reads explanation.{name}")
        return super().__getattribute__(name)

    def __setattr__(self, name: str, value: Any) -> None:
        """Note who tries to write an attribute."""
        object.__getattribute__(self, "_watch").offence(f"writes explanation.{name}")
        super().__setattr__(name, value)


class WatchedOracle(AttackersOracle):
    """The oracle as attacks know it; who reads what is private, or writes at all, is noted.

    Args:
        oracle: the trial's own.
        channel: what an attack may know of the channel.
        watch: takes note.
    """

    __slots__ = ("_watch",)

    def __init__(self, oracle: BudgetedOracle, channel: ResponseChannel, watch: Watch) -> None:
        object.__setattr__(self, "_watch", watch)
        with watch.entered():
            super().__init__(oracle, channel)

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
        if _is_private(name):
            watch.offence(f"reads oracle.{name}")
        with watch.entered():
            return super().__getattribute__(name)

    def __setattr__(self, name: str, value: Any) -> None:
        """Note who tries to write an attribute."""
        object.__getattribute__(self, "_watch").offence(f"writes oracle.{name}")
        super().__setattr__(name, value)
