"""The contract of what stands between a victim and an attack: defences, detectors, and the attacker's recoveries.

Part of `mebench.api.contract` in all but the page it stands on. One chain, built in `mebench.trial.chain`::

    attack -> recoveries -> oracle -> defences -> detectors -> channel -> victim

A *defence* is the owner's: it changes what is answered (`AnswerDefence`), what is explained (`ExplanationDefence`), or
what reaches the victim (`InputDefence`). A *recovery* is the attacker's: it makes of a defended answer what the attack
learns from. A *detector* watches the stream of each client and changes nothing by itself.

What a defence or a detector learns from the owner's data it learns once per victim, in ``fit``, and that is cached
with the victim. What changes from answer to answer is in ``state_dict``, so that a stopped trial resumes to the same
result. Nothing may depend on how queries were put into batches. Since version 1.8.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

import torch
from torch import Tensor, nn

from mebench.api.contract import Pool, Response, ResponseChannel
from mebench.api.errors import ConfigurationError
from mebench.api.random_streams import RandomStreams
from mebench.api.victim import InputSpec, Victim

Randomness = Literal["none", "keyed", "fresh"]
"""``none``; ``keyed`` by the owner's key and the wire form of the query, so that a repeat gets the same answer; or
``fresh`` at every answer."""
Mechanism = Callable[[Tensor], Tensor]
"""Makes (N, c) defended probabilities of (N, c) probabilities, as the attacker can at home."""


@dataclass(frozen=True)
class OwnersData:
    """Labelled inputs of the owner's own, on which no victim was trained and no attack is scored.

    Attributes:
        inputs: (N, \\*shape), as the victim takes them.
        labels: (N,) int64.
    """

    inputs: Tensor
    labels: Tensor

    def __len__(self) -> int:
        """Number of inputs N."""
        return len(self.labels)


@dataclass(frozen=True)
class OwnersContext:
    """All that an owner's defence or detector is built from.

    Attributes:
        spec: what the victim takes.
        channel: public description of the response channel.
        victim: the model itself: ``victim(inputs)`` returns logits (B, c). What a defence computes with it, beside the
            answer that it is given, is its extra cost.
        new_network: a freshly initialised network of the victim's kind, by a seed: for auxiliary models.
        data: the owner's reserve; None where the benchmark file gives none. Entries that need it say so.
        key: the owner's secret, 32 bytes; for keyed randomness, by `mebench.toolkit.keyed`.
        device: where tensors live.
        random: the trial's random streams, for fresh randomness: ``random.torch("defence noise")``.
    """

    spec: InputSpec
    channel: ResponseChannel
    victim: Victim
    new_network: Callable[[int], nn.Module]
    data: OwnersData | None
    key: bytes
    device: torch.device
    random: RandomStreams


class Defence:
    """What every defence has; subclass one of the three below.

    Attributes:
        randomness: see `Randomness`.
    """

    randomness: Randomness = "none"

    def fit(self) -> dict[str, Any]:
        """Learn from the owner's data, once per victim, and return what was learnt; it is cached by content.

        Tensors, numbers, strings, lists and dicts of these. It must be a pure function of the parameters without the
        knob, of victim and data, and draw from generators of its own, seeded by constants. By default there is nothing
        to learn.
        """
        return {}

    def use(self, fitted: Mapping[str, Any]) -> None:
        """Take what `fit` has returned, now or in another process, before the first answer."""

    def state_dict(self) -> dict[str, Any]:
        """Return everything that changes from answer to answer, besides the trial's random streams."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``."""


class AnswerDefence(Defence):
    """Changes the probabilities that are answered; the label that is answered is the most probable of them.

    Attributes:
        keeps_argmax: whether the most probable class stays what it was. mebench then enforces it, by exchanging two
            entries of a row, and counts how often it had to.
        probability_floor: the smallest probability that a zero which it answers may stand for, as of a channel; None
            leaves the channel's.
    """

    keeps_argmax: bool = False
    probability_floor: float | None = None

    @abstractmethod
    def perturb(self, queries: Tensor, probabilities: Tensor) -> Tensor:
        """Return what is answered instead.

        Args:
            queries: (B, \\*shape), as they reached the victim; not to be written into.
            probabilities: (B, c) float32 in [0, 1], those of the channel or of the defence before; rows may sum to less
                than 1 where a channel truncates. Not to be written into.

        Returns:
            (B, c) float32 in [0, 1] without NaN; rows need not sum to 1 where values are cut off or rounded.
        """

    def mechanism(self) -> Mechanism | None:
        """What an attacker who knows code and parameters can compute at home, on probabilities of any victim.

        It has a key and auxiliary models of its own, if any, and must not change this object. None, the default, where
        the answer depends on more than the probabilities.
        """
        return None


