"""The framework of paper 004 and its baselines: how strategy, learner and budget go together."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from mebench import Attack, AttackContext, ConfigurationError, Response
from mebench.toolkit import EarlyStoppingLearner, pool_of
from mebench_activethief.selection import SELECTIONS, Options
from mebench_activethief.spending import Spending, at_once, in_rounds
from mebench_activethief.strategy import ActiveThiefStrategy, HoldOut, UniformNoiseStrategy

SELECTION = ("strategy", "iterations", "seed_share", "space", "rho", "dfal_candidates", "deepfool_steps", "overshoot")


def build(context: AttackContext, *, validation_share: float, **parameters: Any) -> Attack:
    """Build the attack from its parameters; see ``mebench info activethief``."""
    selection = {name: parameters.pop(name) for name in SELECTION}
    learner = EarlyStoppingLearner(context, **parameters)
    return Attack(_strategy(context, learner.hold_out, validation_share, **selection), learner)


def strategy(context: AttackContext, **selection: Any) -> ActiveThiefStrategy:
    """Build the strategy alone, for any learner: the whole budget is asked to be learnt from."""
    return _strategy(context, _nothing, 0.0, **selection)


def build_full_pool(context: AttackContext, *, validation_share: float, **parameters: Any) -> Attack:
    """Build the baseline that asks the whole pool; see ``mebench info full-pool``."""
    learner = EarlyStoppingLearner(context, **parameters)
    spending = at_once(_affordable(context), validation_share=validation_share)
    return Attack(ActiveThiefStrategy(context, None, spending, _options(context), learner.hold_out), learner)


def build_uniform_noise(context: AttackContext, *, validation_share: float, **parameters: Any) -> Attack:
    """Build the baseline that asks noise; see ``mebench info uniform-noise``."""
    learner = EarlyStoppingLearner(context, **parameters)
    spending = at_once(context.budget, validation_share=validation_share)
    return Attack(UniformNoiseStrategy(context, spending, learner.hold_out), learner)


def _strategy(
    context: AttackContext,
    hold_out: HoldOut,
    validation_share: float,
    *,
    strategy: str,
    iterations: int,
    seed_share: float,
    **options: Any,
) -> ActiveThiefStrategy:
    if strategy.startswith("dfal") and not context.spec.dtype.is_floating_point:
        raise ConfigurationError(f"strategy: {strategy} moves inputs little by little, which words cannot be")
    spending = _spending(_affordable(context), strategy, validation_share, seed_share, iterations)
    return ActiveThiefStrategy(context, SELECTIONS.get(strategy), spending, _options(context, **options), hold_out)


def _spending(budget: int, strategy: str, validation_share: float, seed_share: float, iterations: int) -> Spending:
    """`random` does not look at the clone, so that the paper trains it once."""
    if strategy == "random":
        return at_once(budget, validation_share=validation_share)
    return in_rounds(budget, validation_share=validation_share, seed_share=seed_share, iterations=iterations)


def _options(
    context: AttackContext,
    space: str = "probability",
    rho: int | None = None,
    dfal_candidates: int | None = None,
    deepfool_steps: int = 50,
    overshoot: float = 0.02,
) -> Options:
    return Options(space, context.budget if rho is None else rho, dfal_candidates, deepfool_steps, overshoot)


def _affordable(context: AttackContext) -> int:
    """The budget, or the size of a pool that is smaller."""
    return min(context.budget, len(pool_of(context)))


def _nothing(queries: Tensor, response: Response) -> None:
    """Take validation answers that are never asked."""
