"""A user's own victim: a factory or registered network with a safetensors file, or a TorchScript file.

Weights are never unpickled. A TorchScript file or a factory is code of the user's, and runs as such.
"""

from __future__ import annotations

import hashlib

import torch
from torch import nn

from mebench.api.contract import InputSpec
from mebench.api.random_streams import derive_seed
from mebench.api.spec import VictimSpec
from mebench.data.text.words import Lexicon
from mebench.models.networks.build import build_network
from mebench.models.victims.blame import blamed_on
from mebench.models.victims.factory import call_factory, factory_digest
from mebench.models.victims.files import existing
from mebench.models.victims.registered import registered_network
from mebench.models.victims.torchscript import load_torchscript
from mebench.models.victims.weight_files import load_weights
from mebench.models.weights import network_hash
from mebench.registry.catalogue import registry
from mebench.registry.entries import NetworkEntry, VictimEntry


def load_own_network(
    spec: VictimSpec, inputs: InputSpec, device: torch.device | str = "cpu", lexicon: Lexicon | None = None
) -> tuple[nn.Module, str]:
    """Load the network that a victim's spec points to.

    Args:
        spec: with ``torchscript``, ``registered`` or ``factory`` alone, or ``weights`` for ``factory`` or ``network``.
        inputs: what the network must take.
        device: where a TorchScript file is loaded to: its constants cannot be moved later.
        lexicon: the words that a network for texts knows.

    Returns:
        the network, without the spec's normalisation, and a hash: of its tensors, of the TorchScript file, or, where
        there are no tensors to tell victims apart, of what says whose code it is.

    Raises:
        ConfigurationError: a file, module, key or shape is wrong.
    """
    if spec.torchscript is not None:
        path = existing(spec.torchscript, spec.name)
        return load_torchscript(path, spec.name, device), hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    if spec.registered is not None:
        network = registered_network(spec.registered, spec.seed)
    elif spec.factory is not None:
        network = call_factory(spec.factory, spec.name, initial_seed(spec))
    else:
        assert spec.network is not None
        network = build_network(spec.network, inputs, spec.seed, lexicon)
    if spec.weights is not None:
        load_weights(network, existing(spec.weights, spec.name), spec.name)
    with blamed_on(spec.name, "be told from others by its tensors and its state_dict()"):
        return network, network_hash(network) or _code_hash(spec)


def initial_seed(spec: VictimSpec) -> int:
    """What the initial weights of a victim's network are drawn from: the victim's seed alone."""
    return derive_seed(spec.seed, "victim weights")


def code_of(spec: VictimSpec) -> str:
    """What says whose code a victim is: a plugin with its version, a digest of a factory's file, mebench's version.

    Empty where it cannot be told.
    """
    if spec.registered is not None:
        return registry().origin(VictimEntry, spec.registered.name)
    if spec.network is not None:
        return registry().origin(NetworkEntry, spec.network.name)
    return "TorchScript" if spec.torchscript else factory_digest(spec.factory or "", spec.name)


def _code_hash(spec: VictimSpec) -> str:
    return hashlib.sha256(f"{code_of(spec)} {spec.registered} {spec.factory}".encode()).hexdigest()[:16]
