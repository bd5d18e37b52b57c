"""What is tried on a victim before anything attacks it.

Some faults make a victim useless, and are errors that name it. Others are facts that a reader of results must know:
they become flags of its rows.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from mebench.api.contract import Victim
from mebench.api.errors import ConfigurationError
from mebench.api.spec import Outputs
from mebench.models.victims.outputs import answers, check_kind

ROWS = 256
"""Test inputs that a victim is tried on, evenly spread over the test set."""
ALONE = 8
"""Rows of these that are also asked one by one."""
REPEATS = 3
TOLERANCE = 1e-3
"""By how much two answers may differ, as a part of the largest logit, and be the same."""
CHANCE = 1.5
"""A victim that is right at most this many times as often as one that names the most frequent class is at chance."""
BETTER = 0.2
"""By how much more often it must be right with inputs of another range, for that range to be told."""
RANGES = {
    "of 0 to 255 (mean: 0, std: 0.00392157)": (255.0, 0.0),
    "of -1 to 1 (mean: 0.5, std: 0.5)": (2.0, -1.0),
    "with black and white exchanged": (-1.0, 1.0),
}

Gradients = Literal["yes", "none", "not finite"]


@dataclass(frozen=True)
class Behaviour:
    """What a victim did when it was tried.

    Attributes:
        random: whether it answers otherwise when it is asked again.
        agreement: how often it gives the same input the same label again, in [0, 1].
        batch_dependent: whether it answers an input otherwise when it is asked that input alone.
        alone: how often it gives an input alone the label that it has in a batch, in [0, 1].
        gradients: whether a gradient of its outputs with respect to its inputs is to be had; not tried of texts.
        at_chance: whether it is hardly better than naming the most frequent class.
        hint: what may be wrong with a victim at chance, or nothing.
    """

    random: bool = False
    agreement: float = 1.0
    batch_dependent: bool = False
    alone: float = 1.0
    gradients: Gradients = "yes"
    at_chance: bool = False
    hint: str = ""

    @property
    def flags(self) -> tuple[str, ...]:
        """What a reader of the victim's rows must know."""
        raised = {
            "random-victim": self.random,
            "batch-dependent-victim": self.batch_dependent,
            "victim-at-chance": self.at_chance,
        }
        return tuple(flag for flag, is_raised in raised.items() if is_raised)

    def notes(self, name: str) -> Iterator[str]:
        """What the victim's owner should know, a line each."""
        who = f"victim {name!r}"
        if self.random:
            yield (
                f"{who} is random: asked again, it gives {self.agreement:.1%} of its test inputs the same label, "
                "and no clone can be expected to agree with it more often (is dropout on?)"
            )
        if self.batch_dependent:
            yield (
                f"{who} answers by what else is in a batch: {self.alone:.1%} of inputs keep their label alone (does a "
                "batch norm lack its running statistics?)"
            )
        if self.gradients != "yes":
            yield f"{who}: {no_gradient(self.gradients)}: no channel can explain its answers"
        if self.at_chance:
            yield f"{who} is hardly better than guessing{self.hint and ': ' + self.hint}"


def no_gradient(found: Gradients) -> str:
    """Say in words why there is no gradient."""
    if found == "none":
        return "its outputs carry no gradient to its inputs (a no_grad, a detach or an argmax in its forward?)"
    return "the gradient of its outputs to its inputs is not finite"


