"""SEAT: an encoder that sees through small changes, and how many queries look alike to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from mebench import ConfigurationError, Detector, OwnersContext
from mebench.toolkit import heartbeat, transformed
from mebench_detectors import SeatParameters
from mebench_detectors.memory import Memory
from mebench_detectors.watch import QueryByQuery, each_alone, halves, owners_data, parts_of

LEARNING_RATE, BATCH, ENCODED = 1e-3, 64, 64


def encoder(channels: int, width: int) -> nn.Module:
    """A small network whose outputs, (B, 64), are compared."""
    return nn.Sequential(
        nn.Conv2d(channels, width, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(width, 2 * width, 3, stride=2, padding=1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(6),
        nn.Flatten(),
        nn.Linear(72 * width, 128),
        nn.ReLU(),
        nn.Linear(128, ENCODED),
    )


class Seat(Detector):
    """Watches for queries that look alike.

    Args:
        context: gives the owner's data.
        parameters: see ``mebench info seat``.

    Raises:
        ConfigurationError: inputs are no images.
    """

    def __init__(self, context: OwnersContext, parameters: SeatParameters) -> None:
        if len(context.spec.shape) != 3:
            raise ConfigurationError(f"seat: looks at images (C, H, W), not at inputs of {context.spec.shape}")
        self._context, self._parameters = context, parameters

    def fit(self) -> dict[str, Any]:
        """Teach the encoder on half of the owner's inputs; the radius is a low quantile of distances in the other."""
        learnt, others = halves(owners_data(self._context, "seat"))
        with torch.random.fork_rng():
            torch.manual_seed(0)
            network = self._encoder().train()
        self._teach(network, learnt.inputs)
        encoded = each_alone(network.eval(), others.inputs)
        apart = torch.cdist(encoded, encoded, compute_mode="donot_use_mm_for_euclid_dist").fill_diagonal_(torch.inf)
        nearest = apart.sort(1).values[:, : self._parameters.neighbours].mean(1)
        return {"encoder": parts_of(network.state_dict()), "radius": float(nearest.quantile(self._parameters.quantile))}

    def _encoder(self) -> nn.Module:
        return encoder(self._context.spec.shape[0], self._parameters.width).to(self._context.device)

    def _teach(self, network: nn.Module, images: Tensor) -> None:
        """Triplets of an image, the image after a small change, and another image."""
        random = torch.Generator().manual_seed(0)
        optimizer = torch.optim.Adam(network.parameters(), LEARNING_RATE)
        for _ in range(self._parameters.epochs):
            order = torch.randperm(len(images), generator=random)
            for rows in order.split(BATCH):
                first, other = images[rows], images[rows.roll(1)]
                optimizer.zero_grad()
                triplet_loss(
                    network(first), network(transformed(first, random)), network(other), self._parameters.margin
                ).backward()
                optimizer.step()
            heartbeat()

    def use(self, fitted: Mapping[str, Any]) -> None:
        """Take the encoder and the radius."""
        self._network = self._encoder().eval().requires_grad_(False)
        self._network.load_state_dict(fitted["encoder"])
        self._radius = fitted["radius"]

    def client(self) -> SeatWatch:
        """A client's watch."""
        return SeatWatch(self._network, self._radius, self._parameters)


def triplet_loss(first: Tensor, changed: Tensor, other: Tensor, margin: float) -> Tensor:
    """Return what falls when a changed image is near and another one is far: d(t, o) + max(0, m^2 - d(d, o)), averaged.

    Args:
        first, changed, other: (B, e) encodings; d is the mean square difference.
        margin: m.
    """
    near, far = ((one - first).square().mean(1) for one in (changed, other))
    return (near + F.relu(margin**2 - far)).mean()


class SeatWatch(QueryByQuery):
    """The score is how many queries so far had their nearest earlier encodings within the radius."""

    def __init__(self, network: nn.Module, radius: float, parameters: SeatParameters) -> None:
        self._network, self._radius, self._neighbours = network, radius, parameters.neighbours
        self._memory, self._alike = Memory(parameters.memory), 0

    def next(self, query: Tensor, label: int) -> float:
        """Look for encodings that are alike, and keep this one."""
        row = each_alone(self._network, query)[0].cpu()
        if len(self._memory) >= self._neighbours:
            distance = float(self._memory.nearest(row, self._neighbours).mean())
            self._alike += distance < self._radius
        self._memory.add(row)
        return float(self._alike)

    def state_dict(self) -> dict[str, Any]:
        """Earlier encodings, and how many queries were alike."""
        return {"memory": self._memory.state_dict(), "alike": self._alike}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``."""
        self._memory.load_state_dict(state["memory"])
        self._alike = state["alike"]
