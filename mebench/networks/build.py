"""Building a registered network with initial weights that depend on a seed alone."""

from __future__ import annotations

import torch
from torch import nn

from mebench.api import InputSpec
from mebench.guard import Guard
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
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return guarded_network(component, spec)


def guarded_network(component: Component, spec: InputSpec) -> nn.Module:
    """Build a network from the global random state; whatever its code does, the error names it."""
    entry, guard = registry().get("network", component.name), Guard.of("network", component.name)
    target = guard.call("loading", entry.load)
    network = guard.call("its constructor", target, spec, **entry.resolve(component.parameters))
    if not isinstance(network, nn.Module):
        guard.fail(f"its constructor returned a {type(network).__name__}, not a torch module")
    return network
