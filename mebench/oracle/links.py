"""A link between the oracle and the victim: a response channel around another one."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from mebench.api.contract import Response, ResponseChannel, Victim
from mebench.api.random_streams import RandomStreams


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
