"""Building a registered network with initial weights that depend on a seed alone."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from mebench.api.contract import InputSpec
from mebench.api.errors import ConfigurationError
from mebench.api.spec import Component
from mebench.data.text.words import Lexicon
from mebench.guard.call import Guard
from mebench.models.networks.single_row import trainable_on_single_rows
from mebench.models.weights import unsaid
from mebench.registry.catalogue import registry
from mebench.registry.entries import NetworkEntry

_PROBE = 2
"""Inputs that a plugin's network is tried on."""
_TRAINED, _NAMED = 1.5, 3  # what a training does to parameters, and tensors that are named


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
    entry, guard = registry().get(NetworkEntry, component.name), Guard.of(NetworkEntry, component.name)
    given = "texts" if spec.discrete else "images"
    if entry.inputs != given and (spec.discrete or len(spec.shape) == 3):
        raise ConfigurationError(f"network {entry.name!r} takes {entry.inputs}, not {given}")
    known = (lexicon,) if entry.inputs == "texts" else ()
    network = entry.call(spec, *known, given=component.parameters, through=guard)
    if not isinstance(network, nn.Module):
        guard.fail(f"its constructor returned a {type(network).__name__}, not a torch module")
    if not guard.own and not spec.discrete:
        _try(network, spec, guard)
    return trainable_on_single_rows(network)


def _try(network: nn.Module, spec: InputSpec, guard: Guard) -> None:
    """Let a plugin's network answer two inputs, so that it is not the attack or the training that is blamed.

    Neither its weights nor the random state change by it.
    """
    training = network.training
    inputs = torch.full((_PROBE, *spec.shape), (spec.low + spec.high) / 2)
    given = inputs.clone()
    with torch.no_grad(), torch.random.fork_rng(devices=[]):
        logits = Guard(guard.who).call("its forward pass", network.eval(), given)  # which knows this grad mode
    network.train(training)
    if not torch.equal(given, inputs):
        guard.fail("its forward pass writes on its inputs, which are queries and test images: let it take a copy")
    wanted = (_PROBE, spec.num_classes)
    if not isinstance(logits, Tensor) or logits.shape != wanted:
        kind = type(logits).__name__
        what = f"{kind} of shape {tuple(logits.shape)}" if isinstance(logits, Tensor) else kind
        guard.fail(f"its forward pass returned a {what}, not logits of shape {wanted}")
    _check_kept(network, given, guard)


def _check_kept(network: nn.Module, inputs: Tensor, guard: Guard) -> None:
    """Make sure that a network's ``state_dict()`` makes another one answer as it does: clones and checkpoints are it.

    One whose ``state_dict()`` holds all tensors is not tried, nor one that cannot be copied, or trained on so little.
    """
    left_out = unsaid(network, network.state_dict())
    if not left_out:
        return
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            trained, again = copy.deepcopy(network), copy.deepcopy(network)
            trained.train()(inputs.clone())
            for parameter in trained.parameters():
                parameter.mul_(_TRAINED)
            again.load_state_dict(trained.state_dict())
            ours, theirs = (Guard(guard.who).call("its forward pass", one.eval(), inputs) for one in (trained, again))
    except Exception:
        return
    if not torch.equal(ours, theirs):
        names = ", ".join(sorted(left_out)[:_NAMED])
        guard.fail(
            f"its state_dict(), by which clones and checkpoints are kept, leaves out {names}, without which it answers "
            "otherwise: make it a parameter or a persistent buffer"
        )
