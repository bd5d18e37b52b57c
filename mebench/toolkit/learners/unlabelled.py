"""A learner that fits the clone on all answers so far, beside inputs of the attacker's pool that were never asked."""

from __future__ import annotations

import hashlib
import math
from abc import abstractmethod
from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional

from mebench.api.contract import AttackContext, Response
from mebench.api.errors import ConfigurationError
from mebench.models.augmentation import augmented
from mebench.toolkit.learners.averages import moving_average
from mebench.toolkit.learners.fit import FitLearner
from mebench.toolkit.parameters import UnlabelledParameters
from mebench.toolkit.schedules import Schedule
from mebench.toolkit.strategies.pool import pool_batches, pool_of
from mebench.toolkit.transforms import erased

SHIFT = 2
"""Pixels, of views."""


class UnlabelledLearner(FitLearner):
    r"""A fit of so many steps, on views of all answers and of unlabelled inputs; a subclass says what is descended.

    What is learnt of an answer is a distribution over the classes: the victim's probabilities, of which 0 counts as
    the channel's floor, or all of it on the label. Unlabelled inputs are the rows of the pool that were never learnt
    from, or, once all have been, any. They are never asked. Since version 1.8.

    Args:
        context: gives the clone, the pool, and the random streams ``learner`` and ``unlabelled``.
        parameters: of the fit.
        schedule: from the fraction of a fit to what its learning rate is multiplied by; half a cosine to 0 without.

    Attributes:
        soft: whether answers hold probabilities.
        draws: the stream ``unlabelled``, from which all is drawn that a fit without unlabelled inputs would not draw.

    Raises:
        ConfigurationError: there is no pool, or its inputs are words.
    """

    def __init__(
        self, context: AttackContext, parameters: UnlabelledParameters, *, schedule: Schedule | None = None
    ) -> None:
        super().__init__(context, schedule=schedule, batch_size=parameters.batch_size)
        if context.pool is None:
            raise ConfigurationError(
                "a learner from unlabelled inputs takes them from a pool: give the run a `pool:`, and a strategy that "
                "chooses from it, such as random-pool; one that makes its queries is given none"
            )
        self._pool, self._settings = pool_of(context), parameters
        if not context.spec.dtype.is_floating_point:
            raise ConfigurationError("a learner from unlabelled inputs shifts images, which words cannot be")
        self._device, self._classes = context.device, context.spec.num_classes
        self._floor = max(context.channel.probability_floor, torch.finfo(torch.float32).tiny)
        self.soft = "probability" in context.channel.gives
        self.draws = context.random.torch("unlabelled", "cpu")
        self._rest = torch.empty(0, dtype=torch.int64)

    @abstractmethod
    def labelled_loss(self, queries: Tensor, told: Tensor) -> Tensor:
        r"""Return the scalar that a step descends where nothing is unlabelled, of (b, \*shape) and (b, c)."""

    @abstractmethod
    def joint_loss(self, queries: Tensor, told: Tensor, done: float) -> Tensor:
        """Return what a step descends with unlabelled inputs, of which `draw` gives some; as `labelled_loss`."""

    def batch_loss(self, queries: Tensor, targets: Tensor, rows: Tensor, done: float) -> Tensor:
        """Return the one or the other; without a weight on unlabelled inputs, none are drawn."""
        if self._settings.unlabelled_weight:
            return self.joint_loss(queries, targets, done)
        return self.labelled_loss(queries, targets)

    def draw(self, count: int) -> Tensor:
        r"""Return so many unlabelled inputs, (count, \*shape), each drawn at random."""
        chosen = torch.randint(len(self._rest), (count,), generator=self.draws)
        return self._pool.inputs(self._rest[chosen]).to(self._device)

    def view(self, images: Tensor, random: torch.Generator) -> Tensor:
        """Return images as they are learnt: shifted, mirrored, with a hole, as ``views`` says."""
        views = self._settings.views
        if views == "crop-flip-erase":
            return erased(augmented(images, "crop-flip", random, padding=SHIFT), random)
        return augmented(images, views, random, padding=SHIFT)

    def refit(self) -> None:
        """Find out what of the pool is unlabelled, and fit anew."""
        self._rest = self._unlabelled()
        super().refit()
        if self._settings.scored == "average":
            self.clone.load_state_dict(self._average.module.state_dict())

    def _unlabelled(self) -> Tensor:
        known = set(_keys(torch.cat(self.queries)))
        fresh = []
        for images in pool_batches(self._pool, torch.arange(len(self._pool)), torch.device("cpu")):
            fresh += [key not in known for key in _keys(images)]
        rest = torch.tensor(fresh).nonzero().view(-1)
        return rest if len(rest) else torch.arange(len(self._pool))

    def epochs(self, rows: int) -> int:
        """Passes over so many answers, for the number of steps."""
        return max(1, round(self._settings.steps / math.ceil(rows / self.batch_size(rows))))

    def target(self, response: Response) -> Tensor:
        """The distribution that is learnt of each answer, (B, c)."""
        if response.probabilities is None:
            return functional.one_hot(response.labels, self._classes).float()
        told = response.probabilities.clamp_min(self._floor)
        return told / told.sum(1, keepdim=True)

    def watched(self, optimizer: torch.optim.Optimizer) -> torch.optim.Optimizer:
        """Let the moving average follow an optimiser's steps, if it is what is scored; return the optimiser."""
        if self._settings.scored == "average":
            self._average = moving_average(self.clone, optimizer)
        return optimizer


def divergence(told: Tensor, logits: Tensor) -> Tensor:
    """Return KL(told || softmax(logits)) of each row, (B,); cross-entropy where a distribution is all on one class."""
    return functional.kl_div(functional.log_softmax(logits, 1), told, reduction="none").sum(1)


def _keys(images: Tensor) -> Iterator[bytes]:
    """What tells images apart: a digest of their bytes."""
    for image in images.cpu().contiguous():
        yield hashlib.blake2b(image.numpy().tobytes(), digest_size=16).digest()
