"""What released explanations are still worth to honest users, beside those that the channel would give undefended."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from mebench.trial.metrics.evidence import NetworkEvidence
from mebench.trial.metrics.schedule import part_of
from mebench.trial.metrics.service_entries import ExplanationUtilityParameters

STEPS = 28
"""Parts of the pixels, in the order of a map, that are taken away or put back one after another."""
LARGEST = 0.1
"""Share of the pixels whose agreement is looked at."""
WINDOW = 7
"""Side of the windows of structural similarity."""


def explanation_utility(evidence: NetworkEvidence, parameters: ExplanationUtilityParameters) -> dict[str, float | None]:
    """The numbers of the metric ``explanation-utility``; all unknown without released explanations of images."""
    service = evidence.service
    rows = part_of(len(evidence.inputs), min(parameters.inputs, len(evidence.inputs))).to(evidence.inputs.device)
    inputs = evidence.inputs[rows]
    maps = service.honest_maps(inputs) if service and inputs.ndim == 4 else None
    if maps is None:
        return {"explanation_spearman": None}
    original, released, labels = maps.original, maps.released, maps.labels
    deletion, insertion = zip(
        *(changes(evidence.victim, inputs, labels, one) for one in (original, released)), strict=True
    )
    return {
        "explanation_deletion": _mean(deletion[1] - deletion[0]),
        "explanation_insertion": _mean(insertion[1] - insertion[0]),
        "explanation_spearman": _mean(spearman(original.flatten(1), released.flatten(1))),
        "explanation_spearman_absolute": _mean(spearman(original.abs().flatten(1), released.abs().flatten(1))),
        "explanation_overlap": _mean(overlap(original.abs().flatten(1), released.abs().flatten(1))),
        "explanation_similarity": _mean(structural_similarity(_scaled(original), _scaled(released))),
    }


def _mean(values: Tensor) -> float | None:
    """The mean of what is known; None of nothing."""
    known = values[~values.isnan()]
    return float(known.double().mean()) if len(known) else None


def changes(victim: nn.Module, inputs: Tensor, labels: Tensor, maps: Tensor) -> tuple[Tensor, Tensor]:
    """Areas under the deletion and the insertion curve of each input (Petsiuk et al., 2018, arXiv:1806.07421).

    Pixels are taken in the descending order of a map, its channels added up, and set to 0 in that order (deletion), or
    put back into an empty image (insertion); what is averaged is the probability of the label after each of `STEPS`
    parts.

    Args:
        victim: returns logits (B, c).
        inputs: (B, C, h, w).
        labels: (B,).
        maps: (B, C, h, w).

    Returns:
        (B,) each, in [0, 1].
    """
    pixels = maps.sum(1).flatten(1)
    rank = torch.argsort(torch.argsort(pixels, dim=1, descending=True, stable=True), dim=1)
    deleted: list[Tensor] = []
    inserted: list[Tensor] = []
    for step in range(1, STEPS + 1):
        taken = (rank < math.ceil(step * pixels.shape[1] / STEPS)).view(len(maps), 1, *maps.shape[2:])
        for kept, found in ((~taken, deleted), (taken, inserted)):
            with torch.no_grad():
                probabilities = torch.softmax(victim(inputs * kept), dim=1)
            found.append(probabilities.gather(1, labels[:, None])[:, 0])
    return torch.stack(deleted).mean(0), torch.stack(inserted).mean(0)


def spearman(first: Tensor, second: Tensor) -> Tensor:
    """Rank correlation of each row of (B, d) with that of another, ties sharing a rank; NaN where one is flat."""
    from scipy.stats import rankdata

    ranks = [torch.from_numpy(rankdata(one.cpu().numpy(), axis=1)).double() for one in (first, second)]
    a, b = (rank - rank.mean(1, keepdim=True) for rank in ranks)
    scale = (a.square().sum(1) * b.square().sum(1)).sqrt()
    return torch.where(scale > 0, (a * b).sum(1) / scale.clamp(min=1e-300), math.nan)


def overlap(first: Tensor, second: Tensor) -> Tensor:
    """The share of the largest entries of each row that are among the largest of the other; of equals the first."""
    count = max(1, round(LARGEST * first.shape[1]))
    chosen = [
        torch.zeros_like(one, dtype=torch.bool).scatter(
            1, torch.argsort(one, dim=1, descending=True, stable=True)[:, :count], True
        )
        for one in (first, second)
    ]
    return (chosen[0] & chosen[1]).sum(1) / count


def structural_similarity(first: Tensor, second: Tensor) -> Tensor:
    """Mean structural similarity of pairs of maps in [0, 1] (Wang et al., 2004), with windows of equal weights.

    Args:
        first, second: (B, C, h, w).

    Returns:
        (B,), at most 1.
    """
    side = min(WINDOW, *first.shape[2:])
    pool = nn.AvgPool2d(side, stride=1)
    a, b = first.double(), second.double()
    mean_a, mean_b = pool(a), pool(b)
    unbiased = side * side / max(side * side - 1, 1)
    var_a, var_b = unbiased * (pool(a * a) - mean_a**2), unbiased * (pool(b * b) - mean_b**2)
    covariance = unbiased * (pool(a * b) - mean_a * mean_b)
    small, smaller = 0.01**2, 0.03**2
    numerator = (2 * mean_a * mean_b + small) * (2 * covariance + smaller)
    denominator = (mean_a**2 + mean_b**2 + small) * (var_a + var_b + smaller)
    similarity: Tensor = numerator / denominator
    return similarity.flatten(1).mean(1)


def _scaled(maps: Tensor) -> Tensor:
    """Magnitudes over the largest of each map; 0 where all is 0."""
    sizes = maps.abs()
    largest = sizes.flatten(1).amax(1).view(-1, 1, 1, 1)
    return torch.where(largest > 0, sizes / largest.clamp(min=1e-30), 0.0)
