"""The defences of a trial as one link around the service's channel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from mebench.api.contract import Explanation, Response, ResponseChannel, Victim
from mebench.api.defence import AnswerDefence, ExplanationDefence, InputDefence
from mebench.api.random_streams import RandomStreams
from mebench.guard.defences import GuardedDefence
from mebench.oracle.distances import Distances
from mebench.oracle.links import Link


class DefendedChannel(Link):
    """A channel behind defences.

    What reaches the victim goes through the defences of inputs first, whatever their place among the others, so that
    all others see what the victim saw. Answers and explanations then go through theirs, in the order of the file.

    Args:
        inner: the service's channel, or a link around it.
        defences: in the order of the file.

    Attributes:
        moved: L1 distances of what was answered from what the channel had answered.
        flipped: rows whose label is another than the channel's.
        exchanged: rows in which a defence that keeps the most probable class had not, and two entries were exchanged.
    """

    def __init__(self, inner: ResponseChannel, defences: Sequence[GuardedDefence]) -> None:
        super().__init__(inner)
        self._defences = tuple(defences)
        self.name = ", ".join([inner.name, *(defence.label for defence in defences)])
        self.moved = Distances()
        self.flipped = self.exchanged = 0
        floors = [one.probability_floor for one in self._parts(AnswerDefence)]
        self.probability_floor = max([inner.probability_floor, *(floor for floor in floors if floor is not None)])

    def _parts(self, kind: type[Any]) -> list[Any]:
        return [one.part for one in self._defences if isinstance(one.part, kind)]

    def _of(self, kind: type[Any]) -> list[GuardedDefence]:
        return [one for one in self._defences if isinstance(one.part, kind)]

    @property
    def guarded(self) -> tuple[GuardedDefence, ...]:
        """The defences, in the order of the file."""
        return self._defences

    @property
    def releases(self) -> bool:
        """Whether explanations go through a defence."""
        return bool(self._of(ExplanationDefence)) and "explanation" in self.gives

    @property
    def keeps_argmax(self) -> bool:
        """Whether no defence of answers changes which class is the most probable, as far as they say."""
        return all(part.keeps_argmax for part in self._parts(AnswerDefence))

    def use_randomness(self, random: RandomStreams) -> None:
        """Hand the trial's random streams on."""
        for defence in self._defences:
            defence.watch_state(random)
        super().use_randomness(random)

    def answer(self, victim: Victim, inputs: Tensor, explain: bool) -> Response:
        """Return what the service answers behind its defences."""
        received = inputs
        for defence in self._of(InputDefence):
            received = defence.receive(received, victim.spec)
        response = self._inner.answer(victim, received, explain)
        if response.probabilities is not None and self._of(AnswerDefence):
            response = self._answered(received, response, response.probabilities)
        releasing = self._of(ExplanationDefence)
        if response.explanation is not None and releasing:
            explanation = ReleasedExplanation(response.explanation, releasing, received, response.labels)
            response = replace(response, explanation=explanation)
        return response

    def _answered(self, queries: Tensor, response: Response, original: Tensor) -> Response:
        probabilities, labels = original, response.labels
        for defence in self._of(AnswerDefence):
            probabilities = defence.perturb(queries, probabilities)
            best = probabilities.argmax(1)
            if isinstance(defence.part, AnswerDefence) and defence.part.keeps_argmax:
                probabilities, exchanged = with_best(probabilities, labels, best)
                self.exchanged += exchanged
            else:
                labels = torch.where(probabilities.amax(1) > 0, best, labels)
        if len(labels):
            self.moved.add((probabilities - original).abs().sum(1).clamp(max=2))
            self.flipped += int((labels != response.labels).sum())
        return replace(response, labels=labels, probabilities=probabilities)

    def state_dict(self) -> dict[str, Any]:
        """That of each defence, and what was counted."""
        return {
            "defences": [defence.state_dict() for defence in self._defences],
            "moved": self.moved.state_dict(),
            "flipped": self.flipped,
            "exchanged": self.exchanged,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``."""
        for defence, known in zip(self._defences, state["defences"], strict=True):
            defence.load_state_dict(known)
        self.moved.load_state_dict(state["moved"])
        self.flipped, self.exchanged = state["flipped"], state["exchanged"]


def with_best(probabilities: Tensor, labels: Tensor, best: Tensor) -> tuple[Tensor, int]:
    """Exchange two entries of each row whose largest is not at its label; the number of rows comes with it.

    Args:
        probabilities: (B, c).
        labels: (B,) where the largest must be. A row in which it is as large as the largest stays as it is.
        best: (B,) where the largest is.
    """
    rows = torch.arange(len(labels), device=labels.device)
    at_label, largest = probabilities[rows, labels], probabilities[rows, best]
    wrong = at_label < largest
    if not bool(wrong.any()):
        return probabilities, 0
    mended = probabilities.clone()
    mended[rows[wrong], labels[wrong]] = largest[wrong]
    mended[rows[wrong], best[wrong]] = at_label[wrong]
    return mended, int(wrong.sum())


class ReleasedExplanation(Explanation):
    """An explanation whose maps went through defences; computed once, when it is first looked at.

    Args:
        inner: the channel's.
        releasing: defences of explanations, in their order.
        queries: (B, \\*shape) as they reached the victim.
        labels: (B,) that are answered.
    """

    def __init__(
        self, inner: Explanation, releasing: Sequence[GuardedDefence], queries: Tensor, labels: Tensor
    ) -> None:
        self.score = inner.score
        self._inner, self._releasing = inner, tuple(releasing)
        self._queries, self._labels = queries, labels
        self._maps: Tensor | None = None

    def dense(self) -> Tensor:
        """Return the released map of every class, (B, c, \\*shape) float32."""
        if self._maps is None:
            maps = self._inner.dense()
            for defence in self._releasing:
                maps = defence.release(self._queries, maps, self._labels)
            self._maps = maps
        return self._maps

    def vjp(self, weights: Tensor) -> Tensor:
        """Return sum_j weights[:, j] * the released map of class j, (B, \\*shape)."""
        return torch.einsum("bc,bc...->b...", weights, self.dense())


def unreleased(explanation: Explanation) -> Tensor:
    """The maps of every class as the channel gives them, (B, c, \\*shape), before any defence; for the owner alone.

    A function, as attributes of an explanation are an attack's to see.

    Args:
        explanation: a `ReleasedExplanation`.
    """
    assert isinstance(explanation, ReleasedExplanation)
    return explanation._inner.dense()
