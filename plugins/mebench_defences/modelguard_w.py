"""ModelGuard-W (Tang et al.): the least likely answer within an L1 budget that keeps the most probable class.

The paper gives each row to a solver of linear programs. Here the mass t of the most probable class is searched, in
which the least objective is convex, and for a fixed t the best answer is found by sorting: what lies above t - GAP is
cut, mass is put on the least likely classes up to that cap and taken from the most likely, and what is left of the
budget moves on in the same way. All rows are worked on at once.
"""

from __future__ import annotations

import torch
from torch import Tensor

from mebench import OwnersContext
from mebench_defences.parameters import BudgetParameters
from mebench_defences.truncation import Pure

GAP = 1e-4
"""By how much the most probable class stays above all others."""
INSIDE_LOG = 1e-6
FIRST, LATER, ROUNDS = 65, 9, 13
"""Values of t that are looked at in the first round and in each of the later ones, which narrow to a quarter."""
NUMBERS = 1 << 21
"""Numbers that are worked on at once."""


class ModelGuardW(Pure):
    """Minimises the sum of y'_j log(y_j + 1e-6): no row moves by more than eps.

    Of equally likely classes, mass goes to the lowest first. A row for which there is no such answer is left alone: one
    whose two largest entries are nearer to each other than the budget can part them.

    Args:
        context: not used.
        parameters: eps.
    """

    keeps_argmax = True

    def __init__(self, context: OwnersContext, parameters: BudgetParameters) -> None:
        self._budget = parameters.epsilon

    def answered(self, probabilities: Tensor) -> Tensor:
        """Return the least likely answers (B, c)."""
        rows = max(1, NUMBERS // (FIRST * probabilities.shape[1]))
        parts = [least_likely(part.double(), self._budget) for part in probabilities.split(rows)]
        return torch.cat(parts).to(probabilities.dtype) if parts else probabilities


def least_likely(y: Tensor, budget: float) -> Tensor:
    """Return the answer of each row of (B, c) float64 rows, c at least 2."""
    labels = y.argmax(1, keepdim=True)
    top = y.gather(1, labels)
    others, order = y.scatter(1, labels, torch.inf).sort(dim=1, stable=True)
    others, order = others[:, :-1], order[:, :-1]  # (B, c - 1), the least likely first
    sums = y.sum(1, keepdim=True)
    low, high = (top - budget / 2).clamp(min=0), (top + budget / 2).minimum(sums)
    for number in range(1 + ROUNDS):
        steps = torch.linspace(0, 1, FIRST if number == 0 else LATER, dtype=y.dtype, device=y.device)
        tried = low + (high - low) * steps  # (B, n)
        best = _objectives(others, top, sums, tried, budget).argmin(1, keepdim=True)
        low, high = tried.gather(1, (best - 1).clamp(min=0)), tried.gather(1, (best + 1).clamp(max=len(steps) - 1))
        chosen = tried.gather(1, best)
    answer, possible = _of_mass(others, top, sums, chosen, budget)
    found = torch.zeros_like(y).scatter(1, order, answer[:, 0]).scatter(1, labels, chosen)
    return torch.where(possible, found, y)


def _objectives(others: Tensor, top: Tensor, sums: Tensor, tried: Tensor, budget: float) -> Tensor:
    """The objective of each t, (B, n); infinite where none is possible."""
    answers, possible = _of_mass(others, top, sums, tried, budget)
    costs = (others + INSIDE_LOG).log()
    value = (answers * costs[:, None]).sum(2) + tried * (top + INSIDE_LOG).log()
    return torch.where(possible, value, torch.inf)


def _of_mass(others: Tensor, top: Tensor, sums: Tensor, tried: Tensor, budget: float) -> tuple[Tensor, Tensor]:
    """The best answer for the other classes, where the most probable one has mass t.

    Args:
        others: (B, c - 1), rising.
        top, sums: (B, 1), of the most probable class and of all.
        tried: (B, n) values of t.
        budget: L1.

    Returns:
        (B, n, c - 1), and whether it keeps all that it must, (B, n).
    """
    cap = (tried - GAP)[..., None]  # (B, n, 1)
    kept = others[:, None].minimum(cap.clamp(min=0))
    cut = (others[:, None] - kept).sum(2)
    missing = sums - tried - kept.sum(2)  # to be put on the others; negative: to be taken from them
    spent = (tried - top).abs() + cut + missing.abs()
    room = cap.clamp(min=0) - kept
    best = _filled((sums - tried)[..., None], cap.clamp(min=0), kept.shape)  # without a budget
    most = (best - kept).clamp(min=0).sum(2) - missing.clamp(min=0)
    moved = ((budget - spent) / 2).clamp(min=0).minimum(most.clamp(min=0))
    put = _first(room, missing.clamp(min=0) + moved)
    taken = _first(kept.flip(2), (-missing).clamp(min=0) + moved).flip(2)
    answers = kept + put - taken
    whole = (answers.sum(2) - (sums - tried)).abs() < 1e-9
    return answers, whole & (spent <= budget + 1e-12) & (cap[..., 0] >= 0)


def _filled(mass: Tensor, cap: Tensor, shape: torch.Size) -> Tensor:
    """Mass (B, n, 1) put on the least likely classes up to the cap."""
    return _first(cap.expand(shape), mass[..., 0].clamp(min=0))


def _first(room: Tensor, mass: Tensor) -> Tensor:
    """How much of a mass (B, n) comes to each class (B, n, c) that has room for so much, the first class first."""
    before = room.cumsum(2) - room
    return (mass[..., None] - before).clamp(min=0).minimum(room)
