"""Pictures of queries."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from mebench.api.contract import InputSpec
from mebench.data.torchvision_compat import import_torchvision

COLUMNS = 5
SCALE = 3
POINTS = (0.1, 0.25, 0.5)
"""Fractions of the budget at which a trial keeps a picture, between its first evaluation's and its last turn's."""


def save_grid(path: Path, inputs: Tensor, spec: InputSpec) -> None:
    """Write up to 25 images as one PNG; inputs that are not images are left out.

    Args:
        inputs: (B, channels, height, width) in the spec's range, with 1 or 3 channels.
    """
    if len(spec.shape) != 3 or spec.shape[0] not in (1, 3) or not len(inputs):
        return
    utils = import_torchvision().utils
    unit = (inputs.detach().cpu() - spec.low) / (spec.high - spec.low)
    grid = utils.make_grid(unit, nrow=COLUMNS, padding=1, pad_value=0.5)
    enlarged = grid.repeat_interleave(SCALE, 1).repeat_interleave(SCALE, 2)
    path.parent.mkdir(exist_ok=True)
    utils.save_image(enlarged, str(path))
