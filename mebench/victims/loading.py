"""Making a victim ready: trained by its recipe, taken from the cache, or loaded from the user's own file."""

from __future__ import annotations

import hashlib
import logging
import platform
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

import torch
from torch import Tensor, nn

import mebench
from mebench.api import InputSpec, Victim
from mebench.data.dataset import Dataset
from mebench.data.datasets import load_dataset
from mebench.data.pools import Pool
from mebench.errors import ConfigurationError
from mebench.networks.build import build_network
from mebench.plugins import registry
from mebench.progress import Progress, Report, ShouldStop, ignore, never
from mebench.randomness import derive_seed
from mebench.serial import weights_hash
from mebench.spec import Component, VictimSpec
from mebench.victims import cache
from mebench.victims.normalise import with_normalisation
from mebench.victims.own import call_factory, check_outputs, factory_digest, load_own_network
from mebench.victims.training import predict, train_classifier

_log = logging.getLogger(__name__)
_PROBE = 2  # rows that are tried before anything else is asked of a victim


@dataclass(frozen=True, eq=False)
class PreparedVictim:
    """A victim with all that a trial needs of it.

    Attributes:
        victim: on the device that was asked for, frozen, in eval mode.
        spec: what it takes.
        accuracy: on all test images, in [0, 1].
        weights_hash: of the network's tensors in the order of their names, or of a TorchScript file.
        data_hash: of the training and test data; of the test data alone for the user's own weights.
        source: ``trained now``, ``cache`` or ``user's weights``.
        test_inputs: (N, \\*shape) float32 on the device; for the evaluation only.
        test_labels: (N,) int64 on the device.
        network_parameters: number of trainable values (0 if a TorchScript file hides them).
        note: what the user should know, e.g. that a damaged cache entry was replaced; usually empty.
    """

    victim: Victim
    spec: InputSpec
    accuracy: float
    weights_hash: str
    data_hash: str
    source: str
    test_inputs: Tensor
    test_labels: Tensor
    network_parameters: int
    note: str = ""


def prepare_victim(
    spec: VictimSpec,
    *,
    device: torch.device | str = "cpu",
    report: Report = ignore,
    should_stop: ShouldStop = never,
) -> PreparedVictim:
    """Train a victim, take it from the cache, or load the user's own.

    Args:
        spec: the victim. ``rows`` of its data apply to the training split; the test split is always whole.
        device: where it is trained and returned.
        report: told after every epoch of a training.
        should_stop: asked before every step of a training, and while another process trains the same victim.

    Raises:
        ConfigurationError: the spec, a file or a network is wrong.
        DataUnavailableError: the data is not to be had.
        Stopped: ``should_stop`` said so; nothing was saved.
    """
    _check(spec)
    spec = _resolved(spec)
    test = load_dataset(_whole(spec.data), "test")
    if spec.training is None:
        return _load_own(spec, test, device)
    train = load_dataset(spec.data, "train")
    inputs = input_spec(train, spec.image_size)
    data_hash = hashlib.sha256(f"{train.digest} {test.digest} {train.num_classes}".encode()).hexdigest()[:16]
    code = factory_digest(spec.factory) if spec.factory else ""
    key = cache.cache_key(spec, data_hash, torch.__version__, code)
    network = _untrained(spec, inputs)
    with cache.locked(key, should_stop):
        note = ""
        if folder := cache.find(key):
            try:
                record = cache.load(folder, network)
                return _prepared(spec, network, inputs, record, data_hash, "cache", test, device)
            except cache.DamagedEntryError as error:
                note = f"the cached victim was damaged and is trained again: {error}"
                _log.warning("%s", note)
                network = _untrained(spec, inputs)
        record = _train(spec, network, inputs, train, test, data_hash, device, report, should_stop)
        try:
            cache.save(spec.name, key, network, record)
        except OSError as error:
            note = f"the trained victim could not be cached: {error}"
            _log.warning("%s", note)
    return _prepared(spec, network, inputs, record, data_hash, "trained now", test, device, note)


def input_spec(dataset: Dataset, image_size: tuple[int, int] | None) -> InputSpec:
    """What a classifier over these images takes."""
    return InputSpec(Pool(dataset, image_size).shape, dataset.num_classes)


def _check(spec: VictimSpec) -> None:
    given = [key for key in ("network", "factory", "torchscript") if getattr(spec, key) is not None]
    if len(given) != 1:
        raise ConfigurationError(
            f"victim {spec.name!r} needs exactly one of network, factory and torchscript"
            + (f", not {' and '.join(given)}" if given else "")
        )
    if spec.training is not None and (spec.torchscript is not None or spec.weights is not None):
        raise ConfigurationError(f"victim {spec.name!r}: a victim that comes with its weights cannot have `training`")
    if spec.training is None and spec.network is not None and spec.weights is None:
        raise ConfigurationError(f"victim {spec.name!r}: `network` needs `training` or `weights`")
    if spec.torchscript is not None and spec.weights is not None:
        raise ConfigurationError(f"victim {spec.name!r}: a TorchScript file holds its own weights")


