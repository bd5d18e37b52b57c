"""Randomness that depends on a secret key and on what was asked, and on nothing else.

A query has a *wire form*, the bytes that a service would get. Of it and a key, HMAC-SHA256 makes a number, and of that
number come the draws for this query: the same whenever it is asked again, in whichever batch, and others for one
changed pixel. Since version 1.8.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor

from mebench.api.victim import InputSpec

_STEP = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def wire_form(queries: Tensor, spec: InputSpec) -> list[bytes]:
    """Return what a service would be sent for each query: a byte a pixel, or the ids of words.

    Args:
        queries: (B, \\*shape). Images are rounded to 256 levels of the spec's range, so that what lies less than half a
            level away has the same form.
        spec: what the victim takes.

    Returns:
        B byte strings.
    """
    flat = queries.detach().flatten(1).cpu()
    if spec.discrete:
        return [row.tobytes() for row in flat.to(torch.int64).numpy().astype("<i8")]
    levels = (flat - spec.low) * (255 / (spec.high - spec.low))
    return [row.tobytes() for row in levels.round().clamp(0, 255).to(torch.uint8).numpy()]


def keyed_numbers(key: bytes, forms: Iterable[bytes], purpose: str) -> list[int]:
    """Return a number of 64 bits for each form: the first of its HMAC-SHA256 under the key and a purpose.

    Args:
        key: the secret.
        forms: such as `wire_form` gives.
        purpose: what for; numbers for two purposes tell nothing of each other.
    """
    own = hmac.digest(key, purpose.encode(), "sha256")
    return [int.from_bytes(hmac.digest(own, form, "sha256")[:8], "big") for form in forms]


def keyed_uniform(numbers: Iterable[int], count: int) -> Tensor:
    """Return ``count`` uniform draws for each number, above 0 and below 1; (B, count) float64 on the CPU.

    The i-th is the i-th output of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014) that begins at the number, so that it
    depends neither on the rows beside it nor on the release of a library.
    """
    begin = np.array(list(numbers), dtype=np.uint64)[:, None]
    state = begin + _STEP * np.arange(1, count + 1, dtype=np.uint64)
    state = (state ^ (state >> np.uint64(30))) * _FIRST
    state = (state ^ (state >> np.uint64(27))) * _SECOND
    state ^= state >> np.uint64(31)
    return torch.from_numpy(((state >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52)


def normal_of(uniform: Tensor) -> Tensor:
    """Return standard normal draws of uniform ones in (0, 1), by the inverse of the distribution function."""
    drawn: Tensor = torch.special.ndtri(uniform)
    return drawn
