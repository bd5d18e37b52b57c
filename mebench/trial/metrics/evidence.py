"""What metrics are computed from."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property

import torch
from torch import Tensor, nn

from mebench.api.contract import Victim
from mebench.api.random_streams import RandomStreams
from mebench.trial.links.service import Service


@dataclass(frozen=True)
class Evidence:
    """What most metrics are computed from.

    Attributes:
        inputs: (N, \\*shape) of the test set, or of the part of it that an evaluation before the last looks at.
        labels: (N,) true labels.
        victim_logits: (N, c) the victim's own, whatever its channel gives.
        clone_logits: (N, c); may hold values that are not finite.
    """

    inputs: Tensor
    labels: Tensor
    victim_logits: Tensor
    clone_logits: Tensor

    @property
    def victim_labels(self) -> Tensor:
        """(N,) the victim's."""
        return self.victim_logits.argmax(1)

    @property
    def clone_labels(self) -> Tensor:
        """(N,) the clone's."""
        return self.clone_logits.argmax(1)

    @property
    def finite(self) -> bool:
        """Whether all of the clone's logits are finite."""
        return bool(torch.isfinite(self.clone_logits).all())

    @cached_property
    def log_probabilities(self) -> tuple[Tensor, Tensor]:
        """(N, c) each: log p of the victim and log q of the clone.

        They are float64, in which no finite float32 logits make an infinite logarithm.
        """
        return _log_softmax(self.victim_logits), _log_softmax(self.clone_logits)

    def with_networks(
        self, victim: Victim, clone: nn.Module, random: RandomStreams, service: Service | None = None
    ) -> NetworkEvidence:
        """The same with what a metric needs that runs networks."""
        own = {one.name: getattr(self, one.name) for one in fields(Evidence)}
        return NetworkEvidence(**own, victim=victim, clone=clone, random=random, service=service)


@dataclass(frozen=True)
class NetworkEvidence(Evidence):
    """All that a registered metric is called with: the evidence, and the networks that it is of.

    Attributes:
        victim: itself, which nobody counts the use of; ``victim.spec`` says what it takes. Not to be changed.
        clone: a frozen copy in eval mode; whatever is done to it, the trial goes on with its own.
        random: streams of this metric alone: the same at every evaluation, and others for every seed.
        service: the victim behind its defences and detectors, as honest users meet it; None where there are none. Since
            version 1.8.
    """

    victim: Victim
    clone: nn.Module
    random: RandomStreams
    service: Service | None = None


def _log_softmax(logits: Tensor) -> Tensor:
    return torch.log_softmax(logits.double(), dim=1)
