"""What is told every answered query and changes nothing: the record, counts of labels, and detectors."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from torch import Tensor

from mebench.api.contract import Purpose, Response


class Observer(ABC):
    """Sees what an oracle answers; the attack never sees it.

    Attributes:
        reads_values: whether it reads tensors at once, so that an accelerator has to finish before the attack goes on.
    """

    reads_values: bool = False

    @abstractmethod
    def observe(self, inputs: Tensor, response: Response, purpose: Purpose) -> None:
        """Take note of an answer.

        Args:
            inputs: (B, \\*shape), what was asked: the oracle's own copy, which nobody writes into afterwards.
            response: what the attack is about to get, and may overwrite then: copy what is kept.
            purpose: what the queries are for.
        """

    def state_dict(self) -> dict[str, Any]:
        """Return everything that changes; by default nothing does."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:  # noqa: B027 (doing nothing is a fair default)
        """Go on from a ``state_dict()``."""
