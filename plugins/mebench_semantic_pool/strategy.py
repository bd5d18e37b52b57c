"""A random order of a pool in which rows of likely classes come first."""

from __future__ import annotations

import torch
from torch import Tensor

from mebench import AttackContext, ConfigurationError
from mebench.toolkit import RandomPoolStrategy, pool_of
from mebench_semantic_pool import SemanticPoolParameters


def strategy(context: AttackContext, parameters: SemanticPoolParameters) -> RandomPoolStrategy:
    """Build the strategy; see ``mebench info semantic-pool``.

    Raises:
        ConfigurationError: the classes of the pool's inputs are not told, have other numbers than the weights, or all
            have a weight of 0.
    """
    if not parameters.weights:
        return RandomPoolStrategy(context, parameters.rounds)
    classes = pool_of(context).classes
    if classes is None:
        raise ConfigurationError(
            "semantic-pool: the classes of a pool are told where its prior is public, and it is no data of the victim's"
        )
    if len(classes) and int(classes.max()) >= len(parameters.weights):
        raise ConfigurationError(f"semantic-pool: weights: the pool has {int(classes.max()) + 1} classes or more")
    weights = class_weights(parameters)
    order = weighted_order(weights[classes], context.random.torch("pool", "cpu"))
    if not len(order):
        raise ConfigurationError("semantic-pool: weights: no input of the pool is of a class with a weight above 0")
    return RandomPoolStrategy(context, parameters.rounds, order=order)


def class_weights(parameters: SemanticPoolParameters) -> Tensor:
    """The weight of each class, (classes,) float64, none below 0.

    Raises:
        ConfigurationError: a weight is below 0.
    """
    given = torch.tensor(parameters.weights, dtype=torch.float64)
    if parameters.scaling == "none":
        if (given < 0).any():
            raise ConfigurationError("semantic-pool: weights: with scaling none, none may be below 0")
        return given
    span = given.max() - given.min()
    return (given - given.min()) / span if span > 0 else torch.ones_like(given)


def weighted_order(weights: Tensor, random: torch.Generator) -> Tensor:
    """Draw rows one after another without replacement, each time in proportion to weights (N,); never one of weight 0.

    Sorting -log(u) / w draws so (Efraimidis and Spirakis 2006).

    Returns:
        (M,) int64, M the rows with a weight above 0.
    """
    times = -torch.rand(len(weights), generator=random, dtype=torch.float64).clamp_min(1e-300).log() / weights
    return times.argsort(stable=True)[: int((weights > 0).sum())]
