"""Channels that do not answer the same way again, each for another reason."""

from __future__ import annotations

import itertools

import torch

from mebench.oracle.channels.answers import ProbabilityChannel
from mebench.registry.entries import ChannelEntry

ANSWERS = itertools.count()


class Shifting(ProbabilityChannel):
    """Mixes the probabilities with uniform ones, by a share that a subclass gives."""

    def share(self) -> float:
        raise NotImplementedError

    def _shape(self, probabilities):
        share = self.share()
        return (1 - share) * probabilities + share / probabilities.shape[1]


class Forgetful(Shifting):
    """Counts its answers, and tells nobody."""

    answers = 0

    def share(self):
        self.answers += 1
        return 1 / (1 + self.answers)


class Losing(Forgetful):
    """Tells how many answers it gave, and does not listen when it is told."""

    def state_dict(self):
        return {"answers": self.answers}


class Unsavable(Forgetful):
    """Tells its state as something that no checkpoint can hold."""

    def state_dict(self):
        return {"answers": {self.answers}}


class Untold(Forgetful):
    """Fails when it is to tell its state."""

    def state_dict(self):
        raise KeyError("answers")


class Listed(Forgetful):
    """Tells its state as a list."""

    def state_dict(self):
        return [self.answers]


class Deaf(Losing):
    """Fails when it is told its state."""

    def load_state_dict(self, state):
        raise ValueError(f"no {state['answers']}")


class Remembering(Losing):
    """Does as it should."""

    def load_state_dict(self, state):
        self.answers = state["answers"]


class Unrepeatable(Shifting):
    """Counts the answers of all channels in the process."""

    def share(self):
        return 1 / (2 + next(ANSWERS))


class DrawingGlobally(Shifting):
    """Draws from torch's global generator."""

    def share(self):
        return float(torch.rand(1))


class Noisy(Shifting):
    """Draws from a stream of the trial's."""

    def use_randomness(self, random):
        self.stream = random.torch("noisy")

    def share(self):
        return float(torch.rand(1, generator=self.stream))


def entry(channel: type[Shifting]) -> ChannelEntry:
    """As a plugin would register it."""
    gives = frozenset({"label", "probability"})
    return ChannelEntry(channel.__name__.lower(), "A test.", f"{__name__}:{channel.__name__}", gives=gives)
