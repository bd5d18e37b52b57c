"""What a service behind defences gives its honest users, and what it saw of the attack: facts for metrics."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from mebench.api.contract import Response, Victim
from mebench.oracle.distances import Distances
from mebench.trial.links.defended import DefendedChannel, unreleased
from mebench.trial.links.sentry import Alarm

ROWS_AT_ONCE = 512


@dataclass(frozen=True)
class HonestAnswers:
    """What honest users get for (N, \\*shape) inputs, from a service of its own state.

    Attributes:
        labels: (N,) int64.
        probabilities: (N, c), or None where the channel gives none.
        moved: L1 distances from what the channel would answer without defences.
    """

    labels: Tensor
    probabilities: Tensor | None
    moved: Distances


@dataclass(frozen=True)
class HonestMaps:
    """The explanation of the served class of (N, \\*shape) inputs.

    Attributes:
        original: (N, \\*shape), what the channel gives without defences of explanations.
        released: (N, \\*shape), what honest users get.
        labels: (N,) the served classes.
    """

    original: Tensor
    released: Tensor
    labels: Tensor


@dataclass(frozen=True)
class AttackSeen:
    """What the service saw of the attack.

    Attributes:
        moved: L1 distances of the answers that the attack got.
        answered: rows.
        flipped: rows with another label than the channel's.
        exchanged: see `DefendedChannel`.
        alarms: what became of every client before every detector.
    """

    moved: Distances
    answered: int
    flipped: int
    exchanged: int
    alarms: Sequence[Alarm]


@dataclass(frozen=True)
class Service:
    """A victim behind its defences, as honest users meet it.

    Attributes:
        victim: not metered: nobody pays for it.
        fresh: makes the channel behind its defences anew, in the first state of each.
        attack: what was seen of the attack so far.
        fidelity_after: fidelity of the last evaluation within so many queries; None before the first.
        false_alarms: of how many of so many honest streams of each kind each detector is alarmed, by the name of a data
            set of other things or None; see `mebench.trial.links.building.honest_alarms`.
    """

    victim: Victim
    fresh: Callable[[], DefendedChannel]
    attack: Callable[[], AttackSeen]
    fidelity_after: Callable[[int], float | None]
    false_alarms: Callable[[int, str | None], Sequence[Mapping[str, Mapping[str, int]]]] = lambda streams, others: ()

    def honest_maps(self, inputs: Tensor) -> HonestMaps | None:
        """The explanations that honest users get; None where none are released through a defence."""
        channel = self.fresh()
        if not channel.releases:
            return None
        found: list[tuple[Tensor, Tensor, Tensor]] = []
        for part in inputs.split(ROWS_AT_ONCE // 8):
            response = channel.answer(self.victim, part, True)
            explanation = response.explanation
            assert explanation is not None
            rows = torch.arange(len(part), device=part.device)
            released = explanation.dense()
            original = unreleased(explanation)
            found.append((original[rows, response.labels], released[rows, response.labels], response.labels))
        return HonestMaps(*(torch.cat(one).detach() for one in zip(*found, strict=True)))

    def honest(self, inputs: Tensor) -> HonestAnswers:
        """Answer honest users, in the order of their inputs."""
        channel = self.fresh()
        responses: list[Response] = []
        with torch.no_grad():
            for part in inputs.split(ROWS_AT_ONCE):
                responses.append(channel.answer(self.victim, part, False))
        probabilities = [one.probabilities for one in responses if one.probabilities is not None]
        return HonestAnswers(
            torch.cat([one.labels for one in responses]),
            torch.cat(probabilities) if probabilities else None,
            channel.moved,
        )
