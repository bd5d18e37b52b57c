"""What an attacker tries at home who knows how answers are defended: made-up answers, and their defended forms."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

CONCENTRATIONS = (0.05, 0.2, 1.0)
"""Of the Dirichlet distributions that a third of the made-up answers has each: from sure to unsure."""
LEAST = 1e-3


def dirichlet(concentrations: np.ndarray, draws: np.random.Generator) -> Tensor:
    """Return a row of a Dirichlet distribution for each row of concentrations, (N, c) float32; rows sum to 1."""
    found = draws.standard_gamma(np.maximum(concentrations, LEAST)) + 1e-30
    return torch.from_numpy(found / found.sum(1, keepdims=True)).float()


def made_up(rows: int, classes: int, seed: int) -> Tensor:
    """Return made-up answers (rows, classes), the same for the same seed."""
    draws = np.random.default_rng(seed)
    each = np.resize(CONCENTRATIONS, rows)[:, None]
    return dirichlet(np.broadcast_to(each, (rows, classes)), draws)
