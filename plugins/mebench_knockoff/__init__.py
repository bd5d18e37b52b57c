"""Knockoff Nets: a clone of images that a policy, random or learnt, chose from a pool."""

from __future__ import annotations

from collections.abc import Sequence

from mebench import AttackEntry, Parameter, hookimpl
from mebench.toolkit import FIT_PARAMETERS, MILESTONE_PARAMETERS, with_defaults

POLICY_PARAMETERS = (
    Parameter(
        "policy",
        "str",
        "random",
        "How images are chosen: at `random` without replacement, or by the bandit (`adaptive`).",
        choices=("random", "adaptive"),
        in_variant="always",
    ),
    Parameter(
        "rewards",
        "str",
        "certainty+diversity+loss",
        "What the adaptive policy is rewarded for.",
        choices=(
            "certainty",
            "diversity",
            "loss",
            "certainty+diversity",
            "certainty+loss",
            "diversity+loss",
            "certainty+diversity+loss",
        ),
        in_variant="changed",
    ),
    Parameter("clusters", "int", 10, "Actions of the adaptive policy: clusters of the pool.", minimum=1),
    Parameter("window", "int", 25, "Past queries that rewards are compared with, Delta in the paper.", minimum=1),
    Parameter("turn_size", "int", 8, "Queries between two steps of the adaptive policy's clone.", minimum=1),
)

LEARNER_PARAMETERS = with_defaults(
    (*FIT_PARAMETERS, *MILESTONE_PARAMETERS),
    epochs=100,
    batch_size=64,
    learning_rate=0.01,
    momentum=0.5,
    weight_decay=0.0,
    milestones=[0.6],
    lr_factor=0.1,
)


@hookimpl
def mebench_attacks() -> Sequence[AttackEntry]:
    """Knockoff Nets with both policies."""
    return (
        AttackEntry(
            "knockoff",
            "Ask images of a pool, chosen at random or by a bandit, and fit the clone on all answers once.",
            "mebench_knockoff.attack:build",
            (*POLICY_PARAMETERS, *LEARNER_PARAMETERS),
            family="pool",
            needs=frozenset({"label"}),
            paper="Orekondy et al., Knockoff Nets, CVPR 2019, arXiv:1812.02766",
        ),
    )
