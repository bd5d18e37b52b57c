"""Pool attacks: the attacker has unlabelled inputs of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mebench import AttackEntry, StrategyEntry, hookimpl
from mebench.toolkit import FitParameters, RoundsParameters


@dataclass(frozen=True)
class RandomPoolParameters(FitParameters, RoundsParameters):
    """What can be set of random queries with a clone that is fitted."""


@hookimpl
def mebench_attacks() -> Sequence[AttackEntry]:
    """The random pool, in rounds and all at once."""
    return (
        AttackEntry(
            "random-pool",
            "Ask random unlabelled inputs of a pool, and fit the clone on all answers after every round.",
            "mebench_pool.attack:build",
            RandomPoolParameters,
            family="pool",
            needs=frozenset({"label"}),
            paper="the core of Knockoff Nets' random policy (arXiv:1812.02766) and Copycat CNN (arXiv:1806.05476)",
        ),
        AttackEntry(
            "real-data",
            "Ask for the whole budget at once, of real images, and fit the clone on the answers: a reference.",
            "mebench_pool.attack:build_real_data",
            FitParameters,
            family="pool",
            needs=frozenset({"label"}),
            paper="what MEGA (arXiv:2202.00008) compares itself with in its Table 5",
        ),
    )


@hookimpl
def mebench_strategies() -> Sequence[StrategyEntry]:
    """The random pool, with any learner."""
    return (
        StrategyEntry(
            "random-pool",
            "Ask random unlabelled inputs of a pool.",
            "mebench_pool.attack:strategy",
            RoundsParameters,
            family="pool",
        ),
    )