def _resolved(spec: VictimSpec) -> VictimSpec:
    """Fill in the network's default parameters, so that leaving one out makes no other cache key."""
    if spec.network is None:
        return spec
    parameters = registry().get("network", spec.network.name).resolve(spec.network.parameters)
    return replace(spec, network=Component(spec.network.name, parameters))


def _whole(data: Component) -> Component:
    """The data set without its choice of rows."""
    return Component(data.name, {key: value for key, value in data.parameters.items() if key != "rows"})


def _untrained(spec: VictimSpec, inputs: InputSpec) -> nn.Module:
    seed = derive_seed(spec.seed, "victim weights")
    if spec.network is not None:
        return build_network(spec.network, inputs, seed)
    assert spec.factory is not None
    with _seeded(seed, "cpu"):
        return call_factory(spec.factory, spec.name)


def _train(
    spec: VictimSpec,
    network: nn.Module,
    inputs: InputSpec,
    train: Dataset,
    test: Dataset,
    data_hash: str,
    device: torch.device | str,
    report: Report,
    should_stop: ShouldStop,
) -> dict[str, Any]:
    """Train ``network`` in place and return the record for the cache."""
    assert spec.training is not None
    whole = with_normalisation(network, inputs, spec.mean, spec.std)
    started = time.monotonic()
    with _seeded(derive_seed(spec.seed, "victim dropout"), device):
        train_classifier(
            whole,
            Pool(train, spec.image_size),
            train.labels,
            spec.training,
            generator=torch.Generator().manual_seed(derive_seed(spec.seed, "victim data")),
            device=device,
            report=report,
            should_stop=should_stop,
        )
    seconds = time.monotonic() - started
    accuracy = _accuracy(Victim(whole, inputs, spec.name), test, spec.image_size, device)
    report(Progress(spec.training.epochs, spec.training.epochs, "epochs", accuracy, "victim"))
    return {
        "name": spec.name,
        "spec": asdict(spec),
        "accuracy": accuracy,
        "weights_hash": weights_hash(network.state_dict()),
        "data_hash": data_hash,
        "data_source": train.source,
        "parameters": sum(value.numel() for value in network.parameters()),
        "seconds": round(seconds, 1),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "device": str(device),
        "versions": {
            "mebench": mebench.__version__,
            "torch": str(torch.__version__),
            "python": platform.python_version(),
        },
    }


def _load_own(spec: VictimSpec, test: Dataset, device: torch.device | str) -> PreparedVictim:
    inputs = input_spec(test, spec.image_size)
    network, digest = load_own_network(spec, inputs)
    record: dict[str, Any] = {"weights_hash": digest}
    return _prepared(spec, network, inputs, record, test.digest, "user's weights", test, device)


def _prepared(
    spec: VictimSpec,
    network: nn.Module,
    inputs: InputSpec,
    record: dict[str, Any],
    data_hash: str,
    source: str,
    test: Dataset,
    device: torch.device | str,
    note: str = "",
) -> PreparedVictim:
    parameters = sum(value.numel() for value in network.parameters())
    whole = with_normalisation(network, inputs, spec.mean, spec.std)
    victim = Victim(whole, inputs, spec.name).to(device)
    test_inputs = test.inputs(None, spec.image_size).to(device)
    check_outputs(victim, test_inputs[:_PROBE])
    accuracy = record.get("accuracy")
    if accuracy is None:
        accuracy = _accuracy(victim, test, spec.image_size, device)
    return PreparedVictim(
        victim=victim,
        spec=inputs,
        accuracy=accuracy,
        weights_hash=record["weights_hash"],
        data_hash=data_hash,
        source=source,
        test_inputs=test_inputs,
        test_labels=test.labels.to(device),
        network_parameters=parameters,
        note=note,
    )


def _accuracy(victim: Victim, test: Dataset, image_size: tuple[int, int] | None, device: torch.device | str) -> float:
    predicted = predict(victim.to(device), Pool(test, image_size), device=device)
    return float((predicted == test.labels).double().mean())


@contextmanager
def _seeded(seed: int, device: torch.device | str) -> Iterator[None]:
    """Seed the global generators for a while (dropout draws from them) and leave them as they were."""
    where = torch.device(device)
    with torch.random.fork_rng(devices=[where] if where.type == "cuda" else []):
        torch.manual_seed(seed)
        yield
