"""Knockoff Nets: a clone of images that a policy, random or learnt, chose from a pool."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from mebench import AttackEntry, Param, hookimpl
from mebench.toolkit import FitParameters, MilestoneParameters


@dataclass(frozen=True)
class PolicyParameters:
    """What can be set of the choice of images."""

    policy: Annotated[
        Literal["random", "adaptive"],
        Param(
            "How images are chosen: at `random` without replacement, or by the bandit (`adaptive`).",
            in_variant="always",
        ),
    ] = "random"
    rewards: Annotated[
        Literal[
            "certainty",
            "diversity",
            "loss",
            "certainty+diversity",
            "certainty+loss",
            "diversity+loss",
            "certainty+diversity+loss",
        ],
        Param("What the adaptive policy is rewarded for.", in_variant="changed"),
    ] = "certainty+diversity+loss"
    clusters: Annotated[
        int, Param("Actions of the adaptive policy: clusters of the pool.", minimum=1, maximum=1_000_000)
    ] = 10
    window: Annotated[
        int, Param("Past queries that rewards are compared with, Delta in the paper.", minimum=1, maximum=1_000_000)
    ] = 25
    turn_size: Annotated[
        int, Param("Queries between two steps of the adaptive policy's clone.", minimum=1, maximum=1_000_000)
    ] = 8


@dataclass(frozen=True)
class KnockoffParameters(MilestoneParameters, FitParameters, PolicyParameters):
    """What can be set of the attack."""

    epochs: int = 100
    learning_rate: float = 0.01
    momentum: float = 0.5
    weight_decay: float = 0.0
    milestones: tuple[float, ...] = (0.6,)


@hookimpl
def mebench_attacks() -> Sequence[AttackEntry]:
    """Knockoff Nets with both policies."""
    return (
        AttackEntry(
            "knockoff",
            "Ask images of a pool, chosen at random or by a bandit, and fit the clone on all answers once.",
            "mebench_knockoff.attack:build",
            KnockoffParameters,
            family="pool",
            needs=frozenset({"label"}),
            paper="Orekondy et al., Knockoff Nets, CVPR 2019, arXiv:1812.02766",
        ),
    )
