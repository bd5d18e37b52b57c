"""Which class scores are explained, and of which classes: what all explanation channels share."""

from __future__ import annotations

from typing import Literal

from torch import Tensor
from torch.nn import functional

from mebench.api.contract import ResponseChannel
from mebench.oracle.channels.answers import channel_name

Score = Literal["probability", "logit"]
Classes = Literal["all", "top-1"]


class ExplainedScoreChannel(ResponseChannel):
    """All probabilities, and explanations of one kind of score, for all classes or the predicted one.

    Args:
        kind: the registered name.
        shown: parameters that are part of the channel's name, in the order of their declaration.
        score: explain ``probability`` (as the papers do) or ``logit``.
        classes: explain ``all`` classes (as the papers assume) or only the predicted one, ``top-1``.
    """

    gives = frozenset({"label", "probability", "explanation"})

    def __init__(self, kind: str, shown: dict[str, object], score: Score, classes: Classes) -> None:
        self.score = score
        self.classes = classes
        if score != "probability":
            shown["score"] = score
        if classes != "all":
            shown["classes"] = classes
            self.explained_classes = 1
        self.name = channel_name(kind, shown)

    def mask(self, labels: Tensor, num_classes: int) -> Tensor | None:
        """Return (B, c) of 0 and 1, which classes of each answer are explained; None for all."""
        return functional.one_hot(labels, num_classes) if self.classes == "top-1" else None
