"""DaST: data-free substitute training for adversarial attacks (Zhou et al. 2020)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal

from mebench import AttackEntry, Param, hookimpl


@dataclass(frozen=True)
class DastParameters:
    """What can be set of the attack."""

    program: Annotated[
        Literal["mnist", "cifar10"],
        Param(
            "Which of the two released programs: `mnist` trains the generator; `cifar10` draws uniform noise and never "
            "steps it.",
            in_variant="changed",
        ),
    ] = "mnist"
    beta: Annotated[
        float,
        Param(
            "Weight of the squared error of probabilities beside cross-entropy with the label; without effect where "
            "the channel gives labels alone.",
            minimum=0,
            in_variant="changed",
        ),
    ] = 0.1
    alpha: Annotated[
        float,
        Param(
            "Weight of the generator's diversity loss: cross-entropy of the clone with the branch that made the image.",
            minimum=0,
            in_variant="changed",
        ),
    ] = 0.2
    alpha_threshold: Annotated[
        float,
        Param(
            "Whenever the diversity loss is at most this, it becomes the new `alpha`; 0 keeps `alpha` as it is.",
            minimum=0,
        ),
    ] = 0.1
    batch_size: Annotated[
        int, Param("Queries per batch; the branches take turns in it.", minimum=1, maximum=1_000_000)
    ] = 500
    noise_dim: Annotated[int, Param("Length of the generator's noise vector.", minimum=1, maximum=100_000)] = 128
    generator_width: Annotated[
        int, Param("Channels of the generator's shared convolutions.", minimum=1, maximum=100_000)
    ] = 64
    generator_lr: Annotated[float, Param("Learning rate of the generator's Adam.", minimum=0)] = 1e-4
    clone_lr: Annotated[float, Param("Learning rate of the clone's Adam.", minimum=0)] = 1e-4
    adam_beta1: Annotated[float, Param("First moment's decay of both Adams.", minimum=0, maximum=0.999)] = 0.5
    memory: Annotated[
        int,
        Param(
            "Answers of earlier batches that are kept, a uniform sample of all. Each step of the clone learns as many "
            "of them beside a batch as the batch has, drawn so that classes come equally often. 0 keeps none.",
            minimum=0,
            in_variant="changed",
            late=True,
        ),
    ] = 0

    @property
    def betas(self) -> tuple[float, float]:
        """The decays of both Adams."""
        return self.adam_beta1, 0.999


@hookimpl
def mebench_attacks() -> Sequence[AttackEntry]:
    """The attack."""
    return (
        AttackEntry(
            "dast",
            "Generator with a branch per class, trained through the clone alone; labels are enough.",
            "mebench_dast.attack:build",
            DastParameters,
            family="generator",
            needs=frozenset({"label"}),
            paper="Zhou et al., DaST: Data-free Substitute Training for Adversarial Attacks, CVPR 2020, "
            "arXiv:2003.12703",
        ),
    )
