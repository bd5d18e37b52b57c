"""A plain convolutional network of chosen depth: the light victims and clones of data-free extraction papers."""

from __future__ import annotations

from torch import Tensor, nn

from mebench.api.contract import InputSpec
from mebench.models.networks.entries import PlainCnnParameters
from mebench.models.networks.input_conv import InputConv2d
from mebench.models.networks.shapes import image_shape

KERNEL = 5
MOST_DOUBLINGS = 2  # channels grow from w to 2w to 4w and stay there


class PlainCNN(nn.Module):
    """Convolutions of 5x5 with stride 2 and ReLU, then one linear layer; no pooling, batch norm or dropout.

    Every convolution halves the map (rounded up), so any image size fits. Strides are used in place of max pooling
    because they do a quarter of the work: papers that say "a CNN of four convolutional layers" leave both open.

    Args:
        channels, height, width: shape of an input.
        num_classes: number of logits.
        convolutions: how many there are.
        first: channels w of the first; the second has 2w, all others 4w.
    """

    def __init__(self, channels: int, height: int, width: int, num_classes: int, convolutions: int, first: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for index in range(convolutions):
            outputs = first * 2 ** min(index, MOST_DOUBLINGS)
            kind = nn.Conv2d if index else InputConv2d
            layers += [kind(channels, outputs, KERNEL, stride=2, padding=KERNEL // 2), nn.ReLU()]
            channels, height, width = outputs, -(-height // 2), -(-width // 2)
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Linear(channels * height * width, num_classes)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return logits (B, c)."""
        logits: Tensor = self.classifier(self.features(inputs).flatten(1))
        return logits


def plain_cnn(spec: InputSpec, parameters: PlainCnnParameters) -> nn.Module:
    """Build it for images of any size: 169,546 parameters at 1x28x28 and 10 classes."""
    shape = image_shape(spec, "plain-cnn")
    return PlainCNN(*shape, spec.num_classes, parameters.convolutions, parameters.width)
