"""Making a victim ready: trained by its recipe, taken from the cache, or loaded from the user's own file."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from mebench.api.contract import InputSpec, Victim
from mebench.api.errors import ConfigurationError
from mebench.api.notices import notice
from mebench.api.progress import OnProgress, ShouldStop, ignore, never
from mebench.api.random_streams import derive_seed, seeded_globals
from mebench.api.spec import VictimSpec
from mebench.api.victim_rules import line_of, wrongly_given
from mebench.data.dataset import Dataset
from mebench.data.datasets import load_dataset
from mebench.data.picture_files import in_words
from mebench.data.text.words import Lexicon
from mebench.models.victims.behaviour import Behaviour, behaviour
from mebench.models.victims.blame import blamed_on
from mebench.models.victims.harmless import leaving_the_process, watched_answers
from mebench.models.victims.outputs import all_answers, answers
from mebench.models.victims.own import code_of, load_own_network
from mebench.models.victims.setting import VictimSetting
from mebench.models.victims.trained import cached_or_trained
from mebench.models.victims.tried import Tried, tried_once
from mebench.registry.catalogue import registry
from mebench.registry.entries import NetworkEntry, VictimEntry

AS_IT_SHOULD = Behaviour()
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
        source: ``trained now``, ``cache``, ``user's weights``, or the plugin that brought it, with its version.
        test_inputs: (N, \\*shape) on the device; for the evaluation only.
        test_labels: (N,) int64 on the device.
        network_parameters: number of trainable values (0 if a TorchScript file hides them).
        note: what the user should know, e.g. that a damaged cache entry was replaced; usually empty.
        behaviour: what it did when it was tried; nothing odd of what mebench has trained with networks of its own.
        cached: the name of its folder among the cached victims; empty where it is in none.
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
    behaviour: Behaviour = AS_IT_SHOULD
    cached: str = ""


def prepare_victim(
    spec: VictimSpec,
    *,
    device: torch.device | str = "cpu",
    on_progress: OnProgress = ignore,
    should_stop: ShouldStop = never,
) -> PreparedVictim:
    """Train a victim, take it from the cache, or load the user's own.

    Args:
        spec: the victim. ``rows`` of its data apply to the training split; the test split is always whole.
        device: where it is trained and returned.
        on_progress: told after every epoch of a training.
        should_stop: asked before every step of a training, and while another process trains the same victim.

    Raises:
        ConfigurationError: the spec, a file or a network is wrong.
        DataUnavailableError: the data is not to be had.
        Stopped: ``should_stop`` said so; a training is kept, and goes on from there.
    """
    _check(spec)
    spec = _resolved(spec)
    setting = VictimSetting(spec, load_dataset(spec.data.without("rows"), "test", spec.image_size), device)
    _tell_size(setting)
    if setting.inputs.discrete:
        _check_for_texts(spec)
    if spec.training is None:
        network, digest = load_own_network(spec, setting.inputs, device, _lexicon(spec))
        return _prepared(setting, network, digest, setting.test.digest, _source(spec))
    train = load_dataset(spec.data, "train", spec.image_size)
    trained = cached_or_trained(replace(setting, lexicon=train.lexicon()), train, on_progress, should_stop)
    digest, accuracy = trained.record["weights_hash"], trained.record["accuracy"]
    prepared = _prepared(setting, trained.network, digest, trained.data_hash, trained.source, accuracy, trained.note)
    return replace(prepared, cached=trained.folder)


def untrained_victim(spec: VictimSpec, *, device: torch.device | str = "cpu") -> PreparedVictim:
    """A victim as it is before it has learnt anything, for what needs its size and speed alone.

    One that comes with its weights is loaded as `prepare_victim` does, and raises what that raises.
    """
    if spec.training is None:
        return prepare_victim(spec, device=device)
    _check(spec)
    spec = _resolved(spec)
    train = load_dataset(spec.data, "train", spec.image_size)
    test = load_dataset(spec.data.without("rows"), "test", spec.image_size)
    setting = VictimSetting(spec, test, device, train.lexicon())
    return _held(setting, setting.untrained(), "", train.digest, "untrained", Tried(0.0, AS_IT_SHOULD))


def _prepared(
    setting: VictimSetting,
    network: nn.Module,
    weights_hash: str,
    data_hash: str,
    source: str,
    accuracy: float | None = None,
    note: str = "",
) -> PreparedVictim:
    """Check what the victim returns, and score it unless that was done when it was trained."""
    untried = Tried(accuracy or 0.0, AS_IT_SHOULD)
    held = _held(setting, network, weights_hash, data_hash, source, untried, note)
    victim, test_inputs, test_labels = held.victim, held.test_inputs, held.test_labels
    ask = watched_answers if setting.of_others else answers
    ask(victim, test_inputs[:_PROBE])
    if setting.of_others or accuracy is None:

        def measure() -> Tried:
            seeded = seeded_globals(derive_seed(setting.spec.seed, "victim tried"), setting.device)
            name = setting.spec.name
            with seeded, leaving_the_process(name), blamed_on(name, "be tried"):
                labels = all_answers(victim, test_inputs).argmax(1)
                measured = float((labels == test_labels).double().mean()) if accuracy is None else accuracy
                return Tried(measured, behaviour(victim, test_inputs, test_labels, measured, setting.spec.outputs))

        tried = tried_once(setting.spec, weights_hash, data_hash, code_of(setting.spec), measure)
        for line in tried.behaviour.notes(setting.spec.name):
            notice(line)
        return replace(held, accuracy=tried.accuracy, behaviour=tried.behaviour)
    return held


def _held(
    setting: VictimSetting,
    network: nn.Module,
    weights_hash: str,
    data_hash: str,
    source: str,
    tried: Tried,
    note: str = "",
) -> PreparedVictim:
    """A network as a victim, with its test set on the device."""
    return PreparedVictim(
        victim=setting.victim(network),
        spec=setting.inputs,
        accuracy=tried.accuracy,
        weights_hash=weights_hash,
        data_hash=data_hash,
        source=source,
        test_inputs=setting.test.inputs(None, setting.spec.image_size).to(setting.device),
        test_labels=setting.test.labels.to(setting.device),
        network_parameters=sum(value.numel() for value in network.parameters()),
        note=note,
        behaviour=tried.behaviour,
    )


def _check(spec: VictimSpec) -> None:
    """Check that a victim is given in one way.

    A registered one has its normalisation from its entry.
    """
    keys = ("network", "factory", "torchscript", "training", "weights", "mean", "std")
    given = {key: getattr(spec, key) for key in keys} | {"victim": spec.registered}
    if problems := [line_of(spec.name, problem) for problem in wrongly_given(given)]:
        raise ConfigurationError(*problems)


def _tell_size(setting: VictimSetting) -> None:
    """Say so where images are of another size than the victim is given, and nobody has said which it takes."""
    spec, given = setting.spec, setting.inputs.shape
    original = setting.test.original if isinstance(setting.test, Dataset) else None
    if spec.image_size is not None or original is None or original.published or original.sizes == {given[1:]}:
        return
    notice(
        f"victim {spec.name!r}: its images, of {in_words(original.sizes)}, are resized to {given[1]} x {given[2]}, the "
        f"`size` of {spec.data.name}; give an image_size if it takes another"
    )


def _check_for_texts(spec: VictimSpec) -> None:
    """Check that a victim of texts asks for nothing that only images have."""
    augmented = spec.training is not None and spec.training.augment != "none"
    given = {"image_size": spec.image_size, "mean": spec.mean, "std": spec.std, "augment": augmented or None}
    if unfit := [key for key, value in given.items() if value is not None]:
        raise ConfigurationError(f"victim {spec.name!r} takes texts, to which {' and '.join(unfit)} cannot be applied")


def _lexicon(spec: VictimSpec) -> Lexicon | None:
    """The words of the training data, for a network that must know them to fit its weights."""
    if spec.network is None or registry().get(NetworkEntry, spec.network.name).inputs != "texts":
        return None
    return load_dataset(spec.data, "train").lexicon()


def _source(spec: VictimSpec) -> str:
    return registry().origin(VictimEntry, spec.registered.name) if spec.registered else "user's weights"


def _resolved(spec: VictimSpec) -> VictimSpec:
    """Fill in the network's default parameters, so that leaving one out makes no other cache key."""
    if spec.network is None:
        return spec
    return replace(spec, network=registry().get(NetworkEntry, spec.network.name).as_component(spec.network.parameters))
