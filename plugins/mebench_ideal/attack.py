"""IDEAL: a new generator, its best batch into the pool, one pass of the clone over the pool."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from mebench import Attack, AttackContext, Oracle, Response
from mebench.toolkit import (
    ContinuedFitLearner,
    RestartedGeneratorStrategy,
    StepLearner,
    augmented,
    constant_schedule,
    to_device,
)
from mebench_ideal import IdealGeneratorParameters, IdealParameters

BETAS = 0.5, 0.999
DEVIATION = 0.02


def build(context: AttackContext, parameters: IdealParameters) -> Attack:
    """Build the attack; see ``mebench info ideal``."""
    if parameters.accounting == "fair":
        return Attack(BalancedStrategy(context, parameters), PoolLearner(context, parameters))
    return Attack(AskingStrategy(context, parameters), LabelLearner(context, parameters))


class BalancedStrategy(RestartedGeneratorStrategy):
    """Batches of new generators, led to all classes alike.

    Args:
        context: of the attack.
        parameters: of the generators.
    """

    def __init__(self, context: AttackContext, parameters: IdealGeneratorParameters) -> None:
        super().__init__(context, parameters, betas=BETAS, deviation=DEVIATION)
        self._parameters = parameters

    def targets(self) -> Tensor:
        """Return the classes of a round, (B,): in turn, in the same order every time."""
        return torch.arange(self._parameters.batch_size) % self._context.spec.num_classes

    def loss(self, logits: Tensor, targets: Tensor, images: Tensor) -> Tensor:
        """Return cross-entropy to the targets less the weighted entropy, a scalar."""
        shared = self._parameters.regulariser == "paper"
        return functional.cross_entropy(logits, targets) + self._parameters.balance * negentropy(logits, shared=shared)


def negentropy(logits: Tensor, *, shared: bool) -> Tensor:
    """Return the sum of m log m over classes, with m the mean prediction of (B, c) logits, or its mean over all.

    In logarithms, since the gradient of x log x is infinite where a probability is rounded to 0.
    """
    logs = functional.log_softmax(logits, 1)
    if shared:
        logs = torch.logsumexp(logs, 0) - math.log(len(logs))
    return (logs.exp() * logs).sum(-1).mean()


class PoolLearner(ContinuedFitLearner):
    """One pass over the answers of the last rounds.

    Args:
        context, parameters: of the attack.
    """

    def __init__(self, context: AttackContext, parameters: IdealParameters) -> None:
        super().__init__(context, parameters, parameters.views)
        self._rounds_kept = parameters.rounds_kept

    def remember(self, queries: Tensor, response: Response) -> None:
        """Add answers to what is known, and forget those of old rounds."""
        super().remember(queries, response)
        self.queries, self.targets = self.queries[-self._rounds_kept :], self.targets[-self._rounds_kept :]


class AskingStrategy(BalancedStrategy):
    """Passes over the pool as the released program makes them: all images as they are then moved are asked again.

    A turn asks one batch of a pass. In round e that makes e B queries, B E (E + 1) / 2 after E rounds.

    Args:
        context: gives the random stream ``pool`` besides.
        parameters: of the attack.
    """

    def __init__(self, context: AttackContext, parameters: IdealParameters) -> None:
        super().__init__(context, parameters)
        self._asking = parameters
        self._order = context.random.torch("pool", "cpu")
        self.pool: list[Tensor] = []
        self._pass: Tensor = torch.empty(0, dtype=torch.int64)  # what of this round's passes is still to be asked

    def propose(self, oracle: Oracle, clone: nn.Module) -> Tensor:
        """Return the next batch of a pass; where it is over, make a new round's images first."""
        if not len(self._pass):
            self.pool = [*self.pool, self.best_batch(clone)][-self._asking.rounds_kept :]
            rows = sum(map(len, self.pool))
            passes = [torch.randperm(rows, generator=self._order) for _ in range(self._asking.epochs)]
            self._pass = torch.cat(passes)
        batch, self._pass = self._pass.tensor_split([self._asking.clone_batch_size])
        images = torch.cat(self.pool)[to_device(batch, self._context.device)]
        return augmented(images, self._asking.views, self._views)[: oracle.remaining]

    def state_dict(self) -> dict[str, Any]:
        """That of the base, the pool and the rest of the pass."""
        return {**super().state_dict(), "pool": list(self.pool), "pass": self._pass}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``."""
        super().load_state_dict(state)
        self.pool = [images.to(self._context.device) for images in state["pool"]]
        self._pass = state["pass"].cpu()


class LabelLearner(StepLearner):
    """One step per answered batch on cross-entropy to its labels.

    Args:
        context, parameters: of the attack.
    """

    def __init__(self, context: AttackContext, parameters: IdealParameters) -> None:
        weights, rate = context.clone.parameters(), parameters.clone_lr
        optimizer = torch.optim.SGD(weights, rate, parameters.momentum, weight_decay=parameters.weight_decay)
        super().__init__(context, optimizer, constant_schedule(rate))

    def batch_loss(self, logits: Tensor, response: Response) -> Tensor:
        """Return cross-entropy of (B, c) logits."""
        return functional.cross_entropy(logits, response.labels)
