"""DAWN (Szyller, Atli, Marchal and Asokan): a few keyed inputs are answered wrongly, which a clone remembers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from scipy.special import bdtrc
from torch import Tensor

from mebench import AnswerDefence, OwnersContext
from mebench.toolkit import keyed_numbers, keyed_uniform, to_device, wire_form
from mebench_defences.draws import DrawsAtHome
from mebench_defences.noise import another_class
from mebench_defences.parameters import DawnParameters
from mebench_defences.rows import Mechanism

BITS = 16


@dataclass(frozen=True)
class Ownership:
    """What a suspect's answers on triggers say.

    Attributes:
        triggers: how many were asked.
        agreed: on how many of them it gave the wrong class of the watermark.
        p_value: probability that a model which knows nothing of it, and picks classes at random, agrees on as many.
        claimed: whether it agreed on more than half, which is the paper's rule.
    """

    triggers: int
    agreed: int
    p_value: float
    claimed: bool


def ownership(suspected: Tensor, watermark: Tensor, classes: int) -> Ownership:
    """Test whether a suspect has learnt a watermark.

    Args:
        suspected: (N,) labels that the suspect gives to the triggers.
        watermark: (N,) labels that they were answered with.
        classes: c; an innocent model agrees with probability 1 / c at most, as it rather gives the right class.
    """
    triggers, agreed = len(watermark), int((suspected.cpu() == watermark.cpu()).sum())
    p_value = float(bdtrc(agreed - 1, triggers, 1 / classes)) if agreed else 1.0
    return Ownership(triggers, agreed, p_value, claimed=2 * agreed > triggers)


class Dawn(AnswerDefence):
    """Exchanges the most probable class of a trigger for another, the same whenever it is asked.

    A query is a trigger if the first 16 bits of its keyed number are at most 2^16 times the rate. Its answer is the
    victim's with two entries exchanged: those of the most probable class and of the keyed wrong one.

    Args:
        context: gives key and spec.
        parameters: the rate.
    """

    randomness = "keyed"

    def __init__(self, context: OwnersContext, parameters: DawnParameters) -> None:
        self._context, self._bound = context, int(parameters.rate * 2**BITS)
        self._known: set[int] = set()
        self._triggers: list[Tensor] = []
        self._labels: list[int] = []

    def is_trigger(self, queries: Tensor) -> Tensor:
        """Return (B,) bool: whether a query is answered wrongly."""
        return self._are_triggers(self._numbers(queries))

    def perturb(self, queries: Tensor, probabilities: Tensor) -> Tensor:
        """Return answers (B, c), those to triggers wrong, and take note of these."""
        numbers = self._numbers(queries)
        triggers = self._are_triggers(numbers).nonzero()[:, 0]
        if not len(triggers):
            return probabilities
        where = to_device(triggers, queries.device)
        forms = wire_form(queries[where], self._context.spec)
        uniform = keyed_uniform(keyed_numbers(self._context.key, forms, "wrong class"), 1)[:, 0]
        answers = probabilities.clone()
        answers[where] = exchanged(probabilities[where], to_device(uniform, queries.device))
        self._note([numbers[row] for row in triggers.tolist()], queries[where], answers[where].argmax(1))
        return answers

    def mechanism(self) -> Mechanism:
        """The same with triggers of one's own."""
        draws = DrawsAtHome("triggers")

        def flipped(rows: Tensor) -> Tensor:
            uniform = draws.uniform(rows, 2)
            hit = (uniform[:, :1] * 2**BITS).floor() <= self._bound
            return torch.where(hit, exchanged(rows, uniform[:, 1]), rows)

        return flipped

    def triggers(self) -> tuple[Tensor, Tensor]:
        """Return the triggers that were asked so far, (N, \\*shape), and the labels they were answered with, (N,)."""
        spec = self._context.spec
        inputs = torch.stack(self._triggers) if self._triggers else torch.empty(0, *spec.shape, dtype=spec.dtype)
        return inputs, torch.tensor(self._labels, dtype=torch.int64)

    def state_dict(self) -> dict[str, Any]:
        """The triggers that were asked, with their labels."""
        inputs, labels = self.triggers()
        return {"triggers": inputs, "labels": labels}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on with these triggers."""
        self._triggers, self._labels = list(state["triggers"].cpu()), state["labels"].tolist()
        self._known = set(self._numbers(state["triggers"])) if self._triggers else set()

    def _numbers(self, queries: Tensor) -> list[int]:
        return keyed_numbers(self._context.key, wire_form(queries, self._context.spec), "trigger")

    def _are_triggers(self, numbers: list[int]) -> Tensor:
        return torch.tensor([number >> (64 - BITS) <= self._bound for number in numbers], dtype=torch.bool)

    def _note(self, numbers: list[int], queries: Tensor, labels: Tensor) -> None:
        for number, query, label in zip(numbers, queries.cpu(), labels.tolist(), strict=True):
            if number not in self._known:
                self._known.add(number)
                self._triggers.append(query.clone())
                self._labels.append(label)


def exchanged(rows: Tensor, uniform: Tensor) -> Tensor:
    """Return rows (B, c) with the largest entry and that of another class, drawn by (B,) uniform numbers, exchanged."""
    labels = rows.argmax(1)
    wrong = another_class(labels, uniform, rows.shape[1])
    pair = torch.stack([labels, wrong], dim=1)
    return rows.scatter(1, pair, rows.gather(1, pair.flip(1)))
