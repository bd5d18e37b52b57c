"""Blinding: no query is quite what the attack made, so that pairs and repeats are none."""

from __future__ import annotations

from torch import Tensor, nn

from mebench import ConfigurationError, Recovery, RecoveryContext, Response
from mebench.toolkit import transformed
from mebench_evasion import BlindingParameters


class Blinding(Recovery):
    """Asks small changes of queries.

    Args:
        context: gives spec and streams.
        parameters: which changes.

    Raises:
        ConfigurationError: inputs are no images.
    """

    def __init__(self, context: RecoveryContext, parameters: BlindingParameters) -> None:
        if len(context.spec.shape) != 3:
            raise ConfigurationError(f"blinding: changes images (C, H, W), not inputs of {context.spec.shape}")
        self._low, self._width = context.spec.low, context.spec.high - context.spec.low
        self._changes = parameters.changes
        self._stream = context.random.torch("blinding", "cpu")

    def asked(self, queries: Tensor) -> Tensor:
        """Return each query after one change, (B, C, h, w)."""
        changed = transformed((queries - self._low) / self._width, self._stream, self._changes)
        return (self._low + self._width * changed).clamp(self._low, self._low + self._width)

    def recover(self, queries: Tensor, response: Response, clone: nn.Module) -> Response:
        """Return the answer as it is."""
        return response
