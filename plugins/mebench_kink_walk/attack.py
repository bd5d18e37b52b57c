"""What the attack is made of: the walk, and the clone that its units are written into."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from mebench import Attack, AttackContext, ConfigurationError, Learner, Response
from mebench.toolkit import HiddenLayer, logit_jacobian, recovered_logits
from mebench_kink_walk import KinkWalkParameters
from mebench_kink_walk.walk import Walk


def build(context: AttackContext, parameters: KinkWalkParameters) -> Attack:
    """Build the attack; see ``mebench info kink-walk``.

    Raises:
        ConfigurationError: the channel does not explain every class by its gradient, or the clone cannot hold units.
    """
    channel = context.channel
    if "gradient" not in channel.gives or channel.explained_classes is not None:
        raise ConfigurationError(f"kink-walk: needs gradients of all classes (vg, white-box), not {channel.name}")
    walk = Walk(context, parameters)
    return Attack(walk, UnitLearner(context, walk))


class UnitLearner(Learner):
    """Hands answers to the walk, and writes what it knows into a clone with one hidden layer.

    Args:
        context: gives clone, spec and channel.
        walk: finds the units.

    Raises:
        ConfigurationError: the clone is not one hidden layer of ReLUs with room for a unit.
    """

    passes = 1.0
    wants_explanations = True

    def __init__(self, context: AttackContext, walk: Walk) -> None:
        self.clone, self._walk, self._floor = context.clone, walk, context.channel.probability_floor
        self._layer = HiddenLayer(context.clone, context.spec)

    def learn(self, queries: Tensor, response: Response) -> None:
        """Hand the answers on, and write the clone anew where something was learnt."""
        assert response.probabilities is not None
        if not self._walk.segments.asks(queries.flatten(1)):
            return
        answered = response.probabilities.double()
        logits, jacobian = recovered_logits(answered, self._floor), logit_jacobian(response, self._floor)
        if self._walk.answer(logits, jacobian, answered.amin(1) > self._floor):
            self._layer.write(*self._walk.model())

    def state_dict(self) -> dict[str, Any]:
        """The clone; the walk is the strategy."""
        return {"clone": self.clone.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``."""
        self.clone.load_state_dict(state["clone"])
