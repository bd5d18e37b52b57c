"""A convolutional network of blocks, each of which halves the map: the image network of the public-data framework."""

from __future__ import annotations

from torch import Tensor, nn

from mebench.api.contract import InputSpec
from mebench.api.errors import ConfigurationError
from mebench.models.networks.input_conv import InputConv2d
from mebench.models.networks.pooling import max_pool_2x2
from mebench.models.networks.shapes import image_shape


class BlockCNN(nn.Module):
    """Blocks of 3x3 convolutions, each with ReLU and then batch norm; after a block 2x2 max pooling and dropout.

    One linear layer follows. An odd last row or column of a map is left out by pooling.

    Source: Pal and others 2019 (arXiv:1905.09165), section 5.2, as their program has it: the text pools after every two
    convolutions, 6 times in 3 blocks, for which no image of theirs is large enough. The program never updates the
    statistics of batch norm, which makes it a learnt scale and shift; here it normalises, as the paper says.

    Args:
        channels, height, width: shape of an input.
        num_classes: number of logits.
        blocks: how many there are.
        convolutions: of each block.
        first: channels of the first block; every other has twice as many as the one before.
        dropout: share of the values that are left out of a training step after each block; drawn from torch's global
            generator, which a trial seeds and saves.
    """

    def __init__(
        self,
        channels: int,
        height: int,
        width: int,
        num_classes: int,
        *,
        blocks: int,
        convolutions: int,
        first: int,
        dropout: float,
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for index in range(blocks):
            outputs = first * 2**index
            for _ in range(convolutions):
                kind = nn.Conv2d if layers else InputConv2d
                layers += [kind(channels, outputs, 3, padding=1), nn.ReLU(), nn.BatchNorm2d(outputs)]
                channels = outputs
            layers += [_Halve(), nn.Dropout(dropout)]
            height, width = height // 2, width // 2
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Linear(channels * height * width, num_classes)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return logits (B, c)."""
        logits: Tensor = self.classifier(self.features(inputs).flatten(1))
        return logits


class _Halve(nn.Module):
    def forward(self, maps: Tensor) -> Tensor:
        return max_pool_2x2(maps)


def block_cnn(
    spec: InputSpec, blocks: int = 3, convolutions: int = 2, width: int = 32, dropout: float = 0.1
) -> nn.Module:
    """Build it: 298,858 parameters at 1x28x28 and 10 classes; 96,746 with 2 blocks, 1,176,170 with 4.

    Raises:
        ConfigurationError: the image is too small to be halved by every block.
    """
    channels, height, wide = image_shape(spec, "block-cnn")
    if min(height, wide) < 2**blocks:
        raise ConfigurationError(
            f"network 'block-cnn' of {blocks} blocks needs images of {2**blocks} x {2**blocks} pixels at least, not "
            f"{height} x {wide}: give it fewer blocks"
        )
    return BlockCNN(
        *(channels, height, wide, spec.num_classes),
        blocks=blocks,
        convolutions=convolutions,
        first=width,
        dropout=dropout,
    )
