"""Copycat CNN: a clone of the labels that the victim gives to unlabelled images."""

from __future__ import annotations

from collections.abc import Sequence

from mebench import AttackEntry, hookimpl
from mebench.toolkit import FIT_PARAMETERS, MILESTONE_PARAMETERS, with_defaults


@hookimpl
def mebench_attacks() -> Sequence[AttackEntry]:
    """Copycat."""
    return (
        AttackEntry(
            "copycat",
            "Ask random images of a pool, and fit the clone on their labels once, whatever else is answered.",
            "mebench_copycat.attack:build",
            with_defaults(
                (*FIT_PARAMETERS, *MILESTONE_PARAMETERS),
                epochs=10,
                batch_size=32,
                learning_rate=1e-4,
                momentum=0.9,
                weight_decay=0.0,
            ),
            family="pool",
            needs=frozenset({"label"}),
            paper="Correia-Silva et al., Copycat CNN, IJCNN 2018, arXiv:1806.05476",
        ),
    )
