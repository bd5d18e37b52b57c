"""What every way of preparing a victim shares: its spec, what it takes, its test data and its device."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import nn

from mebench.api.contract import InputSpec, Victim
from mebench.api.spec import VictimSpec
from mebench.data.labelled import Labelled
from mebench.data.pools import DatasetPool
from mebench.data.text.words import Lexicon
from mebench.models.networks.build import build_network
from mebench.models.victims.as_asked import AsAsked
from mebench.models.victims.blame import blamed_on
from mebench.models.victims.factory import call_factory
from mebench.models.victims.normalise import with_normalisation
from mebench.models.victims.own import initial_seed
from mebench.models.victims.training import predict
from mebench.registry.catalogue import registry
from mebench.registry.entries import NetworkEntry

MODES = "torch calls train(False) of every module of a network: name a method or attribute `train` of its own otherwise"


@dataclass(frozen=True, eq=False)
class VictimSetting:
    """A victim to be prepared.

    Attributes:
        spec: as asked for.
        test: the whole test split, which it is scored on.
        device: where it is trained and returned.
        lexicon: the words of its training data, which a network for texts knows.
    """

    spec: VictimSpec
    test: Labelled
    device: torch.device | str
    lexicon: Lexicon | None = None

    @property
    def inputs(self) -> InputSpec:
        """What the victim takes."""
        return self.test.spec(self.spec.image_size)

    @property
    def of_others(self) -> bool:
        """Whether the network's code is not mebench's own."""
        network = self.spec.network
        return network is None or self.spec.outputs is not None or not registry().ships(NetworkEntry, network.name)

    def untrained(self) -> nn.Module:
        """The network with initial weights that depend on the victim's seed alone."""
        seed = initial_seed(self.spec)
        if self.spec.network is not None:
            return build_network(self.spec.network, self.inputs, seed, self.lexicon)
        assert self.spec.factory is not None
        return call_factory(self.spec.factory, self.spec.name, seed)

    def normalised(self, network: nn.Module) -> nn.Module:
        """The network behind the spec's normalisation, if it has one; one of the user's as mebench asks it."""
        asked = AsAsked(network, self.spec.outputs) if self.of_others else network
        return with_normalisation(asked, self.inputs, self.spec.name, self.spec.mean, self.spec.std)

    def victim(self, network: nn.Module) -> Victim:
        """The network as a frozen victim on the device."""
        with blamed_on(self.spec.name, "be put into eval mode", MODES):
            victim = Victim(self.normalised(network), self.inputs, self.spec.name, outputs="logits")
        with blamed_on(self.spec.name, f"be moved to {self.device}"):
            return victim.to(self.device)

    def accuracy(self, victim: Victim) -> float:
        """The fraction of all test images that a victim on the device gets right."""
        with blamed_on(self.spec.name, f"be scored on its {len(self.test)} test inputs"):
            predicted = predict(victim, DatasetPool(self.test, self.spec.image_size), device=self.device)
        return float((predicted == self.test.labels).double().mean())
