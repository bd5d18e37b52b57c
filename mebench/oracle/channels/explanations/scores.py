"""Which class scores are explained, and of which classes: what all explanation channels share."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from mebench.api.contract import ResponseChannel
from mebench.oracle.channels.entries import ExplainedParameters
from mebench.registry.declaration import labelled


class ExplainedScoreChannel(ResponseChannel):
    """All probabilities, and explanations of one kind of score, for all classes or the predicted one.

    Args:
        registered: the name of the channel's entry.
        parameters: what is explained.
    """

    gives = frozenset({"label", "probability", "explanation"})

    def __init__(self, registered: str, parameters: ExplainedParameters) -> None:
        self.name = labelled(registered, parameters)
        self.score, self.classes = parameters.score, parameters.classes
        if self.classes != "all":
            self.explained_classes = 1

    def mask(self, labels: Tensor, num_classes: int) -> Tensor | None:
        """Return (B, c) of 0 and 1, which classes of each answer are explained; None for all."""
        return functional.one_hot(labels, num_classes) if self.classes == "top-1" else None
