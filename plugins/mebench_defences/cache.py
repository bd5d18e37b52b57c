"""Repeats are answered with what was answered first."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from mebench import OwnersContext
from mebench.toolkit import wire_form
from mebench_defences.truncation import Pure


class Cache(Pure):
    """Answers a query by the first answer to its wire form, and so makes fresh noise before it useless to average.

    It stands behind what it keeps: after noise in the list of defences. A repeat is charged like any query.

    Args:
        context: gives the spec.
    """

    def __init__(self, context: OwnersContext) -> None:
        self._context = context
        self._answers: dict[bytes, Tensor] = {}

    def answered(self, probabilities: Tensor) -> Tensor:
        """Return the rows: of a row that is asked once, nothing changes."""
        return probabilities

    def perturb(self, queries: Tensor, probabilities: Tensor) -> Tensor:
        """Return the first answers (B, c), those of this batch among them."""
        names = [hashlib.sha256(form).digest() for form in wire_form(queries, self._context.spec)]
        given = probabilities.detach().cpu()
        for row, name in enumerate(names):
            if name not in self._answers:
                self._answers[name] = given[row].clone()
        if not names:
            return probabilities
        return torch.stack([self._answers[name] for name in names]).to(probabilities.device)

    def state_dict(self) -> dict[str, Any]:
        """The digests of wire forms with their answers."""
        if not self._answers:
            return {}
        digests = torch.frombuffer(bytearray(b"".join(self._answers)), dtype=torch.uint8).view(-1, 32)
        return {"digests": digests, "answers": torch.stack(list(self._answers.values()))}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on with these answers."""
        pairs = zip(state.get("digests", ()), state.get("answers", ()), strict=True)
        self._answers = {digest.cpu().numpy().tobytes(): row.cpu() for digest, row in pairs}
