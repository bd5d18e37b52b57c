"""A fully connected network for inputs of any shape."""

from __future__ import annotations

from torch import nn

from mebench.api.contract import InputSpec
from mebench.models.networks.entries import MlpParameters


def mlp(spec: InputSpec, parameters: MlpParameters) -> nn.Module:
    """Build linear layers with ReLU between them."""
    layers: list[nn.Module] = [nn.Flatten()]
    inputs = spec.size
    for units in parameters.hidden:
        layers += [nn.Linear(inputs, units), nn.ReLU()]
        inputs = units
    return nn.Sequential(*layers, nn.Linear(inputs, spec.num_classes))
