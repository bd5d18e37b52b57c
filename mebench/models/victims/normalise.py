"""Input normalisation as a part of the victim, so that every attack sees inputs in [0, 1]."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mebench.api.contract import InputSpec
from mebench.api.errors import ConfigurationError
from mebench.api.victim_rules import line_of, wrong_length


class Normalise(nn.Module):
    """Subtract a mean and divide by a standard deviation per channel.

    Args:
        mean, std: one number per channel, in the range of the inputs ([0, 1] for images).
    """

    mean: Tensor
    std: Tensor

    def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(list(mean), dtype=torch.float32).view(1, -1, 1, 1))
        self.register_buffer("std", torch.tensor(list(std), dtype=torch.float32).view(1, -1, 1, 1))

    def forward(self, inputs: Tensor) -> Tensor:
        """Return (B, C, h, w) normalised."""
        return (inputs - self.mean) / self.std


def with_normalisation(
    network: nn.Module, spec: InputSpec, name: str, mean: Sequence[float] | None, std: Sequence[float] | None
) -> nn.Module:
    """Put a normalisation before a network; without mean and std the network itself is returned.

    Args:
        network: takes normalised inputs.
        spec: of the inputs as they come.
        name: of the victim, for errors.
        mean, std: as of `Normalise`; both or neither.

    Raises:
        ConfigurationError: their length is not the number of channels, or a standard deviation is not positive.
    """
    if mean is None or std is None:
        return network
    lengths = [*wrong_length("mean", mean, spec.shape[0]), *wrong_length("std", std, spec.shape[0])]
    signs = [] if min(std) > 0 else [("std", f"must be positive, not {min(std)}")]
    if problems := [line_of(name, problem) for problem in (*lengths, *signs)]:
        raise ConfigurationError(*problems)
    return nn.Sequential(Normalise(mean, std), network)
