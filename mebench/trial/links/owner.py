"""What the owner of a victim has: the model, data of its own, and a key."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mebench.api.contract import ResponseChannel
from mebench.api.defence import OwnersContext, OwnersData
from mebench.api.errors import ConfigurationError
from mebench.api.random_streams import RandomStreams, derive_seed, seeded_globals
from mebench.api.spec import Component, TrialSpec
from mebench.data.datasets import as_victim_takes, load_dataset
from mebench.data.pools import DatasetPool
from mebench.models.networks.build import guarded_network
from mebench.models.victims.loading import PreparedVictim
from mebench.oracle.facade import ChannelDescription
from mebench.registry.catalogue import registry
from mebench.registry.defence_entries import DetectorEntry
from mebench.registry.entries import DatasetEntry, NetworkEntry
from mebench.registry.entry import Entry

MOST_OTHERS = 2_000
"""Other things that honest clients ask of."""


@dataclass(frozen=True)
class Owner:
    """The owner of a trial's victim.

    Attributes:
        spec: of the trial.
        prepared: the victim.
        data: the half of the owner's reserve that defences and detectors learn of; None if the trial names none.
        benign: the other half, on which operating points and thresholds are set.
        digest: of that data; empty without.
        device: where tensors live.
    """

    spec: TrialSpec
    prepared: PreparedVictim
    data: OwnersData | None
    benign: OwnersData | None
    digest: str
    device: torch.device

    @classmethod
    def of(cls, spec: TrialSpec, prepared: PreparedVictim, device: torch.device) -> Owner:
        """Read the owner's data.

        Raises:
            ConfigurationError: it is no data for the victim.
        """
        if spec.reserve is None:
            return cls(spec, prepared, None, None, "", device)
        takes, name = prepared.spec, spec.reserve.name
        dataset, size = as_victim_takes(spec.reserve, spec, takes)
        pool = DatasetPool(dataset, size)
        if pool.shape != takes.shape or dataset.num_classes != takes.num_classes:
            raise ConfigurationError(
                f"reserve {name!r}: holds inputs of shape {pool.shape} in {dataset.num_classes} classes; the victim "
                f"takes {takes.shape} and tells {takes.num_classes} apart"
            )
        order = torch.randperm(len(dataset), generator=torch.Generator().manual_seed(0))
        halves = [
            OwnersData(pool.inputs(rows).to(device), dataset.labels[rows].to(device))
            for rows in (order[::2], order[1::2])
        ]
        return cls(spec, prepared, halves[0], halves[1], dataset.digest, device)

    def context(self, channel: ResponseChannel, random: RandomStreams, place: int = 0) -> OwnersContext:
        """All that a defence or a detector is built from.

        Args:
            channel: the service's.
            random: the trial's streams.
            place: of a defence in its chain. Each but the first has a key and streams of its own, so that two links of
                one kind draw independently of each other; a chain of one draws what it did before there were chains.
        """
        name = f"link {place}"
        return OwnersContext(
            spec=self.prepared.spec,
            channel=ChannelDescription(channel),
            victim=self.prepared.victim,
            new_network=self.new_network,
            data=self.data,
            key=hashlib.sha256(
                "/".join([f"{self.spec.seed}/owner's key", *([name] if place else [])]).encode()
            ).digest(),
            device=self.device,
            random=random.apart(name) if place else random,
        )

    @property
    def test(self) -> OwnersData:
        """The test set: nothing was learnt of it and nothing set on it."""
        return OwnersData(self.prepared.test_inputs.to(self.device), self.prepared.test_labels.to(self.device))

    def others(self, name: str) -> Tensor:
        """Some inputs of another data set, which the owner has none of, (N, \\*shape).

        Raises:
            ConfigurationError: they are none for the victim.
        """
        inputs = self.inputs_of(name, None)
        rows = torch.randperm(len(inputs), generator=torch.Generator().manual_seed(0))[:MOST_OTHERS]
        return inputs[rows.to(inputs.device)]

    def inputs_of(self, name: str, rows: Sequence[int] | None) -> Tensor:
        """Training inputs of a registered data set as the victim takes them, (N, \\*shape).

        Raises:
            ConfigurationError: there is no such data set, or its inputs are none for the victim.
        """
        given = {} if rows is None else {"rows": tuple(rows)}
        component = Component(name, registry().get(DatasetEntry, name).resolve(given))
        dataset, size = as_victim_takes(component, self.spec, self.prepared.spec)
        pool = DatasetPool(dataset, size)
        if pool.shape != self.prepared.spec.shape:
            raise ConfigurationError(
                f"{name}: holds inputs of shape {pool.shape}; the victim takes {self.prepared.spec.shape}"
            )
        return pool.inputs(torch.arange(len(dataset))).to(self.device)

    def new_network(self, seed: int) -> nn.Module:
        """A freshly initialised network of the victim's kind; of the clone's where the victim brought its own."""
        network = self.spec.victim.network or self.spec.clone
        lexicon = None
        if registry().get(NetworkEntry, network.name).inputs == "texts":
            lexicon = load_dataset(self.spec.victim.data, "train").lexicon()
        with seeded_globals(derive_seed(seed, "owner's network"), self.device):
            return guarded_network(network, self.prepared.spec, lexicon).to(self.device)

    def depends_on(self, kind: type[Entry]) -> dict[str, str]:
        """What all depends on that a defence or a detector learns from victim and data.

        A detector sees what the victim answered, whatever the channel lets through of it.

        Args:
            kind: which of the two.
        """
        network, channel = self.spec.victim.network or self.spec.clone, self.spec.channel
        told = {
            "victim": self.prepared.weights_hash,
            "data": self.digest,
            "network": f"{network.name} {sorted(network.parameters.items())}",
        }
        if kind is not DetectorEntry:
            told["channel"] = f"{channel.name} {sorted(channel.parameters.items())}"
        return told
