"""QEDG: a new generator, its unsure images, twenty passes over all answers; fifty times as many at the end."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from mebench import Attack, AttackContext, Oracle, Response
from mebench.toolkit import ContinuedFitLearner, RestartedGeneratorStrategy, augmented, evaluating
from mebench_qedg import QedgGeneratorParameters, QedgParameters

SURE = 0.95
"""What the clone's prediction must be above for an image to be mirrored for free."""
TRIES = 10
"""Generators in a row that may make nothing but sure images; then a batch is asked as it is."""


def build(context: AttackContext, parameters: QedgParameters) -> Attack:
    """Build the attack; see ``mebench info qedg``."""
    return Attack(UnsureStrategy(context, parameters), WeightedLearner(context, parameters))


class UnsureStrategy(RestartedGeneratorStrategy):
    """Batches of new generators, less the images of which the clone is sure.

    Args:
        context: of the attack.
        parameters: of the generators.
    """

    def __init__(self, context: AttackContext, parameters: QedgGeneratorParameters) -> None:
        super().__init__(context, parameters)
        self._parameters = parameters

    def loss(self, logits: Tensor, targets: Tensor, images: Tensor) -> Tensor:
        """Return cross-entropy, plus the weighted spread of predictions and likeness of images: a scalar."""
        known = self._parameters
        loss = functional.cross_entropy(logits, targets)
        loss = loss + known.spread * torch.softmax(logits, 1).std(1).mean()
        return loss + known.likeness * likeness(images, targets)

    def propose(self, oracle: Oracle, clone: nn.Module) -> Tensor:
        """Return moved images of a new generator of which the clone is not sure, as many as the budget has left."""
        for _ in range(TRIES):
            images = augmented(self.best_batch(clone), self._parameters.views, self._views)
            with torch.no_grad(), evaluating(clone):
                sure = torch.softmax(clone(images), 1).amax(1)
            unsure = images[sure <= self._parameters.most_sure]
            self._facts |= {"asked_share": sure.new_tensor(len(unsure) / len(images))}
            if len(unsure):
                return unsure[: oracle.remaining]
        return images[: oracle.remaining]


def likeness(images: Tensor, targets: Tensor) -> Tensor:
    """Return the sum of cosines over pairs of two images (B, \\*shape) of one class, by the number of images."""
    flat = functional.normalize(images.flatten(1), dim=1)
    pairs = (targets[:, None] == targets[None, :]).triu(1)
    cosines: Tensor = flat @ flat.T
    return (cosines * pairs).sum() / len(images)


class WeightedLearner(ContinuedFitLearner):
    """Many passes over all answers, in which those that the clone has wrong count more.

    Args:
        context, parameters: of the attack.
    """

    def __init__(self, context: AttackContext, parameters: QedgParameters) -> None:
        super().__init__(context, parameters, parameters.views)
        self._own, self._closing = parameters, False

    def learn(self, queries: Tensor, response: Response) -> None:
        """Add the answers to what is known and fit; after the last of them, fit on and on."""
        self._closing = response.progress >= 1
        super().learn(queries, response)

    def epochs(self, rows: int) -> int:
        """Passes in a fit: more in the last."""
        return self._own.epochs * (1 + self._own.closing_fits * self._closing)

    def batch_loss(self, queries: Tensor, targets: Tensor, rows: Tensor, done: float) -> Tensor:
        """Return the weighted mean of cross-entropies, divided by the number of answers and not of weights."""
        if self._own.free_flips:
            queries = self.flipped(queries)
        logits: Tensor = self.clone(augmented(queries, self._own.views, self._views))
        wrong = (logits.argmax(1) != targets).float()
        each = functional.cross_entropy(logits, targets, reduction="none")
        return (each * (1 + (self._own.wrong_weight - 1) * wrong)).mean()

    @torch.no_grad()
    def flipped(self, queries: Tensor) -> Tensor:
        """Mirror some of (B, C, h, w) images, left to right or upside down, if the clone is sure of them."""
        drawn = torch.rand((2, len(queries)), generator=self._views).to(queries.device)
        with evaluating(self.clone):
            sure = torch.softmax(self.clone(queries), 1).amax(1) > SURE
        chosen = sure & (drawn[0] < self._own.free_flips)
        mirrored = torch.where((drawn[1] < 0.5).view(-1, 1, 1, 1), queries.flip(3), queries.flip(2))
        return torch.where(chosen.view(-1, 1, 1, 1), mirrored, queries)
