"""What is tried on a victim before anything attacks it.

Some faults make a victim useless, and are errors that name it. Others are facts that a reader of results must know:
they become flags of its rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from mebench.api.contract import Victim
from mebench.api.errors import reason
from mebench.api.spec import Outputs
from mebench.models.victims.harmless import check_harmless
from mebench.models.victims.hints import hint
from mebench.models.victims.outputs import answers, kind_of

ROWS = 256
"""Test inputs that a victim is tried on, evenly spread over the test set."""
ALONE = 8
"""Rows of these that are also asked one by one."""
EXPLAINED = 32
"""Rows of these whose gradients are looked at."""
REPEATS = 3
AGAIN, APART = 1e-5, 1e-3
"""By how much answers to the same batch, and to an input in another batch, may differ as a part of the largest logit
and be the same: another batch size sums in another order, in half precision as well."""
CHANCE = 1.5
"""A victim that is right at most this many times as often as one that names the most frequent class is at chance."""


@dataclass(frozen=True)
class Behaviour:
    """What a victim did when it was tried.

    Attributes:
        outputs: what its network returns, as its owner says or as it was seen.
        undecided: whether it could not be seen, and nobody has said it: all outputs lie in [0, 1].
        random: whether it answers otherwise when it is asked again.
        agreement: how often it gives the same input the same label again, in [0, 1].
        batch_dependent: whether it answers an input otherwise when it is asked that input alone.
        alone: how often it gives an input alone the label that it has in a batch, in [0, 1].
        no_gradient: why there are no gradients of its outputs to its inputs, in a clause; empty if there are, and for
            texts, of which none are tried.
        at_chance: whether it is hardly better than naming the most frequent class.
        hint: with which images or classes it would be right much more often, or nothing.
    """

    outputs: Outputs = "logits"
    undecided: bool = False
    random: bool = False
    agreement: float = 1.0
    batch_dependent: bool = False
    alone: float = 1.0
    no_gradient: str = ""
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
        if self.undecided:
            yield (
                f"{who}: all of its outputs lie in [0, 1] and do not sum to 1 (a sigmoid at its end?): they are taken "
                "for logits; say `outputs: logits` if they are, and let it return logits if they are not"
            )
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
        if self.no_gradient:
            yield f"{who}: {self.no_gradient}: no channel can explain its answers"
        if self.at_chance:
            yield f"{who} is hardly better than guessing{self.hint and ': ' + self.hint}"
        elif self.hint:
            yield f"{who} may take its images otherwise than it is given them: {self.hint}"


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
            value and of noise; returns something else than its owner says, or probabilities that nobody has named; or
            does what `check_harmless` refuses.
    """
    rows = inputs[:: max(1, len(inputs) // ROWS)][:ROWS]
    truth = labels[:: max(1, len(inputs) // ROWS)][:ROWS]
    check_harmless(victim, rows[:2])
    answers(victim, rows[:1])
    outputs = kind_of(victim, answers(victim, rows), said)
    if not victim.spec.discrete:
        _check_extremes(victim, rows[:2])
    asked = [_scores(victim, rows, said) for _ in range(REPEATS)]
    alone = torch.cat([_scores(victim, row, said) for row in rows[:ALONE].split(1)])
    is_random = any(_differ(again, asked[0], AGAIN) for again in asked[1:])
    most = float(torch.bincount(labels).max()) / len(labels)
    at_chance = accuracy <= min(CHANCE * most, 1 - (1 - most) / 2)
    return Behaviour(
        outputs=outputs or "logits",
        undecided=outputs is None,
        random=is_random,
        agreement=min(_agreement(again, asked[0]) for again in asked[1:]),
        batch_dependent=not is_random and _differ(alone, asked[0][: len(alone)], APART),
        alone=_agreement(alone, asked[0][: len(alone)]),
        no_gradient="" if victim.spec.discrete else _no_gradient(victim, rows[:EXPLAINED]),
        at_chance=at_chance,
        hint="" if victim.spec.discrete else hint(victim, rows, truth, at_chance),
    )


def _scores(victim: Victim, inputs: Tensor, said: Outputs | None) -> Tensor:
    """What is compared of two answers, (B, c): the logarithm of a small probability says more of arithmetic."""
    logits = answers(victim, inputs)
    return logits.softmax(1) if said == "probabilities" else logits


def _differ(scores: Tensor, others: Tensor, tolerance: float) -> bool:
    """Whether two answers differ by more than arithmetic."""
    return bool((scores - others).abs().max() > tolerance * others.abs().max().clamp_min(1e-6))


def _agreement(scores: Tensor, others: Tensor) -> float:
    return float((scores.argmax(1) == others.argmax(1)).double().mean())


def _no_gradient(victim: Victim, rows: Tensor) -> str:
    """Say why the outputs have no gradient to the inputs; empty if they have."""
    points = rows.detach().clone().requires_grad_()
    carries_none = "its outputs carry no gradient to its inputs (a no_grad, a detach or an argmax in its forward?)"
    try:
        with torch.enable_grad():
            logits = victim(points)
            if not logits.requires_grad:
                return carries_none
            # A sum over classes could have no gradient where every class has one: they are weighted.
            weights = torch.linspace(-1, 1.5, logits.shape[1], device=logits.device, dtype=logits.dtype)
            (gradient,) = torch.autograd.grad((logits * weights).sum(), points, allow_unused=True)
    except RuntimeError as error:
        return f"the gradient of its outputs to its inputs cannot be computed ({reason(error)})"
    if gradient is None:
        return carries_none
    if not bool(torch.isfinite(gradient).all()):
        return "the gradient of its outputs to its inputs is not finite"
    return "" if bool(gradient.any()) else "the gradient of its outputs to its inputs is 0 (a rounding in its forward?)"


def _check_extremes(victim: Victim, rows: Tensor) -> None:
    """An attack may ask anything in range: images of one value, and noise."""
    spec = victim.spec
    for value in (spec.low, spec.high):
        answers(victim, torch.full_like(rows, value), f"of the one value {value:g}")
    noise = torch.rand(rows.shape, generator=torch.Generator().manual_seed(0)).to(rows.device)
    answers(victim, spec.low + (spec.high - spec.low) * noise, "of noise")
