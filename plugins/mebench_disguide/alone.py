"""The generator of DisGUIDE with students of its own: the clone may learn from its queries in any way."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from mebench import AttackContext, Response
from mebench.toolkit import DisagreementStrategy
from mebench_disguide import DisguideParameters
from mebench_disguide.attack import loss_of, students_of


class ScoutingStrategy(DisagreementStrategy):
    """Queries of the generator, whose two students learn from all answers beside the clone.

    Args:
        context, parameters: of the attack.
    """

    def __init__(self, context: AttackContext, parameters: DisguideParameters) -> None:
        students = students_of(context, parameters, first=copy.deepcopy(context.clone))
        super().__init__(context, parameters, students, loss_of(parameters), grey_every=parameters.grey_every)

    def observe(self, queries: Tensor, response: Response, clone: nn.Module) -> None:
        """Let the students learn from the answers."""
        self._learner.learn(queries, response)

    def state_dict(self) -> dict[str, Any]:
        """That of the base, and of the students."""
        return {**super().state_dict(), "students": self._learner.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``."""
        super().load_state_dict(state)
        self._learner.load_state_dict(state["students"])