class ExplanationDefence(Defence):
    """Changes the maps that are given as explanations."""

    @abstractmethod
    def release(self, queries: Tensor, maps: Tensor, labels: Tensor) -> Tensor:
        """Return what is released instead.

        Args:
            queries: (B, \\*shape), as they reached the victim.
            maps: (B, c, \\*shape) float32, the explanation of every class; those that the channel does not explain are
                zero.
            labels: (B,) int64, those that are answered.

        Returns:
            (B, c, \\*shape) float32, finite.
        """


class InputDefence(Defence):
    """Changes what reaches the victim: what a wire does to an input, or a service before it answers."""

    @abstractmethod
    def receive(self, queries: Tensor) -> Tensor:
        """Return what the victim is given instead, (B, \\*shape) inside the spec's range."""


def _no_inputs(name: str, rows: Sequence[int] | None) -> Tensor:
    raise ConfigurationError(f"{name}: there is no other data here")


@dataclass(frozen=True)
class RecoveryContext:
    """All that an attacker's recovery is built from.

    Attributes:
        spec: what the victim takes.
        channel: public description of the channel, as the attack sees it.
        device: where tensors live.
        random: the trial's random streams.
        mechanism: the defence's, where there is one that can be computed at home; else None. To be used only by a
            recovery that declares to know it.
        keeps_argmax: whether the defences say that the most probable class stays what it was; True without any.
        pool: the attacker's unlabelled inputs, or None.
        truth: returns the victim's own probabilities (N, c) for (N, \\*shape) inputs; only for a recovery whose entry
            says that it is an oracle, an upper bound that no attacker reaches; else None.
        inputs_of: returns the training inputs of a registered data set, by its name and a range of rows or None, as the
            victim takes them: what an attacker has besides his pool.
    """

    spec: InputSpec
    channel: ResponseChannel
    device: torch.device
    random: RandomStreams
    mechanism: Mechanism | None
    keeps_argmax: bool
    pool: Pool | None = None
    truth: Mechanism | None = None
    inputs_of: Callable[[str, Sequence[int] | None], Tensor] = _no_inputs


class Recovery(ABC):
    """The attacker's link: it makes of what was answered what the attack learns from.

    Attributes:
        queries_per_row: how many queries one row of the attack's costs, charged like all others.
        more_per_row: what it costs besides, in [0, 1), where rows cost one more or not by turns.
    """

    queries_per_row: int = 1
    more_per_row: Fraction = Fraction(0)

    def asked(self, queries: Tensor) -> Tensor:
        """Return what is really asked for (B, \\*shape) queries: (B * queries_per_row, \\*shape), in the spec's range.

        By default each row is repeated, and its copies follow each other. With ``more_per_row`` there are as many more
        as that comes to, rounded down or up.
        """
        return queries if self.queries_per_row == 1 else queries.repeat_interleave(self.queries_per_row, dim=0)

    @abstractmethod
    def recover(self, queries: Tensor, response: Response, clone: nn.Module) -> Response:
        """Return the answer to (B, \\*shape) queries from the response to what was `asked`.

        Args:
            queries: the attack's.
            response: (B * queries_per_row) rows; probabilities may be missing, the explanation too.
            clone: the attacker's network as it is; a call must leave it as it is, its mode included.
        """

    def worth_learning(self, queries: Tensor, response: Response) -> Tensor | None:
        """Say from which of B recovered rows the clone learns, (B,) bool; None, the default, for all."""
        return None

    def state_dict(self) -> dict[str, Any]:
        """Return everything that changes, besides the trial's random streams."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:  # noqa: B027 (doing nothing is a fair default)
        """Go on from a ``state_dict()``."""


class ClientWatch(ABC):
    """What a detector keeps of one client's stream."""

    @abstractmethod
    def score(self, queries: Tensor, response: Response) -> Tensor:
        """Take note of B answered queries, in order, and return the running score after each.

        Args:
            queries: (B, \\*shape), as they reached the victim: after the owner's defences of inputs, if any.
            response: what the victim answered, before any defence.

        Returns:
            (B,) float64 on the CPU; the higher, the more suspicious; NaN where there is no score yet. The same whatever
            batches the stream comes in.
        """

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """Return everything that changes: tensors, numbers, strings, lists and dicts of these."""

    @abstractmethod
    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``."""


class Detector(ABC):
    """Watches clients; mebench compares their scores with a threshold and latches the first alarm."""

    def fit(self) -> dict[str, Any]:
        """Learn from the owner's data, once per victim; as `Defence.fit`.

        What is learnt, and scores, must not depend on the channel: a threshold is set once for all channels.
        """
        return {}

    def use(self, fitted: Mapping[str, Any]) -> None:  # noqa: B027 (doing nothing is a fair default)
        """Take what `fit` has returned, before the first client."""

    @abstractmethod
    def client(self) -> ClientWatch:
        """Return the watch of a client who has asked nothing yet."""
