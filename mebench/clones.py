"""The attacker's network."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import save
from torch import nn

from mebench.networks.build import guarded_network
from mebench.randomness import derive_seed
from mebench.spec import TrialSpec
from mebench.store import write_atomically
from mebench.victims.loading import PreparedVictim


def initial_clone(spec: TrialSpec, victim: PreparedVictim) -> nn.Module:
    """The freshly initialised clone: the same for every attack with this seed and clone network."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed(spec.seed, "clone"))
        return guarded_network(spec.clone, victim.spec)


def save_clone(path: Path, clone: nn.Module) -> None:
    """Write the clone's weights as safetensors."""
    tensors = {name: value.detach().cpu().contiguous().clone() for name, value in clone.state_dict().items()}
    write_atomically(path, save(tensors))
