"""Learners that hold answers out: they are not learnt, and tell how a fit goes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from mebench.api.contract import AttackContext, Response
from mebench.models.modes import evaluating
from mebench.toolkit.learners.fit import FitLearner
from mebench.toolkit.parameters import FitParameters
from mebench.toolkit.schedules import Plateau

VALIDATED = 64
"""Held out answers whose loss a plateau sees at once."""


class ValidatedLearner(FitLearner):
    r"""Fits beside which answers are kept that validate; a subclass says what for. Since version 1.8.

    Args: as of `FitLearner`.

    Attributes:
        held: batches of (B, \*shape) that are held out.
        labels: (B,), the victim's, of each held out batch.
    """

    def __init__(self, context: AttackContext, parameters: FitParameters | None = None, **options: Any) -> None:
        super().__init__(context, parameters, **options)
        self.held: list[Tensor] = []
        self.labels: list[Tensor] = []

    def hold_out(self, queries: Tensor, response: Response) -> None:
        """Take (B, \\*shape) queries and their answers for validation."""
        self.held.append(queries)
        self.labels.append(response.labels)

    def state_dict(self) -> dict[str, Any]:
        """That of the base, and what is held out."""
        return super().state_dict() | {"held": list(self.held), "labels": list(self.labels)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``."""
        super().load_state_dict(state)
        device = next(self.clone.parameters()).device
        self.held = [value.to(device) for value in state["held"]]
        self.labels = [value.to(device) for value in state["labels"]]


class PlateauFitLearner(ValidatedLearner):
    """Fits whose rate is constant, or falls when the loss of held out answers does not. Since version 1.8.

    After each epoch the clone, in eval mode, is held against them in batches of 64, each of which the `Plateau` of the
    fit takes note of. Where nothing is held out the rate stays.

    Args:
        context: gives the clone and the random stream ``learner``.
        parameters: of a fit.
        options: ``labels_only`` and ``warm_start`` of `FitLearner`.

    Attributes:
        plateau: of this fit.
    """

    def __init__(self, context: AttackContext, parameters: FitParameters | None = None, **options: Any) -> None:
        self.plateau = Plateau()
        super().__init__(context, parameters, schedule=lambda _: self.plateau.factor, **options)

    def refit(self) -> None:
        """Fit the clone on all that is known, at the first rate again."""
        self.plateau = Plateau()
        super().refit()

    def after_epoch(self) -> None:
        """Tell the plateau how the clone does on what is held out."""
        with torch.no_grad(), evaluating(self.clone):
            for held, told in zip(self.held, self.labels, strict=True):
                for queries, labels in zip(held.split(VALIDATED), told.split(VALIDATED), strict=True):
                    self.plateau.note(float(self.validation_loss(queries, labels)))

    def validation_loss(self, queries: Tensor, labels: Tensor) -> Tensor:
        r"""Return the loss of (b, \*shape) held out queries with (b,) labels, a scalar; cross-entropy here."""
        return functional.cross_entropy(self.clone(queries), labels)
