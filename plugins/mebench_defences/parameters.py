"""What can be set of the defences. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from mebench import Param

Distribution = Literal["gaussian", "laplace", "uniform"]
Drawn = Literal["keyed", "fresh"]
_DRAWN = (
    "`keyed`: drawn of the owner's key and the query's wire form, so that a repeat gets the same; "
    "`fresh`: drawn anew for each answer."
)


@dataclass(frozen=True)
class TopKParameters:
    """How many classes are told."""

    k: Annotated[int, Param("Classes whose probabilities are told.", minimum=1, in_variant="always")] = 3
    renormalise: Annotated[
        bool, Param("Whether what is told sums to 1; otherwise to what it was.", in_variant="changed")
    ] = False


@dataclass(frozen=True)
class RoundingParameters:
    """How exactly it is told."""

    decimals: Annotated[
        int, Param("Decimals that are told (ModelGuard: 1).", minimum=0, maximum=12, in_variant="always")
    ] = 1


@dataclass(frozen=True)
class HighConfidenceParameters:
    """What is told at all."""

    threshold: Annotated[
        float,
        Param("Probabilities below this are told as 0 (ART: 0.25).", minimum=0, maximum=1, in_variant="changed"),
    ] = 0.25


@dataclass(frozen=True)
class TemperatureParameters:
    """How soft answers become."""

    temperature: Annotated[
        float,
        Param("T of y^(1/T) / sum: above 1 for softer answers.", minimum=0.01, maximum=1000, in_variant="always"),
    ] = 4.0


@dataclass(frozen=True)
class DrawnParameters:
    """What noise depends on."""

    drawn: Annotated[Drawn, Param(_DRAWN, in_variant="changed")] = "keyed"


@dataclass(frozen=True)
class NoiseParameters(DrawnParameters):
    """What can be set of noise on answers."""

    scale: Annotated[
        float,
        Param("Factor of a standard draw, s (ART: 0.2).", minimum=0, maximum=1000, in_variant="always"),
    ] = 0.2
    distribution: Annotated[
        Distribution,
        Param("Of which noise is drawn: N(0, 1), Laplace with scale 1, or uniform on [-1, 1].", in_variant="changed"),
    ] = "gaussian"
    on: Annotated[Literal["probability", "logit"], Param("What the noise is added to.", in_variant="changed")] = (
        "probability"
    )


@dataclass(frozen=True)
class BudgetParameters:
    """How far an answer may be from the victim's."""

    epsilon: Annotated[
        float,
        Param("L1 distance by which an answer may differ.", minimum=0, maximum=2, in_variant="always"),
    ] = 1.0


@dataclass(frozen=True)
class RandomClassParameters(BudgetParameters, DrawnParameters):
    """What can be set of a random wrong class."""


@dataclass(frozen=True)
class ReverseSigmoidParameters:
    """What can be set of the reverse sigmoid."""

    beta: Annotated[
        float | None,
        Param(
            "Strength b; null for 2 / classes, with which confident answers move by about 1 (ModelGuard).",
            minimum=0,
            maximum=1,
            in_variant="always",
        ),
    ] = None
    gamma: Annotated[
        float,
        Param(
            "Slope g before the sigmoid. The papers: 0.2; Fashion-MNIST 0.4, CIFAR-10 0.1.",
            minimum=0.001,
            maximum=0.9,
            in_variant="changed",
        ),
    ] = 0.2


@dataclass(frozen=True)
class MadParameters(BudgetParameters):
    """What can be set of MAD."""

    network_seed: Annotated[
        int, Param("Seed of the random network whose gradients are turned.", minimum=0, in_variant="changed")
    ] = 0


@dataclass(frozen=True)
class TrainedParameters:
    """How an auxiliary network is trained on the owner's data."""

    epochs: Annotated[int, Param("Passes over the owner's data.", minimum=1, maximum=10_000)] = 10
    rate: Annotated[float, Param("Learning rate of SGD with Nesterov momentum 0.9.", minimum=1e-6, maximum=10)] = 0.01
    batch_size: Annotated[int, Param("Rows of a step.", minimum=1, maximum=1_000_000)] = 128
    network_seed: Annotated[int, Param("Seed of its weights and of the order of rows.", minimum=0)] = 0


@dataclass(frozen=True)
class Grad2Parameters(BudgetParameters, TrainedParameters):
    """What can be set of GRAD^2."""


@dataclass(frozen=True)
class MisinformationParameters(TrainedParameters):
    """What can be set of adaptive misinformation."""

    tau: Annotated[
        float,
        Param(
            "Confidence below which an answer is misleading (ModelGuard: 0.7 for CIFAR-10; the paper: 0.99 for MNIST).",
            minimum=0,
            maximum=1,
            in_variant="always",
        ),
    ] = 0.7
    nu: Annotated[float, Param("Slope of the switch at tau.", minimum=1, maximum=1_000_000, in_variant="changed")] = (
        1000.0
    )
    epochs: int = 20


@dataclass(frozen=True)
class DawnParameters:
    """What can be set of DAWN."""

    rate: Annotated[
        float,
        Param("Share of inputs that are answered wrongly.", minimum=0, maximum=1, in_variant="changed"),
    ] = 0.005


@dataclass(frozen=True)
class JpegParameters:
    """What can be set of JPEG."""

    quality: Annotated[
        int, Param("Quality of the pictures, from 1 to 100.", minimum=1, maximum=100, in_variant="always")
    ] = 75


@dataclass(frozen=True)
class InputNoiseParameters(DrawnParameters):
    """What can be set of noise on inputs."""

    sigma: Annotated[
        float,
        Param("Standard deviation, as a fraction of the input range.", minimum=0, maximum=10, in_variant="always"),
    ] = 0.05


@dataclass(frozen=True)
class MapLevelsParameters:
    """What is told beside the levels of a map."""

    tell_scale: Annotated[
        bool, Param("Whether a map keeps its scale; otherwise its largest entry is 1.", in_variant="changed")
    ] = True


@dataclass(frozen=True)
class ClippedMapParameters:
    """Which entries of a map are cut."""

    lowest: Annotated[
        float,
        Param(
            "Quantile of the magnitudes below which they are raised to it.", minimum=0, maximum=1, in_variant="changed"
        ),
    ] = 0.01
    highest: Annotated[
        float,
        Param("Quantile above which they are cut to it.", minimum=0, maximum=1, in_variant="changed"),
    ] = 0.99


@dataclass(frozen=True)
class PooledMapParameters:
    """How coarse a map becomes."""

    block: Annotated[
        int, Param("Height and width of the blocks that are averaged.", minimum=1, maximum=1000, in_variant="always")
    ] = 4


@dataclass(frozen=True)
class NoisyMapParameters(DrawnParameters):
    """What can be set of noise on maps."""

    sigma: Annotated[
        float,
        Param(
            "Standard deviation, as a fraction of a map's range from its least to its largest entry.",
            minimum=0,
            maximum=1000,
            in_variant="always",
        ),
    ] = 0.1
