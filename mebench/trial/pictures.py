"""Pictures of queries, which show what an attack asks as its budget is spent."""

from __future__ import annotations

from collections.abc import Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mebench.api.contract import InputSpec
from mebench.api.files import write_atomically
from mebench.data.torchvision_compat import import_torchvision
from mebench.results.trial_folder import TrialFolder

COLUMNS = 5
SCALE = 3
SHOWN = 25
POINTS = (0.1, 0.25, 0.5)
"""Fractions of the budget at which a trial keeps a picture, between its first evaluation's and its last turn's."""


class Pictures:
    """Keeps a picture of the queries at the first evaluation, in between at `POINTS`, and at the end.

    Args:
        folder: of the trial.
        spec: of the queries.
        budget: of the trial, in queries.
    """

    def __init__(self, folder: TrialFolder, spec: InputSpec, budget: int) -> None:
        self._folder, self._spec, self._budget = folder, spec, budget
        self._turns = self._points_passed = 0
        self._queries = torch.empty(0)

    def note_turn(self, queries: Tensor) -> None:
        """Remember the first queries of a turn, (B, \\*shape)."""
        self._turns += 1
        self._queries = queries[:SHOWN].detach().clone()

    def keep_first(self) -> None:
        """Keep the queries of this turn as those of the first evaluation."""
        save_grid(self._folder.path / "samples-early.png", self._queries, self._spec)

    def keep_last(self) -> None:
        """Keep the queries of this turn as those of the last."""
        save_grid(self._folder.path / "samples.png", self._queries, self._spec)

    def keep_between_if_due(self, spent: int, *, first_is_kept: bool, last: bool) -> None:
        """Keep the queries of this turn if it has passed a point, or is the first that chooses.

        The first turn and the last have pictures of their own.

        Args:
            spent: queries after this turn.
            first_is_kept: whether there is a picture of the first evaluation already.
            last: whether the budget is spent.
        """
        passed = sum(spent >= point * self._budget for point in POINTS)
        if passed > self._points_passed or self._chooses_for_the_first_time():
            self._points_passed = passed
            if first_is_kept and not last:
                save_grid(self._folder.picture(spent), self._queries, self._spec)

    def _chooses_for_the_first_time(self) -> bool:
        """A first turn that spends a tenth of the budget is a seed, asked at random; the second is chosen."""
        return self._turns == 2 and self._points_passed > 0

    def state_dict(self) -> dict[str, Any]:
        """What has been kept, and the queries of the last turn."""
        return {"turns": self._turns, "points_passed": self._points_passed, "queries": self._queries}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``."""
        self._turns, self._points_passed, self._queries = state["turns"], state["points_passed"], state["queries"]


def save_grid(path: Path, inputs: Tensor, spec: InputSpec) -> None:
    """Write up to 25 images as one PNG; inputs that are not images are left out.

    Args:
        inputs: (B, channels, height, width) in the spec's range, with 1 or 3 channels.

    Raises:
        UnwritableError: the file cannot be written; what was there before is still there.
    """
    if len(spec.shape) != 3 or spec.shape[0] not in (1, 3) or not len(inputs):
        return
    utils = import_torchvision().utils
    unit = (inputs.detach().cpu() - spec.low) / (spec.high - spec.low)
    grid = utils.make_grid(unit, nrow=COLUMNS, padding=1, pad_value=0.5)
    enlarged = grid.repeat_interleave(SCALE, 1).repeat_interleave(SCALE, 2)
    content = BytesIO()
    utils.save_image(enlarged, content, format="png")
    write_atomically(path, content.getvalue())
