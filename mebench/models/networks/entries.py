"""Metadata of the networks that ship with mebench; imports no torch."""

from __future__ import annotations

from collections.abc import Sequence

from mebench.registry.entries import NetworkEntry
from mebench.registry.hooks import hookimpl
from mebench.registry.parameter import Parameter

_RESNET_WIDTH = Parameter(
    "width",
    "int",
    64,
    "Channels of the first stage; the others have 2, 4 and 8 times as many.",
    minimum=1,
    in_variant="changed",
)

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
        (
            Parameter(
                "width",
                "int",
                32,
                "Channels of the first convolution; the others have 2, 4 and 4 times as many.",
                minimum=1,
                in_variant="changed",
            ),
        ),
    ),
    NetworkEntry(
        "plain-cnn",
        "N 5x5 convolutions of stride 2 with ReLU, and a linear layer: 169,546 parameters at 1x28x28 and 10 classes.",
        "mebench.models.networks.plain_cnn:plain_cnn",
        (
            Parameter("convolutions", "int", 4, "How many; each halves the map.", minimum=1, in_variant="changed"),
            Parameter(
                "width",
                "int",
                16,
                "Channels of the first convolution; the second has 2 times as many, the others 4 times.",
                minimum=1,
                in_variant="changed",
            ),
        ),
    ),
    NetworkEntry(
        "block-cnn",
        "Blocks of 3x3 convolutions with batch norm, each then pooled: 298,858 parameters at 1x28x28 and 10 classes.",
        "mebench.models.networks.block_cnn:block_cnn",
        (
            Parameter("blocks", "int", 3, "How many; each halves the map.", minimum=1, in_variant="changed"),
            Parameter("convolutions", "int", 2, "Of each block.", minimum=1, in_variant="changed"),
            Parameter(
                "width",
                "int",
                32,
                "Channels of the first block; every other has twice as many as the one before.",
                minimum=1,
                in_variant="changed",
            ),
            Parameter(
                "dropout",
                "float",
                0.1,
                "Share of the values behind each block that a training step leaves out.",
                minimum=0,
                maximum=0.95,
                in_variant="changed",
            ),
        ),
    ),
    NetworkEntry(
        "resnet18",
        "CIFAR-style ResNet-18 with a 3x3 stem: 11,173,962 parameters at 3 channels and 10 classes.",
        "mebench.models.networks.resnet:resnet18",
        (_RESNET_WIDTH,),
    ),
    NetworkEntry(
        "resnet34",
        "CIFAR-style ResNet-34 with a 3x3 stem: 21,282,122 parameters at 3 channels and 10 classes.",
        "mebench.models.networks.resnet:resnet34",
        (_RESNET_WIDTH,),
    ),
    NetworkEntry(
        "kim-cnn",
        "Kim's (2014) network for texts: word vectors, filters over 3, 4 and 5 words, the maximum over time.",
        "mebench.models.networks.kim_cnn:kim_cnn",
        (
            Parameter("size", "int", 300, "Values in one word vector.", minimum=1, in_variant="changed"),
            Parameter("maps", "int", 100, "Filters of each width.", minimum=1, in_variant="changed"),
            Parameter(
                "widths", "ints", [3, 4, 5], "Words that a filter looks at at a time.", minimum=1, in_variant="changed"
            ),
            Parameter(
                "dropout",
                "float",
                0.5,
                "Share of the features that a training step leaves out.",
                minimum=0,
                maximum=0.95,
                in_variant="changed",
            ),
            Parameter(
                "vectors",
                "str",
                None,
                "Word vectors to start from: `glove-6b-100d`, fetched from npm; or a file: text, plain or .gz "
                "(`word v1 v2 ...` per line), or NAME.npy with the words in NAME.txt, one per line. Random without.",
                in_variant="changed",
            ),
            Parameter("static", "bool", False, "Keep the word vectors as they are.", in_variant="changed"),
            Parameter(
                "least", "int", 1, "A word that occurs less often counts as unknown.", minimum=1, in_variant="changed"
            ),
        ),
        inputs="texts",
    ),
    NetworkEntry(
        "mlp",
        "Fully connected layers with ReLU; small and quick, for tests.",
        "mebench.models.networks.mlp:mlp",
        (Parameter("hidden", "ints", [64], "Units of each hidden layer.", minimum=1, in_variant="changed"),),
    ),
)


@hookimpl
def mebench_networks() -> Sequence[NetworkEntry]:
    """Networks for victims and clones."""
    return NETWORKS
