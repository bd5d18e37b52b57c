"""Tiny real trials on the embedded images; the victim is trained once per test session."""

from __future__ import annotations

from mebench.api.spec import Component, TrainingRecipe, TrialSpec, VictimSpec
from mebench.registry.catalogue import registry
from mebench.registry.entries import AttackEntry, ChannelEntry, NetworkEntry
from mebench.registry.entry import Entry

VICTIM = VictimSpec(
    "tiny",
    data=Component("fashion-mnist-10k", {"rows": [0, 600]}),
    image_size=(8, 8),
    network=Component("mlp", {}),
    training=TrainingRecipe(epochs=12, batch_size=32, learning_rate=3e-3),
)
SMALL = {"batch_size": 16, "generator_width": 4, "noise_dim": 8}


def resolved(component: Component, kind: type[Entry]) -> Component:
    """All parameters filled in."""
    return Component(component.name, registry().get(kind, component.name).resolve(component.parameters))


def tiny_trial(
    attack: str = "dfme", channel: str = "probability", budget: int = 700, seed: int = 0, parameters=SMALL, **fields
) -> TrialSpec:
    """A trial that takes a second."""
    entry = registry().get(AttackEntry, attack)
    values = entry.resolve(parameters)
    fields.setdefault("evaluations", 5)
    return TrialSpec(
        victim=fields.pop("victim", VICTIM),
        channel=resolved(Component(channel), ChannelEntry),
        attack=Component(attack, values),
        variant=entry.variant(values),
        clone=resolved(Component("mlp"), NetworkEntry),
        budget=budget,
        seed=seed,
        **fields,
    )
