"""Explanations that an attacker has worked on, and recoveries that fill in what was withheld of them."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor, nn

from mebench import Explanation, Recovery, RecoveryContext, Response
from mebench.toolkit import evaluating, frozen
from mebench_recoveries.parameters import SignParameters


class Averaged(Explanation):
    """The mean explanation of copies that follow each other.

    Args:
        explanation: of B * copies rows.
        copies: how many make a row.
    """

    def __init__(self, explanation: Explanation, copies: int) -> None:
        self.score = explanation.score
        self._explanation, self._copies = explanation, copies

    def vjp(self, weights: Tensor) -> Tensor:
        """Return the mean of the copies' products, (B, \\*shape)."""
        return self._mean(self._explanation.vjp(weights.repeat_interleave(self._copies, dim=0)))

    def dense(self) -> Tensor:
        """Return mean maps, (B, c, \\*shape)."""
        return self._mean(self._explanation.dense())

    def _mean(self, rows: Tensor) -> Tensor:
        return rows.view(-1, self._copies, *rows.shape[1:]).mean(1)


class Maps(Explanation):
    """Maps as they are.

    Args:
        maps: (B, c, \\*shape).
        score: which score they explain.
    """

    def __init__(self, maps: Tensor, score: str) -> None:
        self.score = score
        self._maps = maps

    def vjp(self, weights: Tensor) -> Tensor:
        """Return sum_j weights[:, j] * map j, (B, \\*shape)."""
        return torch.einsum("bc,bc...->b...", weights.to(self._maps.dtype), self._maps)

    def dense(self) -> Tensor:
        """Return the maps."""
        return self._maps


class SignImputation(Recovery):
    """Gives magnitudes the signs of the clone's own gradients: |e| becomes |e| sign(d clone / d x).

    Rows with a negative entry have signs, and are left alone.

    Args:
        context: not used.
        parameters: whether maps also get the clone's scale.
    """

    def __init__(self, context: RecoveryContext, parameters: SignParameters) -> None:
        self._rescale = parameters.rescale

    def recover(self, queries: Tensor, response: Response, clone: nn.Module) -> Response:
        """Return the answer with signed maps."""
        if response.explanation is None or not len(response):
            return response
        score, maps = response.explanation.score, response.explanation.dense()
        own = gradients(clone, queries, score)
        unsigned = maps.flatten(1).amin(1) >= 0
        signed = maps * own.sign()
        if self._rescale:
            signed = signed * (_norms(own) / _norms(signed).clamp(min=1e-30))
        kept = unsigned.view(-1, *[1] * (maps.ndim - 1))
        return replace(response, explanation=Maps(torch.where(kept, signed, maps), score))


class TopOneCompletion(Recovery):
    """Gives the classes that are not explained what they must have together: -e / (c - 1) each.

    Probabilities sum to 1, so their gradients to 0; logits are taken to be centred. Rows with more than one map are
    left alone.

    Args:
        context: not used.
    """

    def __init__(self, context: RecoveryContext) -> None:
        pass

    def recover(self, queries: Tensor, response: Response, clone: nn.Module) -> Response:
        """Return the answer with a map for every class."""
        if response.explanation is None or not len(response):
            return response
        score, maps = response.explanation.score, response.explanation.dense()
        explained = maps.flatten(2).abs().amax(2) > 0  # (B, c)
        single = (explained.sum(1, keepdim=True) == 1) & ~explained
        shape = (*single.shape, *[1] * (maps.ndim - 2))
        others = -maps.sum(1, keepdim=True) / (maps.shape[1] - 1)
        return replace(response, explanation=Maps(torch.where(single.view(shape), others, maps), score))


def gradients(network: nn.Module, queries: Tensor, score: str) -> Tensor:
    """Return d score_j / d x of every class j, (B, c, \\*shape), by a backward pass for each class."""
    with torch.enable_grad(), evaluating(network), frozen(network):
        inputs = queries.detach().clone().requires_grad_(True)
        outputs = network(inputs)
        scores = torch.softmax(outputs, dim=1) if score == "probability" else outputs
        classes = scores.shape[1]
        maps = [
            torch.autograd.grad(one.sum(), inputs, retain_graph=number + 1 < classes)[0]
            for number, one in enumerate(scores.unbind(1))
        ]
    return torch.stack(maps, dim=1)


def _norms(maps: Tensor) -> Tensor:
    norms: Tensor = torch.linalg.vector_norm(maps.flatten(2), dim=2)
    return norms.view(*norms.shape, *[1] * (maps.ndim - 2))
