"""The resolved description of one trial, and its content id. A trial is a pure function of its `TrialSpec`."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, is_dataclass
from typing import Any, Literal

PROTOCOL = 1
"""Version of the rules by which trials are run and scored; results of different versions are never compared."""


@dataclass(frozen=True)
class Component:
    """A registered thing by name, with all of its parameters resolved."""

    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def without(self, *names: str) -> Component:
        """The same thing with some parameters left out: a data set without its ``rows`` is whole."""
        return Component(self.name, {key: value for key, value in self.parameters.items() if key not in names})


Optimizer = Literal["sgd", "adam"]
LearningRate = Literal["cosine", "constant", "multistep"]
Augmentation = Literal["none", "crop", "crop-flip"]


@dataclass(frozen=True)
class TrainingRecipe:
    """How a victim (or the supervised bound) is trained on labelled data.

    Attributes:
        epochs, batch_size: passes over the data; images a step.
        optimizer: ``sgd`` (momentum 0.9, Nesterov off) or ``adam``.
        learning_rate, momentum, weight_decay: of the optimiser.
        schedule: ``cosine`` per step down to 0, ``constant``, or ``multistep`` (x0.1 at 50 % and 75 %).
        augment: ``none``, ``crop`` (random crop, padding 4) or ``crop-flip`` (and horizontal flip).
    """

    epochs: int = 15
    batch_size: int = 128
    optimizer: Optimizer = "adam"
    learning_rate: float = 1e-3
    momentum: float = 0.9
    weight_decay: float = 5e-4
    schedule: LearningRate = "cosine"
    augment: Augmentation = "none"


OnAlarm = Literal["audit", "label", "refuse"]
Outputs = Literal["logits", "log-probabilities", "probabilities"]
"""What a network returns."""


@dataclass(frozen=True)
class VictimSpec:
    """A victim: trained by a recipe and cached, or the user's own weights.

    Attributes:
        name: as in the benchmark file; shown in results.
        data: the data set; trained on its ``train`` split, scored on its ``test`` split.
        image_size: height and width that images are resized to; None leaves them.
        network: a registered network, or None if ``factory`` or ``torchscript`` is given.
        training: recipe, or None if weights are given.
        seed: of initial weights and data order.
        factory: ``module:callable`` that returns an ``nn.Module`` of logits.
        weights: safetensors file for ``network`` or ``factory``.
        torchscript: TorchScript file that returns logits.
        mean, std: per-channel normalisation that is put before the network; None for none.
        registered: a registered victim, which brings network and weights; then no other of these is given.
        outputs: what the network returns; None where it is logits, or is to be seen.
    """

    name: str
    data: Component
    image_size: tuple[int, int] | None = None
    network: Component | None = None
    training: TrainingRecipe | None = None
    seed: int = 0
    factory: str | None = None
    weights: str | None = None
    torchscript: str | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    registered: Component | None = None
    outputs: Outputs | None = None


@dataclass(frozen=True)
class TrialSpec:
    """One attack, one victim, one channel, one budget, one seed.

    Attributes:
        kind: ``attack``, or ``supervised``: the clone network trained on the victim's own training data, a
            reference row (its attack is named ``supervised`` and its budget is 0).
        variant: names the attack's parameters in leaderboards, e.g. ``l1`` or ``l1,as-printed``.
        clone: the clone's network.
        pool: data set of unlabelled inputs for attacks of the pool family.
        data_prior: what the attacker has: ``none``, ``public`` or ``problem-domain``.
        evaluations: number of evaluations, evenly spaced in queries (more are added at the start).
        evaluation_share: at most how much of a trial's forward passes evaluations take; those before the last one look
            at no more test inputs than that allows. 1 for all inputs at every one. See
            `mebench.trial.metrics.schedule`.
        track: who trains the clone that is scored: ``native``, the attack itself, or ``standard``, one fixed learner on
            the queries that the attack asked; see `mebench.trial.standard_track`.
        metrics: registered metrics that are measured besides those of every trial.
        tf32: allow TF32 on a GPU; off by default, since it drowns forward differences at step 1e-3 in rounding.
        compile: compile the attack's generator with ``torch.compile``.
        bf16: train clone and generator in bfloat16; see `mebench.models.networks.precision`.
        defences: the owner's, from the channel outwards; those of inputs come before all others, whatever their place.
        recoveries: the attacker's, from the oracle inwards.
        detectors: watch the streams of clients.
        reserve: labelled data of the owner's own, of which defences and detectors learn; its training split.
        clients: over how many clients an attack spreads its queries, one by one.
        on_alarm: what becomes of a client after a detector's alarm: nothing (``audit``), ``label``: only labels are
            answered, or ``refuse``.
    """

    victim: VictimSpec
    channel: Component
    attack: Component
    variant: str
    clone: Component
    budget: int
    seed: int
    kind: Literal["attack", "supervised"] = "attack"
    pool: Component | None = None
    data_prior: Literal["none", "public", "problem-domain"] = "none"
    evaluations: int = 20
    track: Literal["native", "standard"] = "native"
    tf32: bool = False
    protocol: int = PROTOCOL
    metrics: tuple[Component, ...] = ()
    compile: bool = False
    evaluation_share: float = 0.05
    bf16: bool = False
    defences: tuple[Component, ...] = ()
    recoveries: tuple[Component, ...] = ()
    detectors: tuple[Component, ...] = ()
    reserve: Component | None = None
    clients: int = 1
    on_alarm: OnAlarm = "audit"

    def to_json(self) -> dict[str, Any]:
        """The spec as plain JSON values."""
        plain: dict[str, Any] = json.loads(json.dumps(self, default=_fields))
        return plain

    @staticmethod
    def from_json(plain: Mapping[str, Any]) -> TrialSpec:
        """The inverse of ``to_json``."""
        values = dict(plain)
        values["victim"] = victim_from_json(values["victim"])
        for key in ("channel", "attack", "clone", "pool", "reserve"):
            values[key] = component_from_json(values.get(key))
        for key in ("metrics", "defences", "recoveries", "detectors"):
            values[key] = tuple(Component(one["name"], dict(one["parameters"])) for one in values.get(key, ()))
        return TrialSpec(**values)

    @property
    def digest(self) -> str:
        """Ten hexadecimal digits of the resolved spec, whatever the order of its keys."""
        return content_digest(self)

    @property
    def settings_digest(self) -> str:
        """Ten hexadecimal digits of all but the seed: trials that share it are one row before one victim."""
        return content_digest({name: value for name, value in _fields(self).items() if name != "seed"})

    @property
    def id(self) -> str:
        """Readable prefix and digest; the name of the trial's folder."""
        return f"{self.prefix}-{self.digest}"

    @property
    def prefix(self) -> str:
        """The readable part of the id: attack, variant, victim, channel, defences, budget and seed."""
        words = [self.attack.name, self.variant, self.victim.name, self.channel.name]
        words += [one.name for one in self.defences]
        words += [self.track] if self.track != "native" else []
        prefix = "-".join(re.sub(r"[^a-z0-9.]+", "-", word.lower()).strip("-.") for word in words)
        return f"{prefix[:80]}-q{self.budget}-s{self.seed}"


