"""On how many test inputs clones are evaluated: by counts alone, so that time and stops change nothing.

When they are is said by `mebench.results.evaluation_grid`. The last evaluation, which is the score, looks at the whole
test set. Those before it look at one random part of it, the same for every trial before that victim, which is as large
as the trial's share for evaluation allows.
"""

from __future__ import annotations

import torch
from torch import Tensor

from mebench.api.random_streams import derive_seed
from mebench.api.spec import TrialSpec
from mebench.results.evaluation_grid import evaluation_grid

LEAST = 1000
"""Test inputs that an evaluation looks at in any case, where there are so many: standard errors up to 1.6 points."""
PROBE = 192
"""Forward passes that the gradient probe takes at each: 32 images through both networks, and back at twice the cost."""


def inputs_between(spec: TrialSpec, tests: int, passes: float) -> int:
    """Return how many test inputs each evaluation before the last looks at.

    With the last one, which looks at all, and the gradient probe they take no more forward passes than
    ``spec.evaluation_share`` of those that the queries take, as far as `LEAST` allows.

    Args:
        spec: gives the budget, the number of evaluations and their share; a share of 1 looks at all at every one.
        tests: size of the test set.
        passes: forward passes through the clone that a query costs; see `mebench.api.contract.Learner`.
    """
    between = len(evaluation_grid(spec.budget, spec.evaluations)) - 1
    if spec.evaluation_share >= 1 or tests <= LEAST or not between:
        return tests
    affordable = (spec.evaluation_share * passes * spec.budget - tests - PROBE * (between + 1)) / between
    return int(min(tests, max(LEAST, affordable)))


def part_of(tests: int, count: int) -> Tensor:
    """Return ``count`` of the row numbers 0..tests-1 in order, drawn at random, the same at every call.

    Fewer rows are a part of more rows.
    """
    order = torch.randperm(tests, generator=torch.Generator().manual_seed(derive_seed(0, "evaluations")))
    return order[:count].sort().values
