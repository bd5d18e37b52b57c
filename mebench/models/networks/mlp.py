"""A fully connected network for inputs of any shape."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from mebench.api.contract import InputSpec


def mlp(spec: InputSpec, hidden: Sequence[int] = (64,)) -> nn.Module:
    """Build linear layers with ReLU between them; ``hidden`` holds the units of each layer but the last."""
    layers: list[nn.Module] = [nn.Flatten()]
    inputs = spec.size
    for units in hidden:
        layers += [nn.Linear(inputs, units), nn.ReLU()]
        inputs = units
    return nn.Sequential(*layers, nn.Linear(inputs, spec.num_classes))
