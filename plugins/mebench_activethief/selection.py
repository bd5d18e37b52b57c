"""SubsetSelection of Algorithm 1: which k inputs of the pool are asked next (section 4).

Of inputs that are equally good the one that comes first in the pool is taken.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from mebench.toolkit import Scene, deepfool, highest, k_center, lowest, pool_batches
from mebench_activethief import SelectionParameters
from mebench_activethief.outputs import SPACES, over_pool, probabilities


def most_uncertain(scene: Scene, k: int, parameters: SelectionParameters) -> Tensor:
    """The k candidates whose class probabilities, as the clone sees them, have the highest entropy."""
    entropy = torch.special.entr(over_pool(probabilities, scene, scene.candidates)).sum(1)
    return highest(scene.candidates, entropy, k)


def farthest(scene: Scene, k: int, parameters: SelectionParameters) -> Tensor:
    """k candidates, each the farthest from all answered inputs and from those before it (greedy k-center)."""
    return _farthest_of(scene, scene.candidates, k, parameters)


def nearest_to_boundary(scene: Scene, k: int, parameters: SelectionParameters) -> Tensor:
    """The k candidates that DeepFool moves across the clone's boundary by the smallest perturbations (DFAL)."""
    candidates, most = scene.candidates, parameters.dfal_candidates
    if most is not None and most < len(candidates):
        drawn = torch.randperm(len(candidates), generator=scene.random)[: max(most, k)]
        candidates = candidates[drawn.sort().values]
    return lowest(candidates, _perturbations(scene, candidates, parameters), k)


def nearest_to_boundary_then_farthest(scene: Scene, k: int, parameters: SelectionParameters) -> Tensor:
    """k by greedy k-center of the rho candidates with the smallest perturbations (section 4.2)."""
    count = min(max(parameters.rho or 0, k), len(scene.candidates))
    nearest = nearest_to_boundary(scene, count, parameters)
    return _farthest_of(scene, nearest.sort().values, k, parameters)


SELECTIONS: dict[str, Callable[[Scene, int, SelectionParameters], Tensor]] = {
    "uncertainty": most_uncertain,
    "k-center": farthest,
    "dfal": nearest_to_boundary,
    "dfal+k-center": nearest_to_boundary_then_farthest,
}
"""Return k of the candidates. `random` is asked in one round, so that nothing is left to select."""


def _farthest_of(scene: Scene, rows: Tensor, k: int, parameters: SelectionParameters) -> Tensor:
    space = SPACES[parameters.space]
    return rows[k_center(over_pool(space, scene, rows), over_pool(space, scene, scene.answered), k)]


def _perturbations(scene: Scene, rows: Tensor, parameters: SelectionParameters) -> Tensor:
    """(N,) norms of DeepFool's perturbations, on the CPU; infinite where the class did not change."""
    norms = []
    for inputs in pool_batches(scene.pool, rows, scene.device):
        found = deepfool(scene.clone, inputs, overshoot=parameters.overshoot, max_steps=parameters.deepfool_steps)
        norms.append(torch.where(found.crossed, found.norms, torch.inf).cpu())
    return torch.cat(norms)
