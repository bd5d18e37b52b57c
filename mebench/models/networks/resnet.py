"""CIFAR-style ResNets (He et al. 2016, arXiv:1512.03385), as DFME and MEGEX use them for 32x32 images.

They differ from ImageNet's: the stem is one 3x3 convolution of stride 1, without pooling, so a 32x32 image
reaches the average pool as a 4x4 map. Shortcuts that change shape are 1x1 convolutions with batch norm.
"""

from __future__ import annotations

import torch.nn.functional as F  # noqa: N812 (the name that everybody knows it by)
from torch import Tensor, nn

from mebench.api.contract import InputSpec
from mebench.models.networks.entries import ResNetParameters, SmallResNetParameters
from mebench.models.networks.input_conv import InputConv2d
from mebench.models.networks.shapes import image_shape


class BasicBlock(nn.Module):
    """Two 3x3 convolutions with batch norm, and a shortcut around them.

    Args:
        inputs, outputs: channels.
        stride: of the first convolution and of the shortcut.
    """

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.shortcut = nn.Sequential()
        if stride != 1 or inputs != outputs:
            self.shortcut = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, maps: Tensor) -> Tensor:
        """Return the block's maps (B, outputs, h, w)."""
        residual = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(maps)))))
        return F.relu(residual + self.shortcut(maps))


class ResNet(nn.Module):
    """A stem, stages of basic blocks (all but the first halve the map), average pool, linear layer.

    Args:
        channels: channels of an input.
        num_classes: number of logits.
        blocks: number of blocks in each stage.
        width: channels of the first stage; doubled from stage to stage.
    """

    def __init__(self, channels: int, num_classes: int, blocks: tuple[int, ...], width: int) -> None:
        super().__init__()
        self.conv1 = InputConv2d(channels, width, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        stages: list[nn.Module] = []
        inputs = width
        for index, count in enumerate(blocks):
            outputs = width * 2**index
            strides = [1 if index == 0 else 2] + [1] * (count - 1)
            stages += [nn.Sequential(*_stage(inputs, outputs, strides))]
            inputs = outputs
        self.stages = nn.Sequential(*stages)
        self.linear = nn.Linear(inputs, num_classes)
        self.apply(_kaiming)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return logits (B, c)."""
        maps = self.stages(F.relu(self.bn1(self.conv1(inputs))))
        logits: Tensor = self.linear(maps.mean(dim=(2, 3)))
        return logits


def _stage(inputs: int, outputs: int, strides: list[int]) -> list[nn.Module]:
    return [BasicBlock(inputs if index == 0 else outputs, outputs, stride) for index, stride in enumerate(strides)]


def _kaiming(module: nn.Module) -> None:
    """Initialise convolutions by Kaiming's normal rule over the fan-out; batch norm starts at 1 and 0."""
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")


def resnet8(spec: InputSpec, parameters: SmallResNetParameters) -> nn.Module:
    """Build ResNet-8, the smallest of the paper's 6n + 2 layers (section 4.2), with 1x1 convolutions as shortcuts."""
    channels, _, _ = image_shape(spec, "resnet8")
    return ResNet(channels, spec.num_classes, (1, 1, 1), parameters.width)


def resnet18(spec: InputSpec, parameters: ResNetParameters) -> nn.Module:
    """Build ResNet-18 for images of any size: 11,173,962 parameters at 3 channels and 10 classes."""
    channels, _, _ = image_shape(spec, "resnet18")
    return ResNet(channels, spec.num_classes, (2, 2, 2, 2), parameters.width)


def resnet34(spec: InputSpec, parameters: ResNetParameters) -> nn.Module:
    """Build ResNet-34 for images of any size: 21,282,122 parameters at 3 channels and 10 classes."""
    channels, _, _ = image_shape(spec, "resnet34")
    return ResNet(channels, spec.num_classes, (3, 4, 6, 3), parameters.width)
