"""The stages on which checks run attacks: small victims, pools and clones, made anew for every run."""

from __future__ import annotations

import copy
import functools
from dataclasses import dataclass

import torch
from torch import nn

from mebench.api.contract import InputSpec, Victim
from mebench.api.spec import Component, TrainingRecipe, VictimSpec
from mebench.data.dataset import Dataset, as_inputs
from mebench.data.datasets import load_dataset
from mebench.data.pools import DatasetPool
from mebench.models.networks.build import build_network
from mebench.models.victims.loading import PreparedVictim, prepare_victim

SMALL = InputSpec((1, 8, 8), 10)
POOL_SIZE = 400
MLP = Component("mlp", {})


@dataclass(frozen=True)
class Stage:
    """Where an attack is run.

    Attributes:
        spec: what the victim takes.
        budget: queries.
        seed: of the trial.
        clone: of the attacker.
        victim_seed: of an untrained victim.
        certainty: multiplies the victim's logits; 1e4 makes every probability 0 or 1.
        trained: take the victim that was trained on images, with a pool of its domain, instead.
        pool_size: unlabelled inputs, for attacks of the pool family.
    """

    spec: InputSpec = SMALL
    budget: int = 150
    seed: int = 0
    clone: Component = MLP
    victim_seed: int = 1
    certainty: float = 1.0
    trained: bool = False
    pool_size: int = POOL_SIZE

    def victim(self) -> Victim:
        """A fresh victim; a trained one is a copy, so that no run can spoil it."""
        if self.trained:
            return copy.deepcopy(trained_victim().victim)
        network = build_network(Component("mlp", {"hidden": [24]}), self.spec, self.victim_seed + 1000)
        return Victim(_Scaled(network, 4 * self.certainty), self.spec)

    def initial_clone(self) -> nn.Module:
        """The attacker's network, the same at every call."""
        return build_network(self.clone, self.spec, self.seed)

    def pool(self) -> DatasetPool:
        """Unlabelled inputs: of the victim's domain if it is trained, else smooth random images."""
        if self.trained:
            data = Component(SMOKE_VICTIM.data.name, {"rows": list(POOL_ROWS)})
            return DatasetPool(load_dataset(data, "train"), SMOKE_SIZE, public=True)
        random = torch.Generator().manual_seed(7)
        channels, height, width = self.spec.shape
        coarse = torch.randint(256, (self.pool_size, channels, 4, 4), generator=random, dtype=torch.uint8)
        images = (as_inputs(coarse, (height, width)) * 255).to(torch.uint8)
        labels = torch.zeros(self.pool_size, dtype=torch.int64)
        return DatasetPool(Dataset("smooth", images, labels, self.spec.num_classes, "made"), public=True)


class _Scaled(nn.Module):
    """Multiplies a network's logits."""

    def __init__(self, network: nn.Module, factor: float) -> None:
        super().__init__()
        self.network, self.factor = network, factor

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return logits (B, c)."""
        logits: torch.Tensor = self.network(inputs) * self.factor
        return logits


SMOKE_SIZE = (16, 16)
POOL_ROWS = (6000, 8000)
"""Of the data set of the trained victim, which has seen others."""
SMOKE_VICTIM = VictimSpec(
    "conformance",
    data=Component("fashion-mnist-10k", {"rows": [0, 2000]}),
    image_size=SMOKE_SIZE,
    network=Component("lenet5", {}),
    training=TrainingRecipe(epochs=8, batch_size=32, learning_rate=3e-3),
)


@functools.cache
def trained_victim() -> PreparedVictim:
    """LeNet-5 on 2,000 embedded images, trained once per cache in a few seconds, with its test set."""
    with torch.random.fork_rng(devices=[]):
        return prepare_victim(SMOKE_VICTIM)


def trained_stage(budget: int, seed: int = 0) -> Stage:
    """The stage of the trained victim."""
    return Stage(trained_victim().spec, budget, seed, trained=True)


@functools.cache
def real_images(pool: bool) -> torch.Tensor:
    """The images of the trained victim's data set that an attack was not given, (N, \\*shape): its pool is."""
    train = load_dataset(Component(SMOKE_VICTIM.data.name, {}), "train")
    rows = [row for row in range(len(train)) if not (pool and row in range(*POOL_ROWS))]
    return torch.cat([train.inputs(rows, SMOKE_SIZE), trained_victim().test_inputs])