def behaviour(victim: Victim, inputs: Tensor, labels: Tensor, accuracy: float, said: Outputs | None) -> Behaviour:
    """Try a victim.

    Args:
        victim: on its device.
        inputs: (N, \\*shape) of its test set, on the same device.
        labels: (N,) of them.
        accuracy: on all of them, in [0, 1].
        said: what its owner says that its network returns; None leaves it to be seen.

    Raises:
        ConfigurationError: it fails, also on a single input; returns no finite logits (B, c), also of images of one
            value and of noise; returns probabilities though nobody said so; or seeds global random numbers.
    """
    rows = inputs[:: max(1, len(inputs) // ROWS)][:ROWS]
    truth = labels[:: max(1, len(inputs) // ROWS)][:ROWS]
    _check_random_numbers(victim, rows[:2])
    answers(victim, rows[:1])
    asked = [answers(victim, rows) for _ in range(REPEATS)]
    check_kind(victim, asked[0], said)
    if not victim.spec.discrete:
        _check_extremes(victim, rows[:2])
    alone = torch.cat([answers(victim, row) for row in rows[:ALONE].split(1)])
    is_random = any(_differ(again, asked[0]) for again in asked[1:])
    most = float(torch.bincount(labels).max()) / len(labels)
    at_chance = accuracy <= min(CHANCE * most, 1 - (1 - most) / 2)
    return Behaviour(
        random=is_random,
        agreement=min(_agreement(again, asked[0]) for again in asked[1:]),
        batch_dependent=not is_random and _differ(alone, asked[0][: len(alone)]),
        alone=_agreement(alone, asked[0][: len(alone)]),
        gradients="yes" if victim.spec.discrete else _gradients(victim, rows[:2]),
        at_chance=at_chance,
        hint=_hint(victim, rows, truth) if at_chance and not victim.spec.discrete else "",
    )


def _differ(logits: Tensor, others: Tensor) -> bool:
    """Whether two answers differ by more than arithmetic: another batch size sums in another order."""
    return bool((logits - others).abs().max() > TOLERANCE * others.abs().max().clamp_min(1e-6))


def _agreement(logits: Tensor, others: Tensor) -> float:
    return float((logits.argmax(1) == others.argmax(1)).double().mean())


def _gradients(victim: Victim, rows: Tensor) -> Gradients:
    points = rows.detach().clone().requires_grad_()
    with torch.enable_grad():
        logits = victim(points)
        if not logits.requires_grad:
            return "none"
        (gradient,) = torch.autograd.grad(logits.sum(), points, allow_unused=True)
    if gradient is None:
        return "none"
    return "yes" if bool(torch.isfinite(gradient).all()) else "not finite"


def _check_random_numbers(victim: Victim, rows: Tensor) -> None:
    """Notice who seeds the generators that everybody shares: an attack's own draws would repeat themselves.

    A generator that ends in the same state, wherever it was before, has been seeded.
    """
    before = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng(devices=[]):
            ends = [_random_states_after(victim, rows, start) for start in (1, 2)]
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])
    if seeded := [name for name in ends[0] if ends[0][name] == ends[1][name]]:
        raise ConfigurationError(
            f"victim {victim.name!r} seeds the global random numbers of {' and '.join(seeded)} whenever it is asked, "
            "and so changes what others draw: let it draw from a generator of its own"
        )


def _random_states_after(victim: Victim, rows: Tensor, start: int) -> dict[str, Any]:
    torch.default_generator.manual_seed(start)
    random.setstate(random.Random(start).getstate())
    np.random.set_state(np.random.RandomState(start).get_state())
    answers(victim, rows)
    return {
        "torch": torch.random.get_rng_state().tolist(),
        "Python": random.getstate(),
        "NumPy": repr(np.random.get_state()[1:]) + np.random.get_state()[1].tobytes().hex(),  # type: ignore[index]
    }


def _check_extremes(victim: Victim, rows: Tensor) -> None:
    """An attack may ask anything in range: images of one value, and noise."""
    spec = victim.spec
    for value in (spec.low, spec.high):
        answers(victim, torch.full_like(rows, value), f"of the one value {value:g}")
    noise = torch.rand(rows.shape, generator=torch.Generator().manual_seed(0)).to(rows.device)
    answers(victim, spec.low + (spec.high - spec.low) * noise, "of noise")


def _hint(victim: Victim, rows: Tensor, labels: Tensor) -> str:
    """Say with which range of inputs a victim at chance would be right more often, if there is one."""

    def right(inputs: Tensor) -> float:
        with torch.no_grad():
            return float((victim.network(inputs).argmax(1) == labels).double().mean())

    base = right(rows)
    found = {words: right(factor * rows + shift) for words, (factor, shift) in RANGES.items()}
    words, best = max(found.items(), key=lambda one: one[1])
    return f"it is right for {best:.0%} of images {words}" if best >= base + BETTER else ""
