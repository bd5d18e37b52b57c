"""HODA: whether a client's queries are as hard as the owner's inputs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from mebench import Detector, OwnersContext, OwnersData
from mebench.toolkit import heartbeat
from mebench_detectors import HodaParameters
from mebench_detectors.memory import Window
from mebench_detectors.watch import QueryByQuery, each_alone, halves, owners_data, parts_of

LEARNING_RATE, BATCH = 1e-3, 64


class Hoda(Detector):
    """Watches how hard queries are: late in a training is when a network's answer to a hard one settles.

    Args:
        context: gives networks and the owner's data.
        parameters: see ``mebench info hoda``.
    """

    def __init__(self, context: OwnersContext, parameters: HodaParameters) -> None:
        self._context, self._parameters = context, parameters

    def fit(self) -> dict[str, Any]:
        """Train a network on half of the owner's data, keep it along the way, and see how hard the other half is."""
        learnt, others = halves(owners_data(self._context, "hoda"))
        states = self._train(learnt)
        hard = hardness(self._networks(states), others.inputs)
        counts = hard.bincount(minlength=len(states)).double()
        return {"states": states, "normal": (counts / counts.sum()).cpu()}

    def _train(self, data: OwnersData) -> list[dict[str, Tensor]]:
        """States after the first epoch, and then at equal distances up to the last."""
        epochs, steps = self._parameters.epochs, self._parameters.checkpoints - 1
        kept = [max(0, step * epochs // steps - 1) for step in range(steps + 1)]
        random, states = torch.Generator().manual_seed(0), {}
        with torch.random.fork_rng():
            torch.manual_seed(0)  # for dropout
            network = self._context.new_network(0).to(self._context.device).train().requires_grad_(True)
            optimizer = torch.optim.Adam(network.parameters(), LEARNING_RATE)
            for epoch in range(epochs):
                _epoch(network, optimizer, data, random)
                if epoch in kept:
                    states[epoch] = parts_of(network.state_dict())
        return [states[epoch] for epoch in kept]

    def _networks(self, states: list[dict[str, Tensor]]) -> list[nn.Module]:
        networks = []
        for state in states:
            network = self._context.new_network(0).to(self._context.device).eval().requires_grad_(False)
            network.load_state_dict(state)
            networks.append(network)
        return networks

    def use(self, fitted: Mapping[str, Any]) -> None:
        """Take the networks, and the shares of the owner's inputs by hardness."""
        self._subclassifiers, self._normal = self._networks(fitted["states"]), fitted["normal"].cpu()

    def client(self) -> HodaWatch:
        """A client's watch."""
        return HodaWatch(self._subclassifiers, self._normal, self._parameters.window)


def _epoch(network: nn.Module, optimizer: torch.optim.Optimizer, data: OwnersData, random: torch.Generator) -> None:
    order = torch.randperm(len(data), generator=random).to(data.labels.device)
    for rows in order.split(BATCH):
        if len(rows) > 1:  # batch norm
            optimizer.zero_grad()
            F.cross_entropy(network(data.inputs[rows]), data.labels[rows]).backward()
            optimizer.step()
    heartbeat()


def hardness(networks: list[nn.Module], inputs: Tensor) -> Tensor:
    """Return the number of the first network from which on all give the label of the last, (N,) int64 on the CPU."""
    labels = torch.stack([each_alone(network, inputs).argmax(1) for network in networks]).cpu()  # (networks, N)
    agrees = (labels == labels[-1]).flip(0)
    return len(networks) - agrees.int().cumprod(0).sum(0)


class HodaWatch(QueryByQuery):
    """The score is 1 - Pearson's correlation of the last queries' hardness histogram with the normal one, in [0, 2]."""

    def __init__(self, networks: list[nn.Module], normal: Tensor, window: int) -> None:
        self._networks, self._normal = networks, normal
        self._last = Window(window, torch.zeros((), dtype=torch.int64))

    def next(self, query: Tensor, label: int) -> float:
        """Take note of how hard one query is."""
        self._last.add(hardness(self._networks, query)[0])
        if not self._last.full:
            return math.nan
        counts = self._last.values.bincount(minlength=len(self._normal)).double()
        return 1 - correlation(counts, self._normal)

    def state_dict(self) -> dict[str, Any]:
        """The hardness of the last queries."""
        return self._last.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``."""
        self._last.load_state_dict(state)


def correlation(first: Tensor, second: Tensor) -> float:
    """Pearson's correlation of (n,) values; 0 where one of them does not vary."""
    first, second = first - first.mean(), second - second.mean()
    size = float(first.norm() * second.norm())
    return float(first @ second) / size if size else 0.0
