"""MixMatch (Berthelot and others 2019) on a victim's answers."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from mebench import AttackContext
from mebench.toolkit import UnlabelledLearner, divergence
from mebench_mixmatch import MixmatchParameters

VIEWS = 2
"""Of an unlabelled input, K."""


class MixmatchLearner(UnlabelledLearner):
    """See `MixmatchParameters`.

    Args:
        context: of the attack.
        parameters: of the learner.
    """

    def __init__(self, context: AttackContext, parameters: MixmatchParameters) -> None:
        super().__init__(context, parameters)
        self._mix = parameters
        self._heat = parameters.sharpening or (1.0 if self.soft else 0.5)

    def make_optimizer(self) -> torch.optim.Optimizer:
        """Adam."""
        weights, mix = self.clone.parameters(), self._mix
        return self.watched(torch.optim.Adam(weights, mix.learning_rate, weight_decay=mix.weight_decay))

    def labelled_loss(self, queries: Tensor, told: Tensor) -> Tensor:
        """The divergence from the answers, on mixtures of views of their queries."""
        inputs, targets = self.mixed(self.view(queries, self.random), told, self.random)
        return divergence(targets, self.clone(inputs)).mean()

    def joint_loss(self, queries: Tensor, told: Tensor, done: float) -> Tensor:
        """The same, mixed with unlabelled inputs too, and the squared distance of these from their guesses."""
        inputs = self.draw(len(queries))
        views = [self.view(inputs, self.draws) for _ in range(VIEWS)]
        guesses = self.guess(views)
        mixed, targets = self.mixed(
            torch.cat([self.view(queries, self.random), *views]), torch.cat([told, *[guesses] * VIEWS]), self.draws
        )
        logits, others = self.clone(mixed).tensor_split([len(queries)])
        distance = (torch.softmax(others, 1) - targets[len(queries) :]).square().mean()
        return divergence(targets[: len(queries)], logits).mean() + self._mix.unlabelled_weight * done * distance

    def guess(self, views: list[Tensor]) -> Tensor:
        """Return the sharpened mean of what the clone says of views of the same inputs, (B, c)."""
        with torch.no_grad():
            mean = torch.stack([torch.softmax(self.clone(view), 1) for view in views]).mean(0)
        sharp = mean ** (1 / self._heat)
        return sharp / sharp.sum(1, keepdim=True)

    def mixed(self, inputs: Tensor, told: Tensor, random: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return l x + (1 - l) x' of inputs (B, \\*shape) and of (B, c), x' another row, l at least a half."""
        rows, alpha = len(inputs), self._mix.alpha
        beta = np.random.default_rng(int(torch.randint(2**62, (1,), generator=random))).beta(alpha, alpha, rows)
        other = torch.randperm(rows, generator=random).to(inputs.device)
        share = torch.from_numpy(np.maximum(beta, 1 - beta)).to(inputs)
        wide = share.view(-1, *[1] * (inputs.ndim - 1))
        return wide * inputs + (1 - wide) * inputs[other], torch.lerp(told[other], told, share.unsqueeze(1))
