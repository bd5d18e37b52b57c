"""Building a registered network with initial weights that depend on a seed alone."""

from __future__ import annotations

from typing import cast

import torch
from torch import nn

from mebench.api import InputSpec
from mebench.plugins import registry
from mebench.spec import Component


def build_network(component: Component, spec: InputSpec, seed: int) -> nn.Module:
    """Build a network on the CPU; the global random state is left as it was found.

    Args:
        component: registered name and parameters.
        spec: what the network takes.
        seed: of the initial weights.

    Raises:
        UnknownNameError: no such network.
        ConfigurationError: a parameter is wrong, or the network cannot take such inputs.
        PluginError: the network cannot be imported.
    """
    entry = registry().get("network", component.name)
    parameters = entry.resolve(component.parameters)
    target = entry.load()
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return cast(nn.Module, target(spec, **parameters))
