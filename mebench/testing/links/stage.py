"""The victim, its owner, and what is asked of them, before which checks run defences, recoveries and detectors."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn.modules.module import register_module_forward_pre_hook

from mebench.api.contract import InputSpec, ResponseChannel, Victim
from mebench.api.defence import OwnersContext, OwnersData
from mebench.api.random_streams import RandomStreams
from mebench.api.spec import Component
from mebench.models.networks.build import build_network
from mebench.oracle.facade import ChannelDescription
from mebench.registry.catalogue import registry
from mebench.registry.entries import ChannelEntry
from mebench.testing.stage import SMALL

CPU = torch.device("cpu")
KEY, OTHER_KEY = bytes(range(32)), bytes(reversed(range(32)))
ROWS = 48
OWNERS_ROWS = 160
CONTRAST = 60.0
OTHER_SPECS = (InputSpec((3, 8, 8), 10), InputSpec((1, 8, 8), 2), InputSpec((1, 7, 9), 100))
WIDE = InputSpec((1, 8, 8), 10, low=-1.0, high=2.0)


@dataclass(frozen=True)
class Material:
    """What a part is given.

    Attributes:
        queries: (B, \\*shape).
        probabilities: (B, c), the victim's.
        maps: (B, c, \\*shape), the gradient of each probability.
    """

    queries: Tensor
    probabilities: Tensor
    maps: Tensor

    @property
    def labels(self) -> Tensor:
        """(B,) int64, the most probable classes."""
        return self.probabilities.argmax(1)

    def rows(self, rows: Tensor | slice) -> Material:
        """Some rows, in tensors of their own."""
        return Material(*(values[rows].clone() for values in (self.queries, self.probabilities, self.maps)))

    def answered(self, probabilities: Tensor) -> Material:
        """The same queries with other answers."""
        return replace(self, probabilities=probabilities)


class Networks(list[nn.Module]):
    """The victim's network, and those of its kind that a part has made."""

    @contextlib.contextmanager
    def counted(self) -> Iterator[list[int]]:
        """Count the rows that go forward through them in the block, call by call.

        A hook of the networks' own would count, and so look like a state of the part that holds them.
        """
        rows: list[int] = []

        def note(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            if any(module is one for one in self):
                rows.append(len(inputs[0]))

        hook = register_module_forward_pre_hook(note)
        try:
            yield rows
        finally:
            hook.remove()


@dataclass(frozen=True)
class PartStage:
    """Where a part is run.

    Attributes:
        spec: what the victim takes.
        seed: of the trial.
        key: the owner's.
    """

    spec: InputSpec = SMALL
    seed: int = 0
    key: bytes = KEY

    def victim(self) -> Victim:
        """A fresh victim, rather sure of its labels, which are of many classes."""
        network = build_network(Component("mlp", {"hidden": [24]}), self.spec, 1001)
        return Victim(_Contrasting(network, self.spec), self.spec)

    def new_network(self, seed: int) -> nn.Module:
        """A network of the victim's kind."""
        return build_network(Component("mlp", {"hidden": [24]}), self.spec, seed)

    def owner(
        self, channel: ResponseChannel, random: RandomStreams, has_data: bool, networks: Networks
    ) -> OwnersContext:
        """What an owner's part is built from; it has data of its own if the part says that it needs them."""
        victim, description = self.victim(), ChannelDescription(channel)
        inputs = smooth_images(self.spec, OWNERS_ROWS, seed=5)
        with torch.no_grad():
            data = OwnersData(inputs, victim(inputs).argmax(1)) if has_data else None
        networks.append(victim.network)

        def new_network(seed: int) -> nn.Module:
            networks.append(self.new_network(seed))
            return networks[-1]

        return OwnersContext(
            spec=self.spec,
            channel=description,
            victim=victim,
            new_network=new_network,
            data=data,
            key=self.key,
            device=CPU,
            random=random,
        )

    def material(self, rows: int = ROWS) -> Material:
        """Queries that the owner's data does not hold, with the victim's answers."""
        return _material(self.spec, rows).rows(slice(None))


class _Contrasting(nn.Module):
    """Tells how a network's logits differ from those of a grey input, many times over.

    Args:
        network: returns logits (B, c).
        spec: says what is grey.
    """

    def __init__(self, network: nn.Module, spec: InputSpec) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("grey", torch.full((1, *spec.shape), (spec.low + spec.high) / 2))

    def forward(self, inputs: Tensor) -> Tensor:
        """Return logits (B, c)."""
        logits: Tensor = CONTRAST * (self.network(inputs) - self.network(self.grey))
        return logits


def smooth_images(spec: InputSpec, rows: int, seed: int) -> Tensor:
    """Smooth random images, (rows, \\*shape) in the spec's range, the same at every call."""
    random = torch.Generator().manual_seed(seed)
    coarse = torch.rand(rows, spec.shape[0], 4, 4, generator=random)
    images = nn.functional.interpolate(coarse, spec.shape[1:], mode="bilinear").clamp(0, 1)
    return spec.low + images * (spec.high - spec.low)


@functools.cache
def _material(spec: InputSpec, rows: int) -> Material:
    queries = smooth_images(spec, rows, seed=6)
    victim = PartStage(spec).victim()
    with torch.no_grad():
        probabilities = torch.softmax(victim(queries), 1)
    explanation = channel_of(frozenset({"explanation"})).answer(victim, queries, True).explanation
    assert explanation is not None
    return Material(queries, probabilities, explanation.dense().detach().float())


def channel_of(needs: frozenset[str]) -> ResponseChannel:
    """The channel that tells least of those which give what is needed; explanations without noise."""
    if "explanation" in needs and "integrated" not in needs:
        needs |= {"gradient"}
    fit = [registry().get(ChannelEntry, name) for name in registry().channels_for(needs)]
    entry = min(fit, key=lambda one: (len(one.gives), one.name))
    channel: ResponseChannel = entry.call()
    channel.use_randomness(RandomStreams(0, CPU))
    return channel
