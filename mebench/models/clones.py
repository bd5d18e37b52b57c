"""The attacker's network."""

from __future__ import annotations

from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import nn

from mebench.api.errors import ResultsError
from mebench.api.files import write_atomically
from mebench.api.random_streams import derive_seed, seeded_globals
from mebench.api.spec import TrialSpec
from mebench.data.datasets import load_dataset, load_pool
from mebench.data.pools import DatasetPool
from mebench.data.text.words import Lexicon
from mebench.models.networks.build import guarded_network
from mebench.models.utf8_paths import utf8_path
from mebench.models.victims.loading import PreparedVictim
from mebench.models.weights import weights_hash
from mebench.registry.catalogue import registry
from mebench.registry.entries import NetworkEntry


def initial_clone(spec: TrialSpec, victim: PreparedVictim, pool: DatasetPool | None = None) -> nn.Module:
    """The freshly initialised clone: the same for every attack with this seed, clone network and pool.

    Args:
        spec: of the trial.
        victim: says what the clone takes.
        pool: that of the trial, if it is at hand; else it is read where it is needed.
    """
    lexicon = _lexicon(spec, pool) if registry().get(NetworkEntry, spec.clone.name).inputs == "texts" else None
    with seeded_globals(derive_seed(spec.seed, "clone")):
        return guarded_network(spec.clone, victim.spec, lexicon)


def _lexicon(spec: TrialSpec, pool: DatasetPool | None) -> Lexicon | None:
    """The words that the clone knows: those of what its owner has, or the public list alone where that is nothing."""
    if spec.kind == "supervised":
        return load_dataset(spec.victim.data, "train").lexicon()
    pool = load_pool(spec) if pool is None else pool
    if pool is not None:
        return pool.lexicon()
    tests = load_dataset(spec.victim.data.without("rows"), "test").lexicon()
    return tests and Lexicon.complete(tests.words)


def save_clone(path: Path, clone: nn.Module) -> None:
    """Write the clone's weights as safetensors."""
    tensors = {name: value.detach().cpu().contiguous().clone() for name, value in clone.state_dict().items()}
    write_atomically(path, save(tensors))


def load_clone(spec: TrialSpec, victim: PreparedVictim, path: Path, digest: str = "") -> nn.Module:
    """The clone of a finished trial, in eval mode.

    Args:
        spec: of the trial.
        victim: the one that it was before, or one of the same input spec.
        path: what `save_clone` wrote.
        digest: of the weights that were scored, as `weights_hash` makes it; empty in older results.

    Raises:
        ResultsError: no such file, or its tensors do not fit the clone's network, or are not those that were scored.
    """
    clone = initial_clone(spec, victim)
    try:
        with utf8_path(path) as file:
            tensors = load_file(file)
            clone.load_state_dict(tensors)
    except FileNotFoundError:
        raise ResultsError(f"{path}: no such file") from None
    except (SafetensorError, RuntimeError, OSError) as error:
        raise ResultsError(f"{path}: does not fit {spec.clone.name}: {str(error).splitlines()[0]}") from None
    if digest and weights_hash(tensors) != digest:
        raise ResultsError(f"{path}: was changed after the trial had ended: its weights are not those of result.json")
    return clone.eval()
