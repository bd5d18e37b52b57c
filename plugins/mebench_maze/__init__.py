"""MAZE: data-free model stealing by zeroth-order gradients and experience replay (Kariyappa et al. 2021)."""

from __future__ import annotations

from collections.abc import Sequence

from mebench import AttackEntry, Parameter, hookimpl

PARAMETERS = (
    Parameter("batch_size", "int", 128, "Queries per batch, B.", minimum=1),
    Parameter("generator_steps", "int", 1, "Generator steps per iteration, N_G.", minimum=1),
    Parameter(
        "clone_steps",
        "int",
        5,
        "Clone batches per iteration, N_C; the first is the generator step's own and costs nothing.",
        minimum=2,
    ),
    Parameter(
        "replay_steps",
        "int",
        10,
        "Steps of the clone on stored batches per iteration, N_R; 0 stores nothing.",
        minimum=0,
        in_variant="changed",
    ),
    Parameter(
        "replay_size",
        "int",
        10_000,
        "Most images in the store, a uniform sample of all that entered it; the released program keeps all.",
        minimum=1,
    ),
    Parameter("directions", "int", 10, "Random directions m per gradient estimate.", minimum=1),
    Parameter("step_size", "float", 1e-3, "Forward-difference step mu, before the tanh.", minimum=1e-8),
    Parameter(
        "generator_lr",
        "float",
        1e-4,
        "Initial learning rate of the generator's SGD: 1e-4 in the released parser, 1e-3 in its README's example.",
        minimum=0,
    ),
    Parameter("clone_lr", "float", 0.1, "Initial learning rate of the clone's SGD.", minimum=0),
    Parameter("momentum", "float", 0.9, "Momentum of both SGDs.", minimum=0, maximum=1),
    Parameter("weight_decay", "float", 5e-4, "Weight decay of both SGDs.", minimum=0),
    Parameter("noise_dim", "int", 100, "Length of the generator's noise vector.", minimum=1),
    Parameter("generator_width", "int", 128, "Channels of the generator's first convolution.", minimum=2),
)


@hookimpl
def mebench_attacks() -> Sequence[AttackEntry]:
    """The attack."""
    return (
        AttackEntry(
            "maze",
            "Generator trained by zeroth-order gradients over ten directions; the clone replays past batches.",
            "mebench_maze.attack:build",
            PARAMETERS,
            family="generator",
            needs=frozenset({"probability"}),
            float32=True,
            paper="Kariyappa, Prakash and Qureshi, MAZE: Data-Free Model Stealing Attack Using Zeroth-Order Gradient "
            "Estimation, CVPR 2021, arXiv:2005.03161",
        ),
    )
