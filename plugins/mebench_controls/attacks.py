"""Queries that nobody chose: a frozen generator's, and uniform noise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from mebench import Attack, AttackContext, Oracle, QueryStrategy
from mebench.toolkit import GeneratorStrategy, generator_options, make_loss, online_learner


def build_random_generator(context: AttackContext, **parameters: Any) -> Attack:
    """Build the frozen generator with an online learner; see ``mebench info random-generator``."""
    return _with_learner(context, FrozenGeneratorStrategy(context, **generator_options(parameters)), parameters)


def build_noise(context: AttackContext, **parameters: Any) -> Attack:
    """Build uniform noise with an online learner; see ``mebench info noise``."""
    return _with_learner(context, NoiseStrategy(context, parameters["batch_size"]), parameters)


def _with_learner(context: AttackContext, strategy: QueryStrategy, parameters: Mapping[str, Any]) -> Attack:
    loss = make_loss(parameters["loss"], context.channel.probability_floor, parameters["clone_logits"])
    return Attack(strategy, online_learner(context, loss, parameters))


class FrozenGeneratorStrategy(GeneratorStrategy):
    """A generator that never takes a step."""

    step_cost = 0

    def loss_gradient(self, raw: Tensor, oracle: Oracle, clone: nn.Module) -> Tensor:
        """Never called: N_G is 0."""
        raise AssertionError("a frozen generator takes no steps")


class NoiseStrategy(QueryStrategy):
    """Independent uniform values over the input range.

    Args:
        context: gives the spec, the device and the random stream ``noise``.
        batch_size: queries per proposal.
    """

    def __init__(self, context: AttackContext, batch_size: int) -> None:
        self._spec, self._device, self._batch_size = context.spec, context.device, batch_size
        self._noise = context.random.torch("noise")

    def propose(self, oracle: Oracle, clone: nn.Module) -> Tensor:
        """Return the next batch of noise."""
        shape = (min(self._batch_size, oracle.remaining), *self._spec.shape)
        unit = torch.rand(shape, generator=self._noise, device=self._device)
        return self._spec.low + unit * (self._spec.high - self._spec.low)

    def state_dict(self) -> dict[str, Any]:
        """Nothing but the random stream changes, and the trial saves that."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Nothing to restore."""
