"""A user's own victim: a factory or registered network with a safetensors file, or a TorchScript file.

Weights are never unpickled. A TorchScript file or a factory is code of the user's, and runs as such.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from mebench.api.contract import InputSpec
from mebench.api.errors import ConfigurationError, first_line
from mebench.api.notices import notice
from mebench.api.spec import VictimSpec
from mebench.data.text.words import Lexicon
from mebench.guard.process_state import ProcessState, threads_started
from mebench.models.networks.build import build_network
from mebench.models.victims.registered import registered_network
from mebench.models.weights import weights_hash
from mebench.registry.catalogue import registry
from mebench.registry.entries import NetworkEntry, VictimEntry

_SHOWN = 3  # keys named in an error


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
        path = _existing(spec.torchscript, spec.name)
        return _load_torchscript(path, spec.name, device), hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    if spec.registered is not None:
        network = registered_network(spec.registered, spec.seed)
    elif spec.factory is not None:
        network = call_factory(spec.factory, spec.name)
    else:
        assert spec.network is not None
        network = build_network(spec.network, inputs, spec.seed, lexicon)
    if spec.weights is not None:
        load_weights(network, _existing(spec.weights, spec.name), spec.name)
    tensors = network.state_dict()
    return network, weights_hash(tensors) if tensors else _code_hash(spec)


def code_of(spec: VictimSpec) -> str:
    """What says whose code a victim is: a plugin with its version, a digest of a factory's file, mebench's version.

    Empty where it cannot be told.
    """
    if spec.registered is not None:
        return registry().origin(VictimEntry, spec.registered.name)
    if spec.network is not None:
        return registry().origin(NetworkEntry, spec.network.name)
    return "TorchScript" if spec.torchscript else factory_digest(spec.factory or "")


def _code_hash(spec: VictimSpec) -> str:
    return hashlib.sha256(f"{code_of(spec)} {spec.registered} {spec.factory}".encode()).hexdigest()[:16]


def call_factory(factory: str, name: str) -> nn.Module:
    """Import ``module:callable``, the current folder included, and call it without arguments.

    Settings of the process that its code changes, such as torch's grad mode, are put back, and said.

    Raises:
        ConfigurationError: it cannot be imported or called, or does not return an ``nn.Module``.
    """
    module_name, _, attribute = factory.partition(":")
    if not module_name or not attribute:
        raise ConfigurationError(f"victim {name!r}: factory must be `module:callable`, not {factory!r}")
    state, threads = ProcessState(), threads_started()
    try:
        with _current_folder_importable(), torch.random.fork_rng(devices=[]):
            network = getattr(importlib.import_module(module_name), attribute)()
    except Exception as error:
        raise ConfigurationError(
            f"victim {name!r}: factory {factory!r} failed: {type(error).__name__}: {first_line(error)}"
        ) from error
    finally:
        changed = state.check(threads)
    if changed:
        notice(f"victim {name!r}: its factory {factory!r} {changed}; that is put back")
    if not isinstance(network, nn.Module):
        raise ConfigurationError(
            f"victim {name!r}: factory {factory!r} returned {type(network).__name__}, not a torch.nn.Module"
        )
    return network


def factory_digest(factory: str) -> str:
    """Sixteen hexadecimal digits of the file that a factory is in; what that file imports is not looked at."""
    with _current_folder_importable():
        found = importlib.util.find_spec(factory.partition(":")[0])
    if found is None or found.origin is None or not Path(found.origin).is_file():
        return ""
    return hashlib.sha256(Path(found.origin).read_bytes()).hexdigest()[:16]


@contextmanager
def _current_folder_importable() -> Iterator[None]:
    folder = str(Path.cwd())
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path.remove(folder)


def load_weights(network: nn.Module, path: Path, name: str) -> None:
    """Load a safetensors file into a network; every tensor must fit.

    Raises:
        ConfigurationError: not a safetensors file, or keys or shapes differ; the message names them.
    """
    try:
        given = load_file(path)
    except (SafetensorError, OSError) as error:
        raise ConfigurationError(
            f"victim {name!r}: {path} is not a usable safetensors file ({first_line(error)}); "
            "convert pickled weights with safetensors.torch.save_file(model.state_dict(), FILE)"
        ) from None
    problem = _mismatch(network.state_dict(), given)
    if problem:
        raise ConfigurationError(f"victim {name!r}: {path} does not fit the network: {problem}")
    network.load_state_dict(given)


class Scripted(nn.Module):
    """A TorchScript module as an ordinary one: script modules refuse ``requires_grad_``, frozen ones ``eval`` too.

    Args:
        script: as loaded; put into eval mode if it still has a mode.
    """

    def __init__(self, script: nn.Module) -> None:
        super().__init__()
        self.script = script
        if hasattr(script, "training"):
            script.eval()

    def forward(self, inputs: Tensor) -> Tensor:
        """Return what the script returns."""
        outputs: Tensor = self.script(inputs)
        return outputs

    def train(self, mode: bool = True) -> Scripted:
        """Stay in eval mode."""
        self.training = False
        return self


def _load_torchscript(path: Path, name: str, device: torch.device | str) -> nn.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # torch's advice to its authors, not to our users
            script = cast(nn.Module, cast(Any, torch.jit).load(str(path), map_location=torch.device(device)))
    except (RuntimeError, ValueError) as error:
        raise ConfigurationError(f"victim {name!r}: {path} is not a TorchScript file ({first_line(error)})") from None
    return Scripted(script)


def _existing(file: str, name: str) -> Path:
    path = Path(file).expanduser()
    if not path.is_file():
        raise ConfigurationError(f"victim {name!r}: {path}: no such file")
    return path


def _mismatch(wanted: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> str:
    """Say in words how two sets of tensors differ; empty if they fit."""
    shapes = [
        f"{key} has shape {tuple(given[key].shape)} where {tuple(wanted[key].shape)} is needed"
        for key in sorted(wanted.keys() & given.keys())
        if given[key].shape != wanted[key].shape
    ]
    parts = {
        "missing": sorted(wanted.keys() - given.keys()),
        "unexpected": sorted(given.keys() - wanted.keys()),
        "shapes": shapes,
    }
    return "; ".join(f"{what}: {_shorten(items)}" for what, items in parts.items() if items)


def _shorten(items: list[str]) -> str:
    more = f" and {len(items) - _SHOWN} more" if len(items) > _SHOWN else ""
    return ", ".join(items[:_SHOWN]) + more
