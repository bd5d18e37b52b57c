"""A victim that is trained by its recipe, or taken from the cache if it was trained before."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import platform
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

import torch
from torch import Tensor, nn

from mebench.api.errors import ConfigurationError, UnwritableError
from mebench.api.progress import OnProgress, Progress, ShouldStop
from mebench.api.random_streams import derive_seed, seeded_globals
from mebench.api.spec import VictimSpec
from mebench.api.version import VERSION
from mebench.data.labelled import Labelled
from mebench.data.pools import DatasetPool
from mebench.models.victims import cache
from mebench.models.victims.blame import blamed_on
from mebench.models.victims.factory import factory_digest
from mebench.models.victims.kept_training import KeptTraining
from mebench.models.victims.outputs import answers
from mebench.models.victims.setting import VictimSetting
from mebench.models.victims.training import train_classifier
from mebench.models.weights import unsaid, weights_hash
from mebench.registry.catalogue import registry
from mebench.registry.entries import NetworkEntry

_log = logging.getLogger(__name__)
_PROBE, _NAMED = 16, 3  # rows that a network is compared on with what is kept of it; tensors that are named


@dataclass(frozen=True, eq=False)
class TrainedNetwork:
    """A network with its record in the cache.

    Attributes:
        network: without the victim's normalisation.
        record: what ``victim.json`` holds: accuracy, hashes, recipe, seconds, versions.
        data_hash: of both splits of its data.
        source: ``trained now`` or ``cache``.
        note: what the user should know, or nothing.
        folder: its name in the cache; empty if it could not be kept there.
    """

    network: nn.Module
    record: dict[str, Any]
    data_hash: str
    source: str
    note: str = ""
    folder: str = ""


def cached_or_trained(
    setting: VictimSetting, train: Labelled, on_progress: OnProgress, should_stop: ShouldStop
) -> TrainedNetwork:
    """Take a victim from the cache, or train it and put it there; another process that needs it waits.

    Raises:
        ConfigurationError: the training diverged.
        Stopped: ``should_stop`` said so; the training is kept, and goes on from there.
    """
    spec = setting.spec
    data_hash = _data_hash(train, setting.test)
    code = _code(spec)
    key = cache.cache_key(spec, data_hash, torch.__version__, code)
    note = ""
    with contextlib.suppress(cache.DamagedEntryError):  # an entry is there whole or not at all: nobody need wait for it
        if found := _found(setting, key, data_hash):
            return found
    with cache.locked(key, should_stop):
        try:
            if found := _found(setting, key, data_hash):
                return found
        except cache.DamagedEntryError as error:
            note = _noted(f"the cached victim was damaged and is trained again: {error}")
        network = setting.untrained()
        kept = KeptTraining(cache.training_file(key))
        measured = _train(setting, network, train, kept, on_progress, should_stop)
        record = _record(setting, network, train, data_hash) | measured
        folder = ""
        try:
            folder = cache.save(spec.name, key, network, record).name
        except (OSError, UnwritableError) as error:
            note = _noted(f"the trained victim could not be cached: {error}")
        kept.remove()
    return TrainedNetwork(network, record, data_hash, "trained now", note, folder)


def _found(setting: VictimSetting, key: str, data_hash: str) -> TrainedNetwork | None:
    """The victim in the cache, if it is there.

    Raises:
        DamagedEntryError: it is, and cannot be used.
    """
    folder = cache.find(key)
    if folder is None:
        return None
    network = setting.untrained()
    return TrainedNetwork(network, cache.load(folder, network), data_hash, "cache", folder=folder.name)


def _code(spec: VictimSpec) -> str:
    """What says which code makes the network: a digest of a factory's file, or a plugin with its version and digest."""
    if spec.factory is not None:
        return factory_digest(spec.factory, spec.name)
    assert spec.network is not None
    known, name = registry(), spec.network.name
    if known.ships(NetworkEntry, name):
        return ""
    digests = (code.digest for code in known.code(NetworkEntry, name).values())
    return " ".join([known.origin(NetworkEntry, name), *digests])


def _train(
    setting: VictimSetting,
    network: nn.Module,
    train: Labelled,
    kept: KeptTraining,
    on_progress: OnProgress,
    should_stop: ShouldStop,
) -> dict[str, Any]:
    """Train ``network`` in place, or go on with it, and return what was measured."""
    spec, recipe = setting.spec, setting.spec.training
    assert recipe is not None
    started = time.monotonic()
    seeded = seeded_globals(derive_seed(spec.seed, "victim dropout"), setting.device)
    with seeded, blamed_on(spec.name, "be trained"):
        train_classifier(
            setting.normalised(network),
            DatasetPool(train, spec.image_size),
            train.labels,
            recipe,
            generator=torch.Generator().manual_seed(derive_seed(spec.seed, "victim data")),
            device=setting.device,
            on_progress=on_progress,
            should_stop=should_stop,
            kept=kept,
        )
    seconds = time.monotonic() - started
    tensors = network.state_dict()
    if not all(bool(torch.isfinite(value).all()) for value in tensors.values()):
        kept.remove()
        raise ConfigurationError(f"victim {spec.name!r}: its training diverged; lower the learning rate")
    try:
        _check_whole(setting, network)
    except ConfigurationError:
        kept.remove()
        raise
    accuracy = setting.accuracy(setting.victim(network))
    on_progress(Progress(recipe.epochs, recipe.epochs, "epochs", accuracy, "victim"))
    return {"accuracy": accuracy, "weights_hash": weights_hash(tensors), "seconds": round(seconds, 1)}


def _check_whole(setting: VictimSetting, network: nn.Module) -> None:
    """Make sure that what is kept of a network, its ``state_dict()``, makes another one answer as it does.

    Raises:
        ConfigurationError: it leaves out what the answers depend on and what training has changed.
    """
    said = network.state_dict()
    if not (left_out := unsaid(network, said)):
        return
    name, again = setting.spec.name, setting.untrained()
    with blamed_on(name, "be kept by its state_dict()"):
        again.load_state_dict(said)
    seed, rows = derive_seed(setting.spec.seed, "victim tried"), torch.arange(min(_PROBE, len(setting.test)))
    inputs = setting.test.inputs(rows, setting.spec.image_size).to(setting.device)
    found: list[Tensor] = []
    for one in (network, again):
        with seeded_globals(seed, setting.device):
            found.append(answers(setting.victim(one), inputs))
    if not torch.equal(*found):
        raise ConfigurationError(
            f"victim {name!r}: its state_dict(), by which what is trained is kept, leaves out "
            f"{', '.join(sorted(left_out)[:_NAMED])}, and without it answers otherwise: make it a parameter or a "
            "persistent buffer"
        )


def _record(setting: VictimSetting, network: nn.Module, train: Labelled, data_hash: str) -> dict[str, Any]:
    """What is known of a victim before it is trained."""
    return {
        "name": setting.spec.name,
        "spec": asdict(setting.spec),
        "data_hash": data_hash,
        "data_source": train.source,
        "input_shape": list(setting.inputs.shape),
        "parameters": sum(value.numel() for value in network.parameters()),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "device": str(setting.device),
        "versions": {
            "mebench": VERSION,
            "torch": str(torch.__version__),
            "python": platform.python_version(),
        },
    }


def _data_hash(train: Labelled, test: Labelled) -> str:
    """Sixteen hexadecimal digits of both splits and the number of classes."""
    return hashlib.sha256(f"{train.digest} {test.digest} {train.num_classes}".encode()).hexdigest()[:16]


def _noted(note: str) -> str:
    _log.warning("%s", note)
    return note
