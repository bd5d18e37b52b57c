"""MAZE: data-free model stealing by zeroth-order gradients and experience replay (Kariyappa et al. 2021)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from mebench import AttackEntry, Param, hookimpl


@dataclass(frozen=True)
class MazeParameters:
    """What can be set of the attack."""

    batch_size: Annotated[int, Param("Queries per batch, B.", minimum=1, maximum=1_000_000)] = 128
    generator_steps: Annotated[int, Param("Generator steps per iteration, N_G.", minimum=1, maximum=1_000_000)] = 1
    clone_steps: Annotated[
        int,
        Param(
            "Clone batches per iteration, N_C; the first is the generator step's own and costs nothing.",
            minimum=2,
            maximum=1_000_000,
        ),
    ] = 5
    replay_steps: Annotated[
        int,
        Param(
            "Steps of the clone on stored batches per iteration, N_R; 0 stores nothing.",
            minimum=0,
            maximum=1_000_000,
            in_variant="changed",
        ),
    ] = 10
    replay_size: Annotated[
        int,
        Param(
            "Most images in the store, a uniform sample of all that entered it; the released program keeps all.",
            minimum=1,
        ),
    ] = 10_000
    directions: Annotated[int, Param("Random directions m per gradient estimate.", minimum=1, maximum=1_000_000)] = 10
    step_size: Annotated[float, Param("Forward-difference step mu, before the tanh.", minimum=1e-8)] = 1e-3
    generator_lr: Annotated[
        float,
        Param(
            "Initial learning rate of the generator's SGD: 1e-4 in the released parser, 1e-3 in its README's example.",
            minimum=0,
        ),
    ] = 1e-4
    clone_lr: Annotated[float, Param("Initial learning rate of the clone's SGD.", minimum=0)] = 0.1
    momentum: Annotated[float, Param("Momentum of both SGDs.", minimum=0, maximum=1)] = 0.9
    weight_decay: Annotated[float, Param("Weight decay of both SGDs.", minimum=0)] = 5e-4
    noise_dim: Annotated[int, Param("Length of the generator's noise vector.", minimum=1, maximum=100_000)] = 100
    generator_width: Annotated[
        int, Param("Channels of the generator's first convolution.", minimum=2, maximum=100_000)
    ] = 128

    @property
    def fresh_batches(self) -> int:
        """Batches per iteration that are asked for the clone alone, N_C - 1."""
        return self.clone_steps - 1


@hookimpl
def mebench_attacks() -> Sequence[AttackEntry]:
    """The attack."""
    return (
        AttackEntry(
            "maze",
            "Generator trained by zeroth-order gradients over ten directions; the clone replays past batches.",
            "mebench_maze.attack:build",
            MazeParameters,
            family="generator",
            needs=frozenset({"probability"}),
            float32=True,
            paper="Kariyappa, Prakash and Qureshi, MAZE: Data-Free Model Stealing Attack Using Zeroth-Order Gradient "
            "Estimation, CVPR 2021, arXiv:2005.03161",
        ),
    )
