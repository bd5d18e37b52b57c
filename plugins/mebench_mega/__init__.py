"""MEGA: collaborative generator and clone, from labels alone (Hong, Huang and Chen 2022)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from mebench import AttackEntry, Param, hookimpl


@dataclass(frozen=True)
class MegaParameters:
    """What can be set of the attack: of generator and queries, then of the clone."""

    noise_vectors: Annotated[
        int, Param("Noise vectors in Z, M; one round asks as many queries.", minimum=1, maximum=1_000_000)
    ] = 3000
    noise: Annotated[
        Literal["fixed", "fresh", "restart"],
        Param(
            "`fixed`: the same Z in every round, as in Algorithm 1; `fresh`: a new one in each; `restart`: a new one, "
            "and a generator that starts again from new random weights before it is trained.",
            in_variant="changed",
        ),
    ] = "fixed"
    noise_dim: Annotated[int, Param("Length of a noise vector.", minimum=1, maximum=100_000)] = 100
    generator_width: Annotated[
        int, Param("Channels of the generator's first convolution.", minimum=2, maximum=100_000)
    ] = 128
    generator_steps: Annotated[
        int,
        Param(
            "Generator steps per round, none before the first; 0 freezes the generator.",
            minimum=0,
            maximum=1_000_000,
            in_variant="changed",
        ),
    ] = 15
    generator_batch_size: Annotated[int, Param("Noise vectors per generator step.", minimum=1, maximum=1_000_000)] = 128
    generator_lr: Annotated[float, Param("Learning rate of the generator's Adam.", minimum=0)] = 1e-3
    brightness_lr: Annotated[
        float,
        Param(
            "Learning rate of a scale and a shift per channel, contrast and brightness, at the end of the generator, "
            "which then learns how light its images are. 0: there is none, or none that learns.",
            minimum=0,
            in_variant="changed",
            late=True,
        ),
    ] = 0.0
    brightness_spread: Annotated[
        float,
        Param(
            "Standard deviation of that shift at the start of a generator, before the squashing to the input range.",
            minimum=0,
            in_variant="changed",
            late=True,
        ),
    ] = 0.0
    balance: Annotated[
        float,
        Param(
            "Weight of a class-balance term: minus the entropy of the clone's mean prediction over the batch, in nats. "
            "Above 0, remembered answers are also drawn so that classes come equally often. The paper has neither.",
            minimum=0,
            in_variant="changed",
        ),
    ] = 0.0
    batch_size: Annotated[int, Param("Answers per step of the clone.", minimum=1, maximum=1_000_000)] = 128
    clone_lr: Annotated[float, Param("Learning rate of the clone's Adam.", minimum=0)] = 2e-3
    max_epochs: Annotated[int, Param("Most passes over a round's answers.", minimum=1, maximum=1_000_000)] = 30
    tolerance: Annotated[float, Param("A fall of the mean loss by less than this is none, in nats.", minimum=0)] = 0.01
    patience: Annotated[
        int, Param("Passes in a row without a fall of the loss that end a round.", minimum=1, maximum=1_000_000)
    ] = 1
    memory: Annotated[
        int,
        Param(
            "Answers of earlier rounds that are kept, drawn at random; every pass visits at most as many of them as "
            "the round has. 0 as in Algorithm 1.",
            minimum=0,
            in_variant="changed",
        ),
    ] = 0
    milestones: Annotated[
        tuple[float, ...],
        Param(
            "Fractions of the budget at which both learning rates are multiplied by `lr_factor`; with `noise: restart` "
            "the generator keeps its own.",
            minimum=0,
            maximum=1,
        ),
    ] = ()
    lr_factor: Annotated[float, Param("What learning rates are multiplied by at milestones.", minimum=0)] = 0.3


@hookimpl
def mebench_attacks() -> Sequence[AttackEntry]:
    """The attack."""
    return (
        AttackEntry(
            "mega",
            "Generator trained to make the clone confident on fixed noise; the clone fits each round's answers.",
            "mebench_mega.attack:build",
            MegaParameters,
            family="generator",
            needs=frozenset({"label"}),
            paper="Hong, Huang and Chen, MEGA: Model Stealing via Collaborative Generator-Substitute Networks, "
            "arXiv:2202.00008",
        ),
    )
