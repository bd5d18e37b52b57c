"""What honest clients ask: streams of queries of several kinds, on which false alarms of detectors are counted.

Each is a pure function of ``(images, labels, length, seed)`` and returns ``(length, *shape)`` inputs, in order. They
are what we imagine of users, phones and monitors, not records of real services.
"""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from numpy.typing import NDArray
from torch import Tensor

from mebench.toolkit.transforms import transformed

Family = Callable[[Tensor, Tensor, int, int], Tensor]
"""Makes (length, \\*shape) inputs of (N, \\*shape) inputs, (N,) labels, a length and a seed."""
SKEW = 0.3
RETRIES, AGAIN, RUNS, RUN = 0.1, 0.1, 0.02, 5
MONITORED = 100
MISTYPED = 0.1


def iid(inputs: Tensor, labels: Tensor, length: int, seed: int) -> Tensor:
    """B1: inputs in a random order, none twice before all have come."""
    return inputs[_rows(len(inputs), length, np.random.default_rng(seed))]


def skewed(inputs: Tensor, labels: Tensor, length: int, seed: int) -> Tensor:
    """B2: a client who mostly sees few classes, whose shares are drawn from Dirichlet(0.3).

    None comes twice while there are enough; a class of which all have come leaves its share to the others.
    """
    random = np.random.default_rng(seed)
    known, places, counts = np.unique(labels.cpu().numpy(), return_inverse=True, return_counts=True)
    shares = random.dirichlet(np.full(len(known), SKEW)) + 1e-6
    weights = (shares / counts)[places]
    return inputs[random.choice(len(inputs), length, replace=length > len(inputs), p=weights / weights.sum())]


def moved(images: Tensor, labels: Tensor, length: int, seed: int) -> Tensor:
    """B3: images that are shifted, rotated or of another brightness, one change each."""
    changes = ("rotation", "shift", "brightness")
    return transformed(iid(images, labels, length, seed), torch.Generator().manual_seed(seed), changes)


def repeating(images: Tensor, labels: Tensor, length: int, seed: int) -> Tensor:
    """B4: every tenth query is a retry of the one before it, every tenth the same thing seen again, and there are runs.

    Seen again is with noise of deviation 0.02; a run, as of a video, is five views of a thing that moves by a pixel.
    """
    random, noise = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    fresh = iter(images[_rows(len(images), length, random)].unsqueeze(1))
    made = [next(fresh)]
    while len(made) < length:
        drawn = random.random()
        if drawn < RETRIES:
            made.append(made[-1])
        elif drawn < RETRIES + AGAIN:
            again = 0.02 * torch.randn(made[-1].shape, generator=noise).to(images)
            made.append((made[-1] + again).clamp(0, 1))
        elif drawn < RETRIES + AGAIN + RUNS:
            first = next(fresh)
            made += [first.roll(step, -1) for step in range(RUN)]
        else:
            made.append(next(fresh))
    return torch.cat(made[:length])


def camera(images: Tensor, labels: Tensor, length: int, seed: int) -> Tensor:
    """B6: a poor camera, the same for the whole stream: some blur, noise, and too much or too little light."""
    random, noise = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    asked = iid(images, labels, length, seed)
    blur, deviation, light = random.uniform(0, 1), random.uniform(0.02, 0.08), random.uniform(0.9, 1.1)
    blurred = F.avg_pool2d(asked, 3, 1, 1, count_include_pad=False)
    seen = light * (blur * blurred + (1 - blur) * asked)
    return (seen + deviation * torch.randn(seen.shape, generator=noise).to(seen)).clamp(0, 1)


def explained(inputs: Tensor, labels: Tensor, length: int, seed: int) -> Tensor:
    """B7: who asks, and in half of all cases asks the same again at once, for the explanation."""
    random = np.random.default_rng(seed)
    times = 1 + random.integers(0, 2, length)
    return inputs[np.repeat(_rows(len(inputs), length, random), times)[:length]]


def mistyped(texts: Tensor, labels: Tensor, length: int, seed: int) -> Tensor:
    """Of texts: one word in ten is another one, as after a slip of the fingers, drawn among all that are asked."""
    random, asked = np.random.default_rng(seed), iid(texts, labels, length, seed).clone()
    words = asked[asked != 0]  # 0 fills texts up
    wrong = torch.from_numpy(random.random(tuple(asked.shape)) < MISTYPED).to(asked.device) & (asked != 0)
    drawn = torch.from_numpy(random.integers(0, max(len(words), 1), int(wrong.sum()))).to(asked.device)
    if len(words):
        asked[wrong] = words[drawn]
    return asked


def monitoring(inputs: Tensor, labels: Tensor, length: int, seed: int) -> Tensor:
    """B8: a monitor that sends the same 100 inputs again and again."""
    chosen = _rows(len(inputs), min(MONITORED, len(inputs)), np.random.default_rng(seed))
    return inputs[np.resize(chosen, length)]


BENIGN_STREAMS = MappingProxyType(
    {
        "iid": iid,
        "skewed": skewed,
        "moved": moved,
        "repeating": repeating,
        "camera": camera,
        "explained": explained,
        "monitoring": monitoring,
        "mistyped": mistyped,
    }
)
"""Kinds of honest clients by name: functions of (inputs, labels, length, seed). B5, who asks other things too, is `iid`
`mixed` with them. `moved`, `repeating` and `camera` need images, `mistyped` texts. Since version 1.8."""
CALIBRATION_STREAMS = ("iid", "skewed", "moved")
"""The kinds on which thresholds are set; the others show what false alarms those miss. Since version 1.8."""

OF_IMAGES = frozenset({"moved", "repeating", "camera"})
"""The kinds that change pictures, and are none for texts."""
OF_TEXTS = frozenset({"mistyped"})
"""The kinds that change words, and are none for images."""


def stream_kinds(discrete: bool) -> list[str]:
    """The kinds of honest clients that there are for images, or for texts. Since version 1.8."""
    others = OF_IMAGES if discrete else OF_TEXTS
    return [kind for kind in BENIGN_STREAMS if kind not in others]


def mixed(queries: Tensor, others: Tensor, share: float, seed: int) -> Tensor:
    """Hide queries among others, or honest inputs among things that the owner has none of. Since version 1.8.

    Args:
        queries: (N, \\*shape), in order.
        others: (M, \\*shape), taken in order.
        share: of others in what is returned, in [0, 1).
        seed: of the places where they come.

    Returns:
        The longest stream with that share, (L, \\*shape) with L <= N + M, in which both keep their order.
    """
    length = int(min(len(queries) / (1 - share), len(others) / share if share else len(queries)) + 1e-9)
    count = round(share * length)
    hidden = np.zeros(length, bool)
    hidden[np.random.default_rng(seed).permutation(length)[:count]] = True
    made = queries.new_empty((length, *queries.shape[1:]))
    where = torch.from_numpy(hidden)
    made[where], made[~where] = others[:count].to(queries), queries[: length - count]
    return made


def _rows(known: int, length: int, random: np.random.Generator) -> NDArray[np.int64]:
    """Row numbers in a random order, none twice before all have come."""
    return np.concatenate([random.permutation(known) for _ in range(-(-length // known))])[:length]
