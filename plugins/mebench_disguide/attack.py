"""DisGUIDE: one generator step, one query step, three steps on earlier answers."""

from __future__ import annotations

import math
from functools import partial

import torch
from torch import Tensor

from mebench import Attack, AttackContext
from mebench.toolkit import DisagreementStrategy, PairLearner
from mebench_disguide import DisguideParameters

SMALL = 1e-6
"""Added to every probability of which a class's share is made, as released."""


def build(context: AttackContext, parameters: DisguideParameters) -> Attack:
    """Build the attack; see ``mebench info disguide``."""
    kept = rows_kept(parameters, context.spec.size, context.spec.num_classes)
    learner = PairLearner(context, parameters, replay_steps=parameters.replay_steps, kept=kept)
    loss = partial(generator_loss, disagreement=parameters.disagreement, diversity=parameters.diversity)
    strategy = DisagreementStrategy(context, parameters, learner, loss, grey_every=parameters.grey_every)
    return Attack(strategy, learner)


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
