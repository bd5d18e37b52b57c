"""MARICH's rounds: which inputs of the pool are asked, and what the attack is made of."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from mebench import Attack, AttackContext, ConfigurationError
from mebench.toolkit import HoldOut, Scene, SelectionStrategy, pool_of, round_sizes
from mebench_marich import MarichParameters, MarichSelectionParameters
from mebench_marich.learner import TrainedOn
from mebench_marich.steps import STEPS


def build(context: AttackContext, parameters: MarichParameters) -> Attack:
    """Build the attack; see ``mebench info marich``."""
    learner = TrainedOn(context, parameters)
    return Attack(strategy(context, parameters, parameters.validation, learner.hold_out), learner)


def strategy(
    context: AttackContext,
    parameters: MarichSelectionParameters,
    validation: int = 0,
    hold_out: HoldOut | None = None,
) -> SelectionStrategy:
    """Build the strategy: a random start, then in each round what a chain of steps leaves of the pool.

    Args:
        context: gives the pool and the random streams ``pool`` and ``selection``.
        parameters: of the choice.
        validation: random queries that are asked first; not beyond half the budget.
        hold_out: takes them with their answers.

    Raises:
        ConfigurationError: there is no pool, or its inputs are words, which have no gradients.
    """
    count = min(context.budget, len(pool_of(context)))
    if context.spec.discrete:
        raise ConfigurationError("marich: compares pixels and differentiates by them, which words cannot be")
    validation = min(validation, count // 2)
    rounds = round_sizes(count - validation, parameters.seed_share, parameters.rounds, parameters.growth)
    select = partial(narrowed, parameters=parameters)
    return SelectionStrategy(context, rounds, select, validation=validation, hold_out=hold_out)


def narrowed(scene: Scene, k: int, parameters: MarichSelectionParameters) -> Tensor:
    """Narrow the rows that were not asked down to k, step by step; at random without steps."""
    rows = scene.candidates
    if not parameters.steps:
        return rows[torch.randperm(len(rows), generator=scene.random)[:k]]
    for number, step in enumerate(parameters.steps, 1):
        later = len(parameters.steps) - number
        rows = STEPS[step](scene, rows, min(len(rows), round(k / parameters.kept**later)), parameters)
    return rows
