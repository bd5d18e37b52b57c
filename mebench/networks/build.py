"""Building a registered network with initial weights that depend on a seed alone."""

from __future__ import annotations

import torch
from torch import nn

from mebench.api import InputSpec
from mebench.data.text.words import Lexicon
from mebench.errors import ConfigurationError
from mebench.guard import Guard
from mebench.plugins import registry
from mebench.spec import Component


def build_network(component: Component, spec: InputSpec, seed: int, lexicon: Lexicon | None = None) -> nn.Module:
    """Build a network on the CPU; the global random state is left as it was found.

    Args:
        component: registered name and parameters.
        spec: what the network takes.
        seed: of the initial weights.
        lexicon: the words that a network for texts knows.

    Raises:
        UnknownNameError: no such network.
        ConfigurationError: a parameter is wrong, or the network cannot take such inputs.
        PluginError: the network cannot be imported.
    """
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        return guarded_network(component, spec, lexicon)


def guarded_network(component: Component, spec: InputSpec, lexicon: Lexicon | None = None) -> nn.Module:
    """Build a network from the global random state; whatever its code does, the error names it.

    Raises:
        ConfigurationError: it is for images and the inputs are texts, or the other way round.
    """
    entry, guard = registry().network(component.name), Guard.of("network", component.name)
    target = guard.call("loading", entry.load)
    given = "texts" if spec.discrete else "images"
    if entry.inputs != given and (spec.discrete or len(spec.shape) == 3):
        raise ConfigurationError(f"network {entry.name!r} takes {entry.inputs}, not {given}")
    known = (lexicon,) if entry.inputs == "texts" else ()
    network = guard.call("its constructor", target, spec, *known, **entry.resolve(component.parameters))
    if not isinstance(network, nn.Module):
        guard.fail(f"its constructor returned a {type(network).__name__}, not a torch module")
    return network
