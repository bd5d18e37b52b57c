"""Where a defence's randomness comes from: the owner's key and the query, or the trial's stream."""

from __future__ import annotations

import hashlib

import torch
from torch import Tensor

from mebench import OwnersContext
from mebench.toolkit import keyed_numbers, keyed_uniform, normal_of, to_device, wire_form
from mebench_defences.parameters import Distribution, Drawn


class Draws:
    """Uniform draws for rows of queries; on the CPU, so that they are the same on every device.

    Args:
        context: gives key, spec and streams.
        drawn: ``keyed`` or ``fresh``.
        purpose: what they are for; other purposes draw independently.
    """

    def __init__(self, context: OwnersContext, drawn: Drawn, purpose: str) -> None:
        self._context, self._drawn, self._purpose = context, drawn, purpose

    def uniform(self, queries: Tensor, count: int) -> Tensor:
        """Return (B, count) float64 in (0, 1) for B queries."""
        if self._drawn == "keyed":
            forms = wire_form(queries, self._context.spec)
            found = keyed_uniform(keyed_numbers(self._context.key, forms, self._purpose), count)
        else:  # one number of the stream for each query, so that batches do not matter
            stream = self._context.random.torch(f"defence {self._purpose}", "cpu")
            drawn = torch.randint(2**63 - 1, (len(queries),), generator=stream)
            found = keyed_uniform(drawn.tolist(), count)
        return to_device(found, queries.device)


class DrawsAtHome:
    """What an attacker draws who knows how, but not the key: of a key of its own and the row itself.

    So it is a function of the row, and a trial that goes on finds the same.

    Args:
        purpose: what they are for.
    """

    def __init__(self, purpose: str) -> None:
        self._key = hashlib.sha256(f"at home, {purpose}".encode()).digest()
        self._purpose = purpose

    def uniform(self, rows: Tensor, count: int) -> Tensor:
        """Return (B, count) float64 in (0, 1) for (B, c) rows."""
        forms = [row.tobytes() for row in rows.detach().float().cpu().numpy()]
        return to_device(keyed_uniform(keyed_numbers(self._key, forms, self._purpose), count), rows.device)


def standard(uniform: Tensor, distribution: Distribution) -> Tensor:
    """Return standard draws of uniform ones: N(0, 1), Laplace with scale 1, or uniform on [-1, 1]."""
    if distribution == "gaussian":
        return normal_of(uniform)
    centred = 2 * uniform - 1
    if distribution == "laplace":
        return -centred.sign() * torch.log1p(-centred.abs())
    return centred
