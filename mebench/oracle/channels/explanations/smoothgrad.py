"""SmoothGrad (Smilkov et al. 2017): the mean of the gradients at noisy copies of the input."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from mebench.api.contract import Victim
from mebench.api.random_streams import RandomStreams
from mebench.oracle.channels.entries import SmoothGradParameters
from mebench.oracle.channels.explanations.averaged import AveragingChannel, Points


class SmoothGradChannel(AveragingChannel):
    """All probabilities, and SG(x) = (1/m) sum_i d score(x + z_i) / d x, z_i ~ N(0, (sigma range)^2), where asked for.

    All classes of a query share the noise. Noisy copies may leave the input range; they are not clipped, since the
    victim itself makes them and clipping would bias the mean. The trial's stream ``smoothgrad`` gives one seed for
    each answer, from which its noise is made anew whenever it is needed, so that it takes no memory.

    Args:
        parameters: m and sigma; and what is explained.
    """

    def __init__(self, parameters: SmoothGradParameters | None = None) -> None:
        chosen = parameters or SmoothGradParameters()
        self.samples = self.count = chosen.samples
        self.sigma = chosen.sigma
        super().__init__("sg", chosen)
        self.use_randomness(RandomStreams(0, torch.device("cpu")))

    def use_randomness(self, random: RandomStreams) -> None:
        """Draw from the trial's stream ``smoothgrad``; without a trial, from that of seed 0."""
        self._seeds = random.torch("smoothgrad", "cpu")

    def points(self, victim: Victim, inputs: Tensor) -> tuple[Points, None]:
        """Return what makes the m noisy copies of the inputs."""
        seed = int(torch.randint(2**63 - 1, (), generator=self._seeds))
        scale = self.sigma * (victim.spec.high - victim.spec.low)

        def noisy() -> Iterator[Tensor]:
            noise = torch.Generator(inputs.device).manual_seed(seed)
            for _ in range(self.samples):
                drawn = torch.randn(inputs.shape, generator=noise, device=inputs.device, dtype=inputs.dtype)
                yield inputs + scale * drawn

        return noisy, None
