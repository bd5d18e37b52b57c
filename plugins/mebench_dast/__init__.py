"""DaST: data-free substitute training for adversarial attacks (Zhou et al. 2020)."""

from __future__ import annotations

from collections.abc import Sequence

from mebench import AttackEntry, Parameter, hookimpl

PARAMETERS = (
    Parameter(
        "program",
        "str",
        "mnist",
        "Which of the two released programs: `mnist` trains the generator; `cifar10` draws uniform noise and never "
        "steps it.",
        choices=("mnist", "cifar10"),
        in_variant="changed",
    ),
    Parameter(
        "beta",
        "float",
        0.1,
        "Weight of the squared error of probabilities beside cross-entropy with the label; without effect where the "
        "channel gives labels alone.",
        minimum=0,
        in_variant="changed",
    ),
    Parameter(
        "alpha",
        "float",
        0.2,
        "Weight of the generator's diversity loss: cross-entropy of the clone with the branch that made the image.",
        minimum=0,
        in_variant="changed",
    ),
    Parameter(
        "alpha_threshold",
        "float",
        0.1,
        "Whenever the diversity loss is at most this, it becomes the new `alpha`; 0 keeps `alpha` as it is.",
        minimum=0,
    ),
    Parameter("batch_size", "int", 500, "Queries per batch; the branches take turns in it.", minimum=1),
    Parameter("noise_dim", "int", 128, "Length of the generator's noise vector.", minimum=1),
    Parameter("generator_width", "int", 64, "Channels of the generator's shared convolutions.", minimum=1),
    Parameter("generator_lr", "float", 1e-4, "Learning rate of the generator's Adam.", minimum=0),
    Parameter("clone_lr", "float", 1e-4, "Learning rate of the clone's Adam.", minimum=0),
    Parameter("adam_beta1", "float", 0.5, "First moment's decay of both Adams.", minimum=0, maximum=0.999),
)


@hookimpl
def mebench_attacks() -> Sequence[AttackEntry]:
    """The attack."""
    return (
        AttackEntry(
            "dast",
            "Generator with a branch per class, trained through the clone alone; labels are enough.",
            "mebench_dast.attack:build",
            PARAMETERS,
            family="generator",
            needs=frozenset({"label"}),
            paper="Zhou et al., DaST: Data-free Substitute Training for Adversarial Attacks, CVPR 2020, "
            "arXiv:2003.12703",
        ),
    )
