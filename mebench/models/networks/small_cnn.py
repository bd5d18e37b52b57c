"""A small convolutional network with batch norm: between LeNet-5 and a ResNet in size and in accuracy."""

from __future__ import annotations

from torch import Tensor, nn

from mebench.api.contract import InputSpec
from mebench.models.networks.entries import SmallCnnParameters
from mebench.models.networks.input_conv import InputConv2d
from mebench.models.networks.shapes import image_shape


class SmallCNN(nn.Module):
    """Four units of 3x3 convolution, batch norm, ReLU (w, 2w, 4w, 4w channels), the first three max-pooled.

    The average over what is left of the map makes it fit any image size. No dropout: it stays deterministic.

    Args:
        channels: channels of an input.
        num_classes: number of logits.
        width: channels w of the first unit.
    """

    def __init__(self, channels: int, num_classes: int, width: int) -> None:
        super().__init__()
        self.features = nn.Sequential(
            *_unit(channels, width, InputConv2d),
            nn.MaxPool2d(2, ceil_mode=True),
            *_unit(width, 2 * width),
            nn.MaxPool2d(2, ceil_mode=True),
            *_unit(2 * width, 4 * width),
            nn.MaxPool2d(2, ceil_mode=True),
            *_unit(4 * width, 4 * width),
        )
        self.classifier = nn.Linear(4 * width, num_classes)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return logits (B, c)."""
        logits: Tensor = self.classifier(self.features(inputs).mean(dim=(2, 3)))
        return logits


def _unit(inputs: int, outputs: int, kind: type[nn.Conv2d] = nn.Conv2d) -> tuple[nn.Module, nn.Module, nn.Module]:
    return kind(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()


def small_cnn(spec: InputSpec, parameters: SmallCnnParameters) -> nn.Module:
    """Build the small CNN for images of any size: 241,898 parameters at 1 channel and 10 classes."""
    channels, _, _ = image_shape(spec, "small-cnn")
    return SmallCNN(channels, spec.num_classes, parameters.width)
