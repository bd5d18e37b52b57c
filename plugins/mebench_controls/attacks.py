"""Queries that nobody chose: a frozen generator's, and uniform noise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from mebench import Attack, AttackContext, Oracle, QueryStrategy
from mebench.toolkit import FrozenGeneratorStrategy, OnlineLearner, extraction_loss, uniform_inputs
from mebench_controls import NoiseAttackParameters, NoiseParameters, RandomGeneratorParameters


def build_random_generator(context: AttackContext, parameters: RandomGeneratorParameters) -> Attack:
    """Build the frozen generator with an online learner; see ``mebench info random-generator``."""
    learner = OnlineLearner(context, extraction_loss(context, parameters), parameters)
    return Attack(FrozenGeneratorStrategy(context, parameters), learner)


def build_noise(context: AttackContext, parameters: NoiseAttackParameters) -> Attack:
    """Build uniform noise with an online learner; see ``mebench info noise``."""
    learner = OnlineLearner(context, extraction_loss(context, parameters), parameters)
    return Attack(NoiseStrategy(context, parameters), learner)


class NoiseStrategy(QueryStrategy):
    """Independent uniform values over the input range.

    Args:
        context: gives the spec, the device and the random stream ``noise``.
        parameters: how many queries a proposal has.
    """

    def __init__(self, context: AttackContext, parameters: NoiseParameters) -> None:
        self._context, self._batch_size = context, parameters.batch_size
        self._noise = context.random.torch("noise")

    def propose(self, oracle: Oracle, clone: nn.Module) -> Tensor:
        """Return the next batch of noise."""
        return uniform_inputs(self._context, min(self._batch_size, oracle.remaining), self._noise)

    def state_dict(self) -> dict[str, Any]:
        """Nothing but the random stream changes, and the trial saves that."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Nothing to restore."""
