"""What a victim really computes for its answers: rows forwarded and rows back-propagated."""

from __future__ import annotations

import torch
from torch import Tensor

from mebench.api.contract import Victim
from mebench.oracle.ledger import QueryLedger

ROWS_AT_ONCE = 1024
"""An attack may ask its whole budget in one request; a victim that sees it at once would fill the memory."""


class MeteredVictim(Victim):
    """A victim that writes into a ledger what it computes; what a channel is given in the victim's place.

    A lazy explanation holds its graph or this victim, so that what it computes later is counted when it is computed,
    and what is never asked of it is not. Evaluation uses the bare victim and is not counted.

    Args:
        victim: computes.
        ledger: ``victim_forward`` and ``victim_backward`` are counted up, in rows.
    """

    def __init__(self, victim: Victim, ledger: QueryLedger) -> None:
        super().__init__(victim, victim.spec, victim.name)
        self._ledger = ledger

    def forward(self, inputs: Tensor) -> Tensor:
        """Return logits (B, c)."""
        rows = len(inputs)
        self._ledger.victim_forward += rows
        if rows > ROWS_AT_ONCE and not torch.is_grad_enabled():
            return torch.cat([super(MeteredVictim, self).forward(part) for part in inputs.split(ROWS_AT_ONCE)])
        logits = super().forward(inputs)
        if logits.requires_grad:
            # Called at every pass back through these logits.
            logits.register_hook(self._count_backward)
        return logits

    def _count_backward(self, gradient: Tensor) -> None:
        rows = len(gradient)
        self._ledger.victim_backward += rows
