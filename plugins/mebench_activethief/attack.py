"""The framework of Pal and others (2019) and its baselines: how strategy, learner and budget go together."""

from __future__ import annotations

from dataclasses import replace

from mebench import Attack, AttackContext, ConfigurationError
from mebench.toolkit import EarlyStoppingLearner, HoldOut, SelectionStrategy, pool_of
from mebench_activethief import ActiveThiefParameters, BaselineParameters, SelectionParameters
from mebench_activethief.selection import SELECTIONS
from mebench_activethief.spending import Spending, at_once, in_rounds
from mebench_activethief.uniform_noise import UniformNoiseStrategy


def build(context: AttackContext, parameters: ActiveThiefParameters) -> Attack:
    """Build the attack; see ``mebench info activethief``."""
    learner = EarlyStoppingLearner(context, parameters)
    return Attack(_strategy(context, parameters, parameters.validation_share, learner.hold_out), learner)


def strategy(context: AttackContext, parameters: SelectionParameters) -> SelectionStrategy:
    """Build the strategy alone, for any learner: the whole budget is asked to be learnt from."""
    return _strategy(context, parameters, 0.0)


def build_full_pool(context: AttackContext, parameters: BaselineParameters) -> Attack:
    """Build the baseline that asks the whole pool; see ``mebench info full-pool``."""
    learner = EarlyStoppingLearner(context, parameters)
    spending = at_once(_affordable(context), validation_share=parameters.validation_share)
    rounds, validation = spending.rounds, spending.validation
    return Attack(SelectionStrategy(context, rounds, validation=validation, hold_out=learner.hold_out), learner)


def build_uniform_noise(context: AttackContext, parameters: BaselineParameters) -> Attack:
    """Build the baseline that asks noise; see ``mebench info uniform-noise``."""
    learner = EarlyStoppingLearner(context, parameters)
    spending = at_once(context.budget, validation_share=parameters.validation_share)
    return Attack(UniformNoiseStrategy(context, spending, learner.hold_out), learner)


def _strategy(
    context: AttackContext,
    parameters: SelectionParameters,
    validation_share: float,
    hold_out: HoldOut | None = None,
) -> SelectionStrategy:
    """Algorithm 1: validation queries, a random seed, and rounds of subset selection."""
    chosen = parameters.strategy
    if chosen.startswith("dfal") and not context.spec.dtype.is_floating_point:
        raise ConfigurationError(f"strategy: {chosen} moves inputs little by little, which words cannot be")
    spending = _spending(_affordable(context), parameters, validation_share)
    known = replace(parameters, rho=parameters.rho or context.budget)
    select = SELECTIONS.get(chosen)
    return SelectionStrategy(
        context,
        spending.rounds,
        None if select is None else lambda scene, k: select(scene, k, known),
        validation=spending.validation,
        hold_out=hold_out,
    )


def _spending(budget: int, parameters: SelectionParameters, validation_share: float) -> Spending:
    """`random` does not look at the clone, so that the paper trains it once."""
    if parameters.strategy == "random":
        return at_once(budget, validation_share=validation_share)
    return in_rounds(
        budget,
        validation_share=validation_share,
        seed_share=parameters.seed_share,
        iterations=parameters.iterations,
    )


def _affordable(context: AttackContext) -> int:
    """The budget, or the size of a pool that is smaller."""
    return min(context.budget, len(pool_of(context)))
