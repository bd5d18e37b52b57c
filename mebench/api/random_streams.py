"""Named random streams: each depends on the trial's seed and its name only, and is saved with the trial."""

from __future__ import annotations

import contextlib
import hashlib
import random
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch


def derive_seed(seed: int, name: str) -> int:
    """A 63-bit seed for the stream ``name`` of ``seed``; streams of different names are independent."""
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


@contextlib.contextmanager
def seeded_globals(seed: int, device: torch.device | str = "cpu") -> Iterator[None]:
    """Seed torch's global generators for a while (initial weights and dropout draw from them), and put them back."""
    where = torch.device(device)
    with torch.random.fork_rng(devices=[where] if where.type == "cuda" else []):
        _seed_torch(seed)
        yield


def _seed_torch(seed: int) -> None:
    """Seed torch's global generators, of the CPU and of all GPUs.

    As `torch.manual_seed` does, which keeps a traceback of every call, where there is no GPU, in case that one comes:
    that takes a millisecond and is never freed.
    """
    torch.default_generator.manual_seed(seed)
    if torch.cuda.is_available():
        torch.cuda.manual_seed_all(seed)


class RandomStreams:
    """The random streams of one trial.

    Attacks of the same seed draw from the same streams, so that they are compared with the same noise and the same
    initial clone. The global generators of torch, NumPy and Python are seeded and saved too: a network with dropout
    or a plugin that uses them still resumes to the same result.

    Args:
        seed: the trial's seed.
        device: where ``torch`` streams draw.
    """

    def __init__(self, seed: int, device: torch.device) -> None:
        self.seed = seed
        self.device = device
        self._streams: dict[str, torch.Generator] = {}

    def owns(self, generator: torch.Generator) -> bool:
        """Whether a generator is one of these streams, so that it is saved with them."""
        return any(stream is generator for stream in self._streams.values())

    def torch(self, name: str, device: torch.device | str | None = None) -> torch.Generator:
        """The stream of that name, by default on the trial's device; the same object at every call."""
        where = torch.device(device) if device is not None else self.device
        key = f"{name}@{where.type}"
        if key not in self._streams:
            self._streams[key] = torch.Generator(where).manual_seed(derive_seed(self.seed, name))
        return self._streams[key]

    def apart(self, name: str) -> RandomStreams:
        """Streams that are independent of all others and saved with these: each depends on this name as well.

        Args:
            name: whose they are, such as the place of a link in its chain.
        """
        return _Apart(self, name)

    def seed_globals(self) -> None:
        """Seed the global generators of torch, NumPy and Python."""
        seed = derive_seed(self.seed, "global")
        _seed_torch(seed)
        np.random.seed(seed % 2**32)
        random.seed(seed)

    def state_dict(self) -> dict[str, Any]:
        """The state of every stream and of the global generators."""
        version, words, gauss = random.getstate()
        name, keys, position, has_gauss, cached = np.random.get_state(legacy=True)
        state: dict[str, Any] = {
            "streams": {key: stream.get_state() for key, stream in self._streams.items()},
            "torch": torch.get_rng_state(),
            "numpy": [
                str(name),
                torch.from_numpy(np.asarray(keys).astype(np.int64)),
                int(position),
                int(has_gauss),
                float(cached),
            ],
            "python": [version, list(words), gauss],
        }
        if self.device.type == "cuda":
            state["cuda"] = torch.cuda.get_rng_state(self.device)
        return state

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``; streams that are already handed out go on in place."""
        for key, value in state["streams"].items():
            name, _, where = key.rpartition("@")
            self.torch(name, where if where != self.device.type else None).set_state(value)
        torch.set_rng_state(state["torch"])
        name, keys, position, has_gauss, cached = state["numpy"]
        np.random.set_state((name, keys.numpy().astype(np.uint32), position, has_gauss, cached))
        version, words, gauss = state["python"]
        random.setstate((version, tuple(words), gauss))
        if "cuda" in state:
            torch.cuda.set_rng_state(state["cuda"], self.device)


class _Apart(RandomStreams):
    """Some of the streams of a trial, by names of their own.

    Args:
        whole: all streams of the trial, which keeps these.
        name: put before the name of each.
    """

    def __init__(self, whole: RandomStreams, name: str) -> None:
        super().__init__(whole.seed, whole.device)
        self._streams, self._name = whole._streams, name

    def torch(self, name: str, device: torch.device | str | None = None) -> torch.Generator:
        """The stream of that name among these."""
        return super().torch(f"{self._name}/{name}", device)
