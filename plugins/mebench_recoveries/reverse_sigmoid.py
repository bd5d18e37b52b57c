"""The inverse of the reverse sigmoid, by search for the sum that it was divided by."""

from __future__ import annotations

import math
from dataclasses import replace

import torch
from torch import Tensor, nn

from mebench import Recovery, RecoveryContext, Response
from mebench_recoveries.at_home import made_up
from mebench_recoveries.parameters import InverseParameters

PROBES, STRENGTHS, ROUNDS = 200, 33, 12
SAME = 0.02
"""Mean L1 distance up to which a mechanism is taken for a reverse sigmoid."""
POINTS = 4096
LEAST = 1e-30
FIRST, LATER = 65, 9
SOLVED = 1e-4
"""L1 distance of an answer from that of the probabilities that were found, up to which they are a solution."""
NUMBERS = 1 << 20


class InverseReverseSigmoid(Recovery):
    """Finds the probabilities of which the reverse sigmoid makes the answer.

    Its function falls up to a small probability y*, rises up to 1 - y*, and falls again, so that a value can have three
    origins. First the most probable class is taken to lie above 1 - y* and all others below y*. Where that does not
    give the answer back, it is taken to lie between the two, as are classes whose value is too large for less than y*.
    There can be more than one solution, and this one may be wrong.

    The strength is found at home. Where the mechanism is no reverse sigmoid, or there is none, answers are left alone.

    Args:
        context: gives the mechanism and the number of classes.
        parameters: the slope, and the strength if it is known.
    """

    def __init__(self, context: RecoveryContext, parameters: InverseParameters) -> None:
        self._gamma = parameters.gamma
        self._beta = strength(context, parameters)

    def recover(self, queries: Tensor, response: Response, clone: nn.Module) -> Response:
        """Return probabilities without the deception, (B, c)."""
        told = response.probabilities
        if not self._beta or told is None or not len(told):
            return response
        inverse = Inverse(self._beta, self._gamma, told.device)
        rows = max(1, NUMBERS // (FIRST * told.shape[1]))
        found = torch.cat([inverse.of(part.double()) for part in told.split(rows)]).to(told.dtype)
        return replace(response, probabilities=found, labels=found.argmax(1), logits=None)


def strength(context: RecoveryContext, parameters: InverseParameters) -> float:
    """Return b of the reverse sigmoid that the mechanism is; 0 if it is none."""
    if context.mechanism is None:
        return 0.0
    clean = made_up(PROBES, context.spec.num_classes, seed=0)
    told = context.mechanism(clean.to(context.device)).cpu().double()
    low, high = 0.0, 1.0
    tried, best = torch.zeros(1), torch.zeros((), dtype=torch.int64)
    for _ in range(ROUNDS):
        tried = torch.linspace(low, high, STRENGTHS) if parameters.beta is None else torch.tensor([parameters.beta])
        off = torch.stack(
            [(deceived(clean.double(), float(b), parameters.gamma) - told).abs().sum(1).mean() for b in tried]
        )
        best = off.argmin()
        if off[best] < 1e-6 or parameters.beta is not None:
            break
        low, high = float(tried[max(0, int(best) - 1)]), float(tried[min(STRENGTHS - 1, int(best) + 1)])
    return float(tried[best]) if off[best] < SAME else 0.0


def curve(y: Tensor, beta: float, gamma: float) -> Tensor:
    """y - b (s(g logit y) - 1/2), s the logistic function."""
    return y - beta * (torch.sigmoid(gamma * torch.logit(y)) - 0.5)


def deceived(y: Tensor, beta: float, gamma: float) -> Tensor:
    """The reverse sigmoid of (N, c) rows that sum to 1."""
    lifted = curve(y, beta, gamma).clamp(min=0)
    return lifted / lifted.sum(1, keepdim=True)


class Inverse:
    """The branches of the inverse, as tables.

    Args:
        beta: b, above 0.
        gamma: g.
        device: where answers are.
    """

    def __init__(self, beta: float, gamma: float, device: torch.device) -> None:
        self._beta, self._gamma = beta, gamma
        fine = torch.logspace(-12, math.log10(0.5), 16 * POINTS, dtype=torch.float64)
        lowest = fine[curve(fine, beta, gamma).argmin()]
        span = torch.linspace(0, 1, POINTS, dtype=torch.float64)
        falling = (LEAST * (lowest / LEAST) ** span).flip(0)  # turned round, so that values rise
        rising = lowest + (0.5 - lowest) * span**2
        rising = torch.cat([rising, 1 - rising[:-1].flip(0)])
        self._falling = falling.to(device), curve(falling, beta, gamma).to(device)
        self._rising = rising.to(device), curve(rising, beta, gamma).to(device)

    def of(self, told: Tensor) -> Tensor:
        """Return the probabilities of (B, c) float64 answers, which sum to 1."""
        sure, other = self._solved(told, sure=True), self._solved(told, sure=False)
        left = [(deceived(one, self._beta, self._gamma) - told).abs().sum(1, keepdim=True) for one in (sure, other)]
        return torch.where((left[0] < SOLVED) | (left[0] < left[1]), sure, other)

    def _solved(self, told: Tensor, *, sure: bool) -> Tensor:
        """The probabilities (B, c) if the largest lies above 1 - y*, or if it does not."""
        low = told.new_full((len(told), 1), 0.5)
        high = torch.full_like(low, 1 + told.shape[1] * self._beta / 2)
        for number in range(ROUNDS):
            steps = torch.linspace(0, 1, FIRST if number == 0 else LATER, dtype=told.dtype, device=told.device)
            tried = low + (high - low) * steps  # (B, n): the sum that was divided by
            best = (self._rows(told, tried, sure).sum(2) - 1).abs().argmin(1, keepdim=True)
            low, high = tried.gather(1, (best - 1).clamp(min=0)), tried.gather(1, (best + 1).clamp(max=len(steps) - 1))
        found = self._rows(told, tried.gather(1, best), sure)[:, 0]
        return found / found.sum(1, keepdim=True)

    def _rows(self, told: Tensor, tried: Tensor, sure: bool) -> Tensor:
        """The probabilities for each sum that is tried, (B, n, c)."""
        values = told[:, None] * tried[..., None]
        top = torch.zeros_like(told, dtype=torch.bool).scatter(1, told.argmax(1, keepdim=True), value=True)[:, None]
        low = _looked_up(self._falling, values)
        if sure:  # the function is symmetric: f(1 - y) = 1 - f(y)
            return torch.where(top, 1 - _looked_up(self._falling, 1 - values), low)
        return torch.where(top | (values > self._beta / 2), _looked_up(self._rising, values), low)


def _looked_up(table: tuple[Tensor, Tensor], values: Tensor) -> Tensor:
    """Interpolate y of values between a table's points (y, value), whose values rise; its ends beyond them."""
    points, known = table
    values = values.clamp(known[0], known[-1])
    right = torch.searchsorted(known, values.contiguous()).clamp(1, len(known) - 1)
    width = (known[right] - known[right - 1]).clamp(min=1e-300)
    share = ((values - known[right - 1]) / width).clamp(0, 1)
    return points[right - 1] + share * (points[right] - points[right - 1])
