"""FixMatch (Sohn and others 2020) on a victim's answers: a guess from a weak view is the target of a strong one."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from mebench import AttackContext
from mebench.toolkit import UnlabelledLearner, divergence, erased, transformed
from mebench_fixmatch import FixmatchParameters

KINDS = {"affine": ("rotation", "scale", "shift"), "light": ("brightness", "contrast")}


def course(done: float) -> float:
    """What the learning rate is multiplied by: 7/16 of a cosine's half period."""
    return math.cos(7 / 16 * math.pi * done)


class FixmatchLearner(UnlabelledLearner):
    """See `FixmatchParameters`.

    Args:
        context: of the attack.
        parameters: of the learner.
    """

    def __init__(self, context: AttackContext, parameters: FixmatchParameters) -> None:
        super().__init__(context, parameters, schedule=course)
        self._match = parameters
        self._kinds = [kind for one in parameters.strong for kind in KINDS.get(one, ())]

    def make_optimizer(self) -> torch.optim.Optimizer:
        """SGD with Nesterov's momentum."""
        match = self._match
        rate, momentum, decay = match.learning_rate, match.momentum, match.weight_decay
        weights = self.clone.parameters()
        return self.watched(torch.optim.SGD(weights, rate, momentum, weight_decay=decay, nesterov=momentum > 0))

    def labelled_loss(self, queries: Tensor, told: Tensor) -> Tensor:
        """The divergence from the answers, on weak views of their queries."""
        return divergence(told, self.clone(self.view(queries, self.random))).mean()

    def joint_loss(self, queries: Tensor, told: Tensor, done: float) -> Tensor:
        """The same, and that of strong views from what the clone says of weak ones, where it is sure."""
        inputs = self.draw(round(self._match.ratio * len(queries)))
        with torch.no_grad():
            guesses = torch.softmax(self.clone(self.view(inputs, self.draws)), 1)
        both = torch.cat([self.view(queries, self.random), self.strong_view(inputs)])
        logits, others = self.clone(both).tensor_split([len(queries)])
        sure = guesses.amax(1) >= self._match.threshold
        unlabelled = (divergence(self.believed(guesses), others) * sure).sum() / max(len(inputs), 1)
        return divergence(told, logits).mean() + self._match.unlabelled_weight * unlabelled

    def believed(self, guesses: Tensor) -> Tensor:
        """What is learnt of a guess, (B, c): all of it where answers are probabilities, else its class."""
        return guesses if self.soft else functional.one_hot(guesses.argmax(1), guesses.shape[1]).to(guesses)

    def strong_view(self, images: Tensor) -> Tensor:
        """Return weak views that are changed further."""
        changed = self.view(images, self.draws)
        if self._kinds:
            changed = transformed(changed, self.draws, self._kinds)
        return erased(changed, self.draws) if "erase" in self._match.strong else changed
