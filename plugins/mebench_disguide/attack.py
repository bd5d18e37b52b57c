"""DisGUIDE: one generator step, one query step, three steps on earlier answers."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from mebench import Attack, AttackContext
from mebench.toolkit import DisagreementStrategy, PairLearner
from mebench_disguide import DisguideParameters

PairLoss = Callable[[Tensor, Tensor], Tensor]
SMALL = 1e-6
"""Added to every probability of which a class's share is made, as released."""


def build(context: AttackContext, parameters: DisguideParameters) -> Attack:
    """Build the attack; see ``mebench info disguide``."""
    learner = students_of(context, parameters)
    loss, grey_every = loss_of(parameters), parameters.grey_every
    return Attack(DisagreementStrategy(context, parameters, learner, loss, grey_every=grey_every), learner)


def students_of(
    context: AttackContext, parameters: DisguideParameters, *, first: nn.Module | None = None
) -> PairLearner:
    """The two students, the clone or ``first`` one of them, and what they remember."""
    kept = rows_kept(parameters, context.spec.size, context.spec.num_classes)
    return PairLearner(context, parameters, replay_steps=parameters.replay_steps, kept=kept, first=first)


def loss_of(parameters: DisguideParameters) -> PairLoss:
    """What the generator descends."""
    return partial(generator_loss, disagreement=parameters.disagreement, diversity=parameters.diversity)


def rows_kept(parameters: DisguideParameters, size: int, classes: int) -> int:
    """How many answers are kept at most, with images of ``size`` float32, a label and as many probabilities."""
    return max(1, min(parameters.ring, int(parameters.ring_gib * 2**30 / (4 * (size + classes) + 8))))


def generator_loss(first: Tensor, second: Tensor, *, disagreement: float, diversity: float) -> Tensor:
    """Return -a dis + lambda div from the (B, c) logits of both students.

    dis is the mean over images and classes of the standard deviation of two probabilities, |p - p'| / sqrt 2; div is
    minus the entropy of the classes' shares, over images and students.
    """
    shares = torch.softmax(first, 1), torch.softmax(second, 1)
    loss = -disagreement * (shares[0] - shares[1]).abs().mean() / math.sqrt(2)
    mean = (torch.cat(shares) + SMALL).mean(0)  # (c,)
    return loss + diversity * (mean * mean.log()).sum()
