"""Pool attacks: the attacker has unlabelled inputs of its own."""

from __future__ import annotations

from collections.abc import Sequence

from mebench.hookspecs import hookimpl
from mebench.registry import AttackEntry, Parameter


@hookimpl
def mebench_attacks() -> Sequence[AttackEntry]:
    """The random pool."""
    return (
        AttackEntry(
            "random-pool",
            "Ask random unlabelled inputs of a pool, and fit the clone on all answers after every round.",
            "mebench_pool.attack:build",
            (
                Parameter("rounds", "int", 5, "In how many rounds the budget is spent.", minimum=1),
                Parameter("epochs", "int", 60, "Passes over all answers per fit.", minimum=1),
                Parameter("batch_size", "int", 64, "Answers per step of the clone.", minimum=1),
                Parameter("optimizer", "str", "sgd", "Of the clone.", choices=("sgd", "adam"), in_variant="changed"),
                Parameter("learning_rate", "float", 0.02, "Of the clone; cosine down to 0 per fit.", minimum=0),
                Parameter("momentum", "float", 0.9, "Of SGD.", minimum=0, maximum=1),
                Parameter("weight_decay", "float", 5e-4, "Of the clone's optimiser.", minimum=0),
            ),
            family="pool",
            needs=frozenset({"label"}),
            paper="the core of Knockoff Nets' random policy (arXiv:1812.02766) and Copycat CNN (arXiv:1806.05476)",
        ),
    )
