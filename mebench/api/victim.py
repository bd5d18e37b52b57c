"""What is attacked: a frozen classifier, and what it takes. A part of the contract, `mebench.api.contract`."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mebench.api.errors import ConfigurationError
from mebench.api.outputs import are_probabilities, to_logits
from mebench.api.spec import Outputs


@dataclass(frozen=True)
class InputSpec:
    """What a classifier takes and how many classes it tells apart; public knowledge of every attacker.

    Attributes:
        shape: shape of one input, channels first, e.g. ``(1, 32, 32)``.
        num_classes: number of classes c.
        low, high: inclusive value range. Images are float32 in [0, 1]. Of texts, low is 0 (padding) and high the
            last id of the public word list.
        dtype: of an input: float32, or int64 for the ids of words, which stand for raw text. Since version 1.2.
    """

    shape: tuple[int, ...]
    num_classes: int
    low: float = 0.0
    high: float = 1.0
    dtype: torch.dtype = torch.float32

    @property
    def size(self) -> int:
        """Number of values d in one input."""
        return math.prod(self.shape)

    @property
    def discrete(self) -> bool:
        """Whether inputs are ids of words, which have no derivatives."""
        return not self.dtype.is_floating_point


class Victim(nn.Module):
    """A frozen classifier: a network with its input normalisation inside, in eval mode, over an `InputSpec`.

    ``victim(x)`` returns logits (B, c) for inputs (B, \\*shape) in the spec's range, in float32 whatever the network
    computes in. Gradients flow back to the inputs through the network's own precision.

    Args:
        network: returns, for inputs in the spec's range, what ``outputs`` says.
        spec: what it takes.
        name: shown in results.
        outputs: what the network returns, as in a benchmark file; None stands for logits, and its first answer may not
            look like probabilities then. Since version 1.6.
    """

    def __init__(
        self, network: nn.Module, spec: InputSpec, name: str = "victim", outputs: Outputs | None = None
    ) -> None:
        super().__init__()
        self.network = network.requires_grad_(False)
        self.spec = spec
        self.name = name
        self.outputs = outputs
        self._looked_at = outputs is not None
        self.eval()

    def forward(self, inputs: Tensor) -> Tensor:
        """Return logits (B, c), float32 whatever the network computes in; float64 where the spec is.

        Raises:
            ConfigurationError: the network returns probabilities, and nobody has said so.
        """
        logits: Tensor = self.network(inputs)
        if not isinstance(logits, Tensor) or not logits.is_floating_point():
            return logits
        if not self._looked_at and logits.ndim == 2 and len(logits):
            self._look_at(logits.detach())
        if self.outputs == "probabilities":
            logits = to_logits(logits)
        return logits.to(torch.float32 if self.spec.discrete else self.spec.dtype)

    def _look_at(self, logits: Tensor) -> None:
        """Refuse probabilities, of which channels would take the softmax again."""
        try:
            found = are_probabilities(logits)
        except RuntimeError:  # a transform of `torch.func` looks on, which knows no values: the next call tells
            return
        if found:
            raise ConfigurationError(
                f"victim {self.name!r} returns probabilities, of which channels would take the softmax again: make it "
                "with outputs='probabilities', or with outputs='logits' if that is what they are"
            )
        self._looked_at = True

    def train(self, mode: bool = True) -> Victim:
        """Stay in eval mode, whatever is asked: a victim never learns."""
        return super().train(False)
