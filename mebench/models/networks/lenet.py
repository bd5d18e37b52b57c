"""LeNet-5 as data-free extraction papers use it: ReLU instead of tanh, max pooling, no batch norm."""

from __future__ import annotations

import torch.nn.functional as F  # noqa: N812 (the name that everybody knows it by)
from torch import Tensor, nn

from mebench.api.contract import InputSpec
from mebench.models.networks.input_conv import InputConv2d
from mebench.models.networks.pooling import max_pool_2x2
from mebench.models.networks.shapes import image_shape

REFERENCE_SIZE = 32  # height and width that the architecture is made for
LAST_MAP = 5  # height and width that the third convolution turns into one vector


class LeNet5(nn.Module):
    """Convolutions 6-16-120 of 5x5, then 84 units, then the classes.

    Exact at 32x32. Smaller images are padded with zeros to that, as LeCun et al. (1998) do with 28x28 digits;
    the maps of larger ones are averaged to 5x5 before the third convolution.

    Args:
        channels, height, width: shape of an input.
        num_classes: number of logits.
    """

    def __init__(self, channels: int, height: int, width: int, num_classes: int) -> None:
        super().__init__()
        self.padding = (*_around(width), *_around(height))
        self.reduce = max(height, width) > REFERENCE_SIZE
        self.conv1 = InputConv2d(channels, 6, 5)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.conv3 = nn.Conv2d(16, 120, LAST_MAP)
        self.fc1 = nn.Linear(120, 84)
        self.fc2 = nn.Linear(84, num_classes)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return logits (B, c)."""
        maps = F.pad(inputs, self.padding) if any(self.padding) else inputs
        maps = max_pool_2x2(F.relu(self.conv1(maps)))
        maps = max_pool_2x2(F.relu(self.conv2(maps)))
        if self.reduce:
            maps = F.adaptive_avg_pool2d(maps, LAST_MAP)
        features = F.relu(self.conv3(maps)).flatten(1)
        logits: Tensor = self.fc2(F.relu(self.fc1(features)))
        return logits


def _around(length: int) -> tuple[int, int]:
    """Padding before and after a side that is shorter than the reference."""
    missing = max(0, REFERENCE_SIZE - length)
    return missing // 2, missing - missing // 2


def lenet5(spec: InputSpec) -> nn.Module:
    """Build LeNet-5 for images of any size: 61,706 parameters at 1x32x32 and 10 classes."""
    return LeNet5(*image_shape(spec, "lenet5"), spec.num_classes)
