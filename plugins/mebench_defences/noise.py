"""Noise on answers, and GRAD^2's baseline, a random wrong class."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from mebench import AnswerDefence, OwnersContext
from mebench_defences.draws import Draws, DrawsAtHome, standard
from mebench_defences.parameters import NoiseParameters, RandomClassParameters
from mebench_defences.rows import Mechanism, scaled_to


class Noise(AnswerDefence):
    """clip(y + s n, 0), or softmax(log y + s n), scaled to the sum that the row had.

    A row of which nothing is left becomes equal in all classes.

    Args:
        context: gives key, spec and streams.
        parameters: scale s, distribution of n, what it is added to, and how it is drawn.
    """

    def __init__(self, context: OwnersContext, parameters: NoiseParameters) -> None:
        self._parameters = parameters
        self.randomness = parameters.drawn
        self._draws = Draws(context, parameters.drawn, "noise")

    def perturb(self, queries: Tensor, probabilities: Tensor) -> Tensor:
        """Return noisy rows (B, c)."""
        return self._noisy(probabilities, self._draws.uniform(queries, probabilities.shape[1]))

    def mechanism(self) -> Mechanism:
        """The same with noise of one's own."""
        draws = DrawsAtHome("noise")
        return lambda rows: self._noisy(rows, draws.uniform(rows, rows.shape[1]))

    def _noisy(self, rows: Tensor, uniform: Tensor) -> Tensor:
        noise = self._parameters.scale * standard(uniform, self._parameters.distribution)
        if self._parameters.on == "probability":
            noisy = (rows + noise).clamp(min=0)
        else:  # zeros stay zeros
            logits = rows.double().log() + noise
            noisy = (logits - logits.max(1, keepdim=True).values.nan_to_num(neginf=0.0)).exp()
        return scaled_to(noisy, rows.sum(1, dtype=torch.float64)).to(rows.dtype)


class RandomClass(AnswerDefence):
    """(1 - eps/2) y + (eps/2) e_r, with r one of the classes that are not the most probable; L1 is eps (1 - y_r).

    Args:
        context: gives key, spec and streams.
        parameters: eps, and how r is drawn.
    """

    def __init__(self, context: OwnersContext, parameters: RandomClassParameters) -> None:
        self._share = parameters.epsilon / 2
        self.randomness = parameters.drawn
        self._draws = Draws(context, parameters.drawn, "random class")

    def perturb(self, queries: Tensor, probabilities: Tensor) -> Tensor:
        """Return rows (B, c) with mass moved to a random class."""
        return self._moved(probabilities, self._draws.uniform(queries, 1))

    def mechanism(self) -> Mechanism:
        """The same with classes of one's own."""
        draws = DrawsAtHome("random class")
        return lambda rows: self._moved(rows, draws.uniform(rows, 1))

    def _moved(self, rows: Tensor, uniform: Tensor) -> Tensor:
        wrong = F.one_hot(another_class(rows.argmax(1), uniform[:, 0], rows.shape[1]), rows.shape[1])
        moved = (1 - self._share) * rows + self._share * rows.sum(1, keepdim=True) * wrong
        return moved.to(rows.dtype)


def another_class(labels: Tensor, uniform: Tensor, classes: int) -> Tensor:
    """Return for each of (B,) labels another class, all others alike, by (B,) uniform draws."""
    drawn = (uniform * (classes - 1)).long().clamp(max=classes - 2)
    return drawn + (drawn >= labels)
