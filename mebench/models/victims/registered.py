"""A victim that a plugin brings, with its weights."""

from __future__ import annotations

import torch
from torch import nn

from mebench.api.spec import Component
from mebench.guard.call import Guard
from mebench.registry.catalogue import registry
from mebench.registry.entries import VictimEntry


def registered_network(component: Component, seed: int = 0) -> nn.Module:
    """Build the network of a registered victim; whatever its code does, the error names it.

    Args:
        component: registered name and parameters.
        seed: of what it draws at random; the global random state is left as it was found.

    Raises:
        UnknownNameError: no such victim.
        ConfigurationError: a parameter is wrong.
        PluginFaultError: it cannot be built, or is no ``nn.Module``.
    """
    entry, guard = registry().get(VictimEntry, component.name), Guard.of(VictimEntry, component.name)
    guard.call("loading", entry.load)  # what its modules draw at random is not drawn from the seed
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        seeded = Guard.of(VictimEntry, component.name)  # which knows this seed
        network = entry.call(given=component.parameters, through=seeded)
    if not isinstance(network, nn.Module):
        guard.fail(f"its constructor returned a {type(network).__name__}, not a torch module")
    return network
