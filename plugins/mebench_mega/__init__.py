"""MEGA: collaborative generator and clone, from labels alone (Hong, Huang and Chen 2022)."""

from __future__ import annotations

from collections.abc import Sequence

from mebench import AttackEntry, Parameter, hookimpl

GENERATOR_PARAMETERS = (
    Parameter("noise_vectors", "int", 3000, "Noise vectors in Z, M; one round asks as many queries.", minimum=1),
    Parameter(
        "noise",
        "str",
        "fixed",
        "`fixed`: the same Z in every round, as in Algorithm 1; `fresh`: a new one in each; `restart`: a new one, and "
        "a generator that starts again from new random weights before it is trained.",
        choices=("fixed", "fresh", "restart"),
        in_variant="changed",
    ),
    Parameter("noise_dim", "int", 100, "Length of a noise vector.", minimum=1),
    Parameter("generator_width", "int", 128, "Channels of the generator's first convolution.", minimum=2),
    Parameter(
        "generator_steps",
        "int",
        15,
        "Generator steps per round, none before the first; 0 freezes the generator.",
        minimum=0,
        in_variant="changed",
    ),
    Parameter("generator_batch_size", "int", 128, "Noise vectors per generator step.", minimum=1),
    Parameter("generator_lr", "float", 1e-3, "Learning rate of the generator's Adam.", minimum=0),
    Parameter(
        "brightness_lr",
        "float",
        0.0,
        "Learning rate of a scale and a shift per channel, contrast and brightness, at the end of the generator, which "
        "then learns how light its images are. 0: there is none, or none that learns.",
        minimum=0,
        in_variant="changed",
        late=True,
    ),
    Parameter(
        "brightness_spread",
        "float",
        0.0,
        "Standard deviation of that shift at the start of a generator, before the squashing to the input range.",
        minimum=0,
        in_variant="changed",
        late=True,
    ),
    Parameter(
        "balance",
        "float",
        0.0,
        "Weight of a class-balance term: minus the entropy of the clone's mean prediction over the batch, in nats. "
        "Above 0, remembered answers are also drawn so that classes come equally often. The paper has neither.",
        minimum=0,
        in_variant="changed",
    ),
)

CLONE_PARAMETERS = (
    Parameter("batch_size", "int", 128, "Answers per step of the clone.", minimum=1),
    Parameter("clone_lr", "float", 2e-3, "Learning rate of the clone's Adam.", minimum=0),
    Parameter("max_epochs", "int", 30, "Most passes over a round's answers.", minimum=1),
    Parameter("tolerance", "float", 0.01, "A fall of the mean loss by less than this is none, in nats.", minimum=0),
    Parameter("patience", "int", 1, "Passes in a row without a fall of the loss that end a round.", minimum=1),
    Parameter(
        "memory",
        "int",
        0,
        "Answers of earlier rounds that are kept, drawn at random; every pass visits at most as many of them as the "
        "round has. 0 as in Algorithm 1.",
        minimum=0,
        in_variant="changed",
    ),
    Parameter(
        "milestones",
        "floats",
        [],
        "Fractions of the budget at which both learning rates are multiplied by `lr_factor`; with `noise: restart` the "
        "generator keeps its own.",
        minimum=0,
        maximum=1,
    ),
    Parameter("lr_factor", "float", 0.3, "What learning rates are multiplied by at milestones.", minimum=0),
)


@hookimpl
def mebench_attacks() -> Sequence[AttackEntry]:
    """The attack."""
    return (
        AttackEntry(
            "mega",
            "Generator trained to make the clone confident on fixed noise; the clone fits each round's answers.",
            "mebench_mega.attack:build",
            (*GENERATOR_PARAMETERS, *CLONE_PARAMETERS),
            family="generator",
            needs=frozenset({"label"}),
            paper="Hong, Huang and Chen, MEGA: Model Stealing via Collaborative Generator-Substitute Networks, "
            "arXiv:2202.00008",
        ),
    )
