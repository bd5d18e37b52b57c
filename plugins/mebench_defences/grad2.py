"""Gradient redirection, GRAD^2 (Mazeika, Li and Forsyth): the attacker's update is pushed along a fixed direction.

The surrogate's update on an answer y' is G'y' with G = d log p / d w, so its part along a direction t is linear in y':
the sum of y'_j c_j with c_j the derivative of log p_j along t. With t all ones, which is the paper's main setting, c
costs one forward-mode derivative of the surrogate, for each row by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, jvp
from torch.nn import functional as F  # noqa: N812

from mebench import AnswerDefence, OwnersContext
from mebench_defences.parameters import Grad2Parameters
from mebench_defences.training import data_of, fitted, used, victims_answers

DECAYS_OVER = 50
"""Epochs of the cosine of which the paper's surrogate sees the first ten."""


class Grad2(AnswerDefence):
    """Moves eps/2 of an answer onto the class that the direction gains most by, from those that it gains least by.

    Args:
        context: gives victim, network and the owner's data, on which the surrogate is distilled.
        parameters: budget, and how the surrogate is trained.
    """

    def __init__(self, context: OwnersContext, parameters: Grad2Parameters) -> None:
        data_of(context)
        self._context, self._parameters = context, parameters
        self._surrogate: nn.Module | None = None

    def fit(self) -> dict[str, Any]:
        """Distil the victim into the surrogate, on the owner's inputs."""
        answers = victims_answers(self._context)
        state = fitted(self._context, answers, _distillation, self._parameters, decays_over=DECAYS_OVER)
        return {"surrogate": state}

    def use(self, fitted: Mapping[str, Any]) -> None:
        """Take the surrogate."""
        self._surrogate = used(self._context, dict(fitted["surrogate"]), self._parameters.network_seed)

    def perturb(self, queries: Tensor, probabilities: Tensor) -> Tensor:
        """Return redirected rows (B, c)."""
        assert self._surrogate is not None, "use() comes first"
        gains = along_ones(self._surrogate, queries)
        return redirected(probabilities.double(), gains, self._parameters.epsilon).to(probabilities.dtype)


def _distillation(logits: Tensor, answers: Tensor) -> Tensor:
    return F.cross_entropy(logits, answers)


def along_ones(surrogate: nn.Module, queries: Tensor) -> Tensor:
    """Return the derivative of each class's log-probability along all ones over all parameters, (B, c) float64."""
    parameters = {name: value.detach() for name, value in surrogate.named_parameters()}
    buffers = dict(surrogate.named_buffers())
    ones = {name: torch.ones_like(value) for name, value in parameters.items()}

    def answers(weights: dict[str, Tensor]) -> Tensor:
        logits: Tensor = functional_call(surrogate, {**weights, **buffers}, (queries,))
        return torch.log_softmax(logits, dim=1)

    with torch.no_grad():
        gains: Tensor = jvp(answers, (parameters,), (ones,))[1]
    return gains.double()


def redirected(y: Tensor, gains: Tensor, budget: float) -> Tensor:
    """Return the row of greatest gain within an L1 budget of y, (B, c).

    It moves min(budget / 2, what the others hold) onto the class of greatest gain, from those of least gain first; of
    equal gains, lower classes come first.
    """
    best = gains.argmax(1, keepdim=True)
    order = gains.scatter(1, best, torch.inf).sort(dim=1, stable=True).indices
    held = y.scatter(1, best, 0.0).gather(1, order)  # (B, c), least gain first; nothing on the best
    before = held.cumsum(1) - held
    taken = (budget / 2 - before).clamp(min=0).minimum(held)
    left = y.scatter_add(1, order, -taken)
    return left.scatter_add(1, best, taken.sum(1, keepdim=True)).clamp(0, 1)
