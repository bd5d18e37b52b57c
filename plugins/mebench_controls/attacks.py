"""Queries that nobody chose: of a generator that stays as it is or changes at random, and uniform noise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from mebench import Attack, AttackContext, Oracle, QueryStrategy
from mebench.toolkit import (
    ExtractionLoss,
    FrozenGeneratorParameters,
    FrozenGeneratorStrategy,
    GeneratorStrategy,
    OnlineLearner,
    extraction_loss,
    uniform_inputs,
)
from mebench_controls import (
    NoiseAttackParameters,
    NoiseParameters,
    RandomGeneratorParameters,
    WanderingGeneratorParameters,
)


def build_random_generator(context: AttackContext, parameters: RandomGeneratorParameters) -> Attack:
    """Build the frozen generator with an online learner; see ``mebench info random-generator``."""
    learner = OnlineLearner(context, extraction_loss(context, parameters), parameters)
    return Attack(FrozenGeneratorStrategy(context, parameters), learner)


def build_wandering_generator(context: AttackContext, parameters: WanderingGeneratorParameters) -> Attack:
    """Build the generator that takes random steps with an online learner; see ``mebench info wandering-generator``."""
    loss = extraction_loss(context, parameters)
    return Attack(WanderingGeneratorStrategy(context, loss, parameters), OnlineLearner(context, loss, parameters))


def random_generator(context: AttackContext, parameters: FrozenGeneratorParameters) -> FrozenGeneratorStrategy:
    """Build the frozen generator alone, for any learner."""
    return FrozenGeneratorStrategy(context, parameters)


def build_noise(context: AttackContext, parameters: NoiseAttackParameters) -> Attack:
    """Build uniform noise with an online learner; see ``mebench info noise``."""
    learner = OnlineLearner(context, extraction_loss(context, parameters), parameters)
    return Attack(NoiseStrategy(context, parameters), learner)


class WanderingGeneratorStrategy(GeneratorStrategy):
    """Generator steps along noise, as many as a generator attack takes; none costs a query.

    Args:
        context: as of every generator, with the random stream ``directions``.
        loss, parameters: of `GeneratorStrategy`; the loss is the learner's alone.
    """

    step_cost = 0

    def __init__(self, context: AttackContext, loss: ExtractionLoss, parameters: WanderingGeneratorParameters) -> None:
        super().__init__(context, loss, parameters, parameters.schedule(parameters.generator_lr))
        self._stream = context.random.torch("directions")

    def loss_gradient(self, raw: Tensor, oracle: Oracle, clone: nn.Module) -> Tensor:
        """Return standard normal noise in place of d L / d raw, (B, \\*shape); nobody is asked."""
        return torch.randn(raw.shape, generator=self._stream, device=raw.device)

    def last_gradient_step(self) -> None:
        """There is no gradient to be judged."""
        return


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
