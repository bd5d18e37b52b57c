"""What an attack holds of an oracle, of its channel and of an explanation: what is public of them, and nothing else.

These objects hold functions, and the functions hold the rest in their closures. So neither the ledger nor the victim is
an attribute, or an attribute of an attribute, of anything that an attack is given. Python hides nothing: whoever takes
a function apart finds them. docs/plugins.md says what of that shows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import MethodType
from typing import Any, NoReturn, Self

from torch import Tensor

from mebench.api.contract import Explanation, InputSpec, Purpose, Response, ResponseChannel, Victim
from mebench.api.errors import OracleError
from mebench.api.random_streams import RandomStreams
from mebench.oracle.oracle import BudgetedOracle

Function = Callable[..., Any]


class _Shown:
    """Shows what is public of something. It cannot be changed, so that a copy of it is the thing itself.

    Args:
        look: returns what is public by its name.
        values: read often, so they are kept as they are.
    """

    __slots__ = ("_look",)

    def __init__(self, look: Callable[[str], Any], **values: Any) -> None:
        for name, value in {"_look": look, **values}.items():
            object.__setattr__(self, name, value)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return object.__getattribute__(self, "_look")(name)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(f"{name}: oracle, channel and explanation cannot be changed")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{name}: oracle, channel and explanation cannot be changed")

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _: dict[int, Any]) -> Self:
        return self


def _public(thing: Any, called: Callable[[Function], Function]) -> Callable[[str], Any]:
    """What returns a thing's public attributes. A bound method would lead to the thing: a function takes its place."""

    def look(name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        found = getattr(thing, name)
        return called(found) if isinstance(found, MethodType) else found

    return look


def _plainly(method: Function) -> Function:
    return lambda *arguments, **more: method(*arguments, **more)


class AttackersOracle(_Shown):
    """The oracle as an attack holds it; see `mebench.api.contract.Oracle`.

    Args:
        oracle: the trial's own.
        channel: what the attack may know of the channel.
    """

    __slots__ = ("_query", "_spent", "budget", "channel", "spec")

    budget: int
    channel: ResponseChannel
    spec: InputSpec

    def __init__(self, oracle: BudgetedOracle, channel: ResponseChannel) -> None:
        def query(inputs: Tensor, purpose: Purpose, explain: bool) -> Response:
            response = oracle.query(inputs, purpose=purpose, explain=explain)
            if response.explanation is None:
                return response
            shape = (len(response.labels), oracle.spec.num_classes)
            return replace(response, explanation=SealedExplanation(response.explanation, oracle.explaining, shape))

        def look(name: str) -> NoReturn:
            raise AttributeError(f"an oracle has no {name}")

        kept = {"budget": oracle.budget, "channel": channel, "spec": oracle.spec}
        super().__init__(look, _query=query, _spent=lambda: oracle.spent, **kept)

    @property
    def spent(self) -> int:
        """Queries spent so far."""
        spent: int = self._spent()
        return spent

    @property
    def remaining(self) -> int:
        """Queries left."""
        remaining: int = self.budget - self._spent()
        return remaining

    @property
    def progress(self) -> float:
        """Fraction of the budget that is spent, in [0, 1]."""
        return self.spent / self.budget

    def query(self, inputs: Tensor, *, purpose: Purpose = "train", explain: bool = False) -> Response:
        """Ask the victim; see `mebench.api.contract.Oracle.query`."""
        response: Response = self._query(inputs, purpose, explain)
        return response


class SealedExplanation(_Shown, Explanation):
    """An explanation without what it is computed from, which is the victim, or a graph through it.

    Args:
        explanation: the channel's.
        explaining: calls what runs the victim for an explanation.
        shape: (B, c) of the weights that it is contracted with; without it, what computes it checks them.
    """

    __slots__ = ("_weights",)

    def __init__(
        self,
        explanation: Explanation,
        explaining: Callable[[Function], Function],
        shape: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(_public(explanation, explaining), score=explanation.score, _weights=shape)

    def vjp(self, weights: Tensor) -> Tensor:
        """Return sum_j weights[:, j] * d score_j / d x; see `Explanation.vjp`.

        Raises:
            OracleError: the weights are not one for each row and class.
        """
        wanted = self._weights
        if wanted is not None and (not isinstance(weights, Tensor) or tuple(weights.shape) != wanted):
            given = tuple(weights.shape) if isinstance(weights, Tensor) else type(weights).__name__
            raise OracleError(f"weights of an explanation must be a tensor of shape {wanted}, not {given}")
        contracted: Tensor = self._look("vjp")(weights)
        return contracted

    def dense(self) -> Tensor:
        """Return the explanation of every class; see `Explanation.dense`."""
        maps: Tensor = self._look("dense")()
        return maps


class ChannelDescription(_Shown, ResponseChannel):
    """All that is public of a channel, such as the ``baseline`` of Integrated Gradients. It answers nothing.

    Args:
        channel: what is described.
        inside: the service's own, where ``channel`` is a link around it: of the link only its name and what every
            channel says is shown, for what else it holds is the owner's, such as defences with their keys.
    """

    __slots__ = ()

    def __init__(self, channel: ResponseChannel, inside: ResponseChannel | None = None) -> None:
        shown = ("name", "gives", "probability_floor", "explained_classes")
        look = _public(channel if inside is None else inside, _plainly)
        super().__init__(look, **{name: getattr(channel, name) for name in shown})

    def answer(self, victim: Victim, inputs: Tensor, explain: bool) -> Response:
        """Belongs to the oracle."""
        self._refuse("answer")

    def use_randomness(self, random: RandomStreams) -> None:
        """Belongs to the trial."""
        self._refuse("use_randomness")

    def state_dict(self) -> dict[str, Any]:
        """Belongs to the trial."""
        self._refuse("state_dict")

    def load_state_dict(self, state: Any) -> None:
        """Belongs to the trial."""
        self._refuse("load_state_dict")

    def _refuse(self, method: str) -> NoReturn:
        raise OracleError(
            f"channel {self.name}: an attack is told what it is and cannot call its {method}; ask the oracle"
        )
