"""A convolutional network of blocks, each of which halves the map: the image network of the public-data framework."""

from __future__ import annotations

from torch import Tensor, nn

from mebench.api.contract import InputSpec
from mebench.api.errors import ConfigurationError
from mebench.models.networks.entries import BlockCnnParameters
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
        parameters: of the network. What dropout leaves out is drawn from torch's global generator, which a trial seeds
            and saves.
    """

    def __init__(
        self, channels: int, height: int, width: int, num_classes: int, parameters: BlockCnnParameters
    ) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for index in range(parameters.blocks):
            outputs = parameters.width * 2**index
            for _ in range(parameters.convolutions):
                kind = nn.Conv2d if layers else InputConv2d
                layers += [kind(channels, outputs, 3, padding=1), nn.ReLU(), nn.BatchNorm2d(outputs)]
                channels = outputs
            layers += [_Halve(), nn.Dropout(parameters.dropout)]
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


def block_cnn(spec: InputSpec, parameters: BlockCnnParameters) -> nn.Module:
    """Build it: 298,858 parameters at 1x28x28 and 10 classes; 96,746 with 2 blocks, 1,176,170 with 4.

    Raises:
        ConfigurationError: the image is too small to be halved by every block.
    """
    channels, height, width = image_shape(spec, "block-cnn")
    least = 2**parameters.blocks
    if min(height, width) < least:
        raise ConfigurationError(
            f"network 'block-cnn' of {parameters.blocks} blocks needs images of {least} x {least} pixels at least, not "
            f"{height} x {width}: give it fewer blocks"
        )
    return BlockCNN(channels, height, width, spec.num_classes, parameters)