LATE_FIELDS: Mapping[str, Any] = {
    "metrics": (),
    "compile": False,
    "evaluation_share": 0.05,
    "bf16": False,
    "defences": (),
    "recoveries": (),
    "detectors": (),
    "reserve": None,
    "clients": 1,
    "on_alarm": "audit",
}
"""Fields that came later than others, left out where they have these values."""
LATE_OF_VICTIMS = frozenset({"registered", "outputs"})
"""Fields of victims that came later than others, left out where they are None."""


def content_digest(plain: Any) -> str:
    """Ten hexadecimal digits of JSON values or dataclasses of these, whatever the order of keys."""
    text = json.dumps(plain, default=_fields, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:10]


_NEVER = object()


def _fields(value: Any) -> dict[str, Any]:
    """The fields of a dataclass; four times quicker than ``asdict``, which copies all of them."""
    if isinstance(value, VictimSpec):  # as before there were these fields
        return {name: field for name, field in vars(value).items() if field is not None or name not in LATE_OF_VICTIMS}
    if not is_dataclass(value):
        raise TypeError(f"{type(value).__name__} is not JSON")
    if isinstance(value, TrialSpec):  # ids stay what they were before there were these fields
        return {name: field for name, field in vars(value).items() if field != LATE_FIELDS.get(name, _NEVER)}
    return vars(value)


def component_from_json(plain: Mapping[str, Any] | None) -> Component | None:
    """The inverse of ``asdict`` for an optional component."""
    return None if plain is None else Component(plain["name"], dict(plain["parameters"]))


def victim_from_json(plain: Mapping[str, Any]) -> VictimSpec:
    """The inverse of ``asdict`` for a victim."""
    values = dict(plain)
    values["data"] = component_from_json(values["data"])
    for key in ("network", "registered"):
        values[key] = component_from_json(values.get(key))
    if values.get("training") is not None:
        values["training"] = TrainingRecipe(**values["training"])
    for key in ("image_size", "mean", "std"):
        if values.get(key) is not None:
            values[key] = tuple(values[key])
    return VictimSpec(**values)
