"""SubsetSelection of Algorithm 1: which k inputs of the pool are asked next (section 4).

Of inputs that are equally good the one that comes first in the pool is taken.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mebench import Pool
from mebench.toolkit import deepfool, k_center, pool_batches
from mebench_activethief import SelectionParameters
from mebench_activethief.outputs import SPACES, Output, over_pool, probabilities


@dataclass(frozen=True)
class Scene:
    """What a selection is made from.

    Attributes:
        clone: trained on all answers so far.
        pool: unlabelled inputs.
        candidates: (N,) int64 rows of the pool that were not asked, ascending.
        answered: (M,) int64 rows that the clone has learnt from.
        device: where the clone is.
        random: what is drawn is drawn from, on the CPU.
        budget: of the trial.
        parameters: of the selection; see ``mebench info activethief``.
    """

    clone: nn.Module
    pool: Pool
    candidates: Tensor
    answered: Tensor
    device: torch.device
    random: torch.Generator
    budget: int
    parameters: SelectionParameters

    def outputs(self, output: Output, rows: Tensor) -> Tensor:
        """What the clone says of rows of the pool."""
        return over_pool(output, self.clone, self.pool, rows, self.device)


Selection = Callable[[Scene, int], Tensor]
"""Returns k of the candidates, at least one and at most all."""


def most_uncertain(scene: Scene, k: int) -> Tensor:
    """The k candidates whose class probabilities, as the clone sees them, have the highest entropy."""
    entropy = torch.special.entr(scene.outputs(probabilities, scene.candidates)).sum(1)
    return _first(scene.candidates, -entropy, k)


def farthest(scene: Scene, k: int) -> Tensor:
    """k candidates, each the farthest from all answered inputs and from those before it (greedy k-center)."""
    return _farthest_of(scene, scene.candidates, k)


def nearest_to_boundary(scene: Scene, k: int) -> Tensor:
    """The k candidates that DeepFool moves across the clone's boundary by the smallest perturbations (DFAL)."""
    candidates, most = scene.candidates, scene.parameters.dfal_candidates
    if most is not None and most < len(candidates):
        drawn = torch.randperm(len(candidates), generator=scene.random)[: max(most, k)]
        candidates = candidates[drawn.sort().values]
    return _first(candidates, _perturbations(scene, candidates), k)


def nearest_to_boundary_then_farthest(scene: Scene, k: int) -> Tensor:
    """k by greedy k-center of the rho candidates with the smallest perturbations (section 4.2)."""
    rho = scene.parameters.rho or scene.budget
    nearest = nearest_to_boundary(scene, min(max(rho, k), len(scene.candidates)))
    return _farthest_of(scene, nearest.sort().values, k)


SELECTIONS: dict[str, Selection] = {  # `random` is asked in one round, so that nothing is left to select
    "uncertainty": most_uncertain,
    "k-center": farthest,
    "dfal": nearest_to_boundary,
    "dfal+k-center": nearest_to_boundary_then_farthest,
}


def _farthest_of(scene: Scene, rows: Tensor, k: int) -> Tensor:
    space = SPACES[scene.parameters.space]
    return rows[k_center(scene.outputs(space, rows), scene.outputs(space, scene.answered), k)]


def _perturbations(scene: Scene, rows: Tensor) -> Tensor:
    """(N,) norms of DeepFool's perturbations, on the CPU; infinite where the class did not change."""
    steps, overshoot, norms = scene.parameters.deepfool_steps, scene.parameters.overshoot, []
    for inputs in pool_batches(scene.pool, rows, scene.device):
        found = deepfool(scene.clone, inputs, overshoot=overshoot, max_steps=steps)
        norms.append(torch.where(found.crossed, found.norms, torch.inf).cpu())
    return torch.cat(norms)


def _first(rows: Tensor, scores: Tensor, k: int) -> Tensor:
    """The k rows with the lowest scores, of equal ones the first."""
    return rows[scores.cpu().argsort(stable=True)[:k]]
