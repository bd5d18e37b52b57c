"""Maximising angular deviation (Orekondy, Schiele and Fritz), in closed form.

The published solver turns the gradient of the last layer of a randomly initialised network F. That gradient is
(y - p) h' for the outputs p and features h of F, so the objective is H(y') = 2 (1 - cos(y' - p, y - p)): algebra on c
numbers, with one forward pass of F and no Jacobian. Of a set of extreme answers the best is taken, and y moves towards
it as far as the budget allows.
"""

from __future__ import annotations

import itertools
from functools import cache

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from mebench import AnswerDefence, OwnersContext
from mebench.toolkit import to_device
from mebench_defences.parameters import MadParameters
from mebench_defences.rows import Mechanism

ABOVE = 1e-5
"""By how much the kept class is above the others of its subset."""
MOST = 1024
"""Evaluations of the greedy search for more than `LISTED` classes."""
LISTED = 10
"""Classes up to which all subsets are looked at."""
ROWS = 512
"""Rows that are worked on at once."""
INPUTS_AT_HOME = 64


class Mad(AnswerDefence):
    """Moves an answer towards the class that turns the random network's gradient most.

    Args:
        context: gives the random network.
        parameters: budget, and seed of the network.
    """

    def __init__(self, context: OwnersContext, parameters: MadParameters) -> None:
        self._context, self._parameters = context, parameters
        self._network = self._random_network(parameters.network_seed)

    def perturb(self, queries: Tensor, probabilities: Tensor) -> Tensor:
        """Return answers (B, c) within the budget."""
        with torch.no_grad():
            surrogate = torch.softmax(self._network(queries).double(), dim=1)
        return self._turned(probabilities, surrogate)

    def mechanism(self) -> Mechanism:
        """Nearly the same: with the mean output of a random network of one's own, which hardly depends on the input."""
        network, spec = self._random_network(self._parameters.network_seed + 1), self._context.spec
        draws = torch.rand(INPUTS_AT_HOME, *spec.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        inputs = spec.low + (spec.high - spec.low) * draws
        inputs = inputs.round() if spec.discrete else inputs
        with torch.no_grad():
            outputs = network(to_device(inputs.to(spec.dtype), self._context.device))
        mean = torch.softmax(outputs.double(), dim=1).mean(0)
        return lambda rows: self._turned(rows, mean.to(rows.device).expand(len(rows), -1))

    def _random_network(self, seed: int) -> nn.Module:
        return self._context.new_network(seed).to(self._context.device).eval()

    def _turned(self, rows: Tensor, surrogate: Tensor) -> Tensor:
        parts = zip(rows.double().split(ROWS), surrogate.split(ROWS), strict=True)
        answers = [within(y, self.extreme(y, p), self._parameters.epsilon) for y, p in parts]
        return torch.cat(answers).to(rows.dtype) if answers else rows

    def extreme(self, y: Tensor, p: Tensor) -> Tensor:
        """Return the best of the c answers with a single 1, of equally good ones the lowest class; (B, c)."""
        corners = torch.eye(y.shape[1], dtype=y.dtype, device=y.device).expand(len(y), -1, -1)
        return picked(corners, cosines(corners, y, p))


class MadArgmax(Mad):
    """As MAD, among answers that share the mass among classes of which one is the most probable."""

    keeps_argmax = True

    def extreme(self, y: Tensor, p: Tensor) -> Tensor:
        """Return the best answer that shares the mass equally among a subset with the most probable class; (B, c)."""
        return _best_of_all(y, p) if y.shape[1] <= LISTED else _best_of_greedy(y, p)


def cosines(answers: Tensor, y: Tensor, p: Tensor) -> Tensor:
    """Return cos(y' - p, y - p) of (B, n, c) answers, (B, n); 1 - it is half of the objective H."""
    return F.cosine_similarity(answers - p[:, None], (y - p)[:, None], dim=2, eps=1e-12)


def picked(answers: Tensor, cosine: Tensor) -> Tensor:
    """Return the answer of the least cosine of each row, of equal ones the first; (B, c)."""
    best = cosine.argmin(1)
    return answers[torch.arange(len(answers), device=answers.device), best]


def within(y: Tensor, towards: Tensor, budget: float) -> Tensor:
    """Return (1 - a) y + a y*, with a such that the L1 distance from y is the budget, and at most 1."""
    distance = (towards - y).abs().sum(1, keepdim=True)
    share = (budget / distance.clamp(min=1e-12)).clamp(max=1)
    return (1 - share) * y + share * towards


def shared(members: Tensor, labels: Tensor) -> Tensor:
    """Return answers of equal mass in their members, with the labels' class a little above; (..., c) float64.

    Args:
        members: (..., c) of 0 and 1, those of the labels 1.
        labels: as ``members`` in all but the last dimension, which is 1.
    """
    mass = members / members.sum(-1, keepdim=True)
    mass = mass.scatter_add(-1, labels, torch.full_like(labels, 1, dtype=mass.dtype) * ABOVE)
    return mass / mass.sum(-1, keepdim=True)


@cache
def _others(classes: int) -> Tensor:
    """Every subset of c - 1 classes, (2^(c-1), c - 1)."""
    return torch.tensor(list(itertools.product((0.0, 1.0), repeat=classes - 1)), dtype=torch.float64)


def _best_of_all(y: Tensor, p: Tensor) -> Tensor:
    classes, labels = y.shape[1], y.argmax(1)
    subsets = to_device(_others(classes), y.device)
    everywhere = torch.arange(classes, device=y.device)
    others = everywhere[None, :-1] + (everywhere[None, :-1] >= labels[:, None])  # (B, c - 1)
    members = torch.ones(len(y), len(subsets), classes, dtype=y.dtype, device=y.device)
    members.scatter_(2, others[:, None].expand(-1, len(subsets), -1), subsets.expand(len(y), -1, -1))
    answers = shared(members, labels[:, None, None].expand(-1, len(subsets), 1))
    return picked(answers, cosines(answers, y, p))


def _best_of_greedy(y: Tensor, p: Tensor) -> Tensor:
    """Grow the subset by the class that turns most, for as long as evaluations last; the best that was seen."""
    classes, labels = y.shape[1], y.argmax(1)
    rows = torch.arange(len(y), device=y.device)
    members = F.one_hot(labels, classes).to(y.dtype)
    best = shared(members, labels[:, None])
    least = cosines(best[:, None], y, p)[:, 0]
    evaluations, size = 1, 1
    while size < classes and evaluations + classes - size <= MOST:
        grown = torch.maximum(members[:, None], torch.eye(classes, dtype=y.dtype, device=y.device))
        answers = shared(grown, labels[:, None, None].expand(-1, classes, 1))
        cosine = cosines(answers, y, p).masked_fill(members > 0, torch.inf)
        chosen = cosine.argmin(1)
        members = grown[rows, chosen]
        better = cosine[rows, chosen] < least
        best = torch.where(better[:, None], answers[rows, chosen], best)
        least = torch.where(better, cosine[rows, chosen], least)
        evaluations, size = evaluations + classes - size, size + 1
    return best
