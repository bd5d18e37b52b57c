r"""What is kept of a victim's explanation, and how far the clone's is from it.

A contraction with random signs v over the classes is one row of the Jacobian of the *logits*, though the channel
explains probabilities: see `mebench.toolkit.own_explanation`.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from mebench import AttackContext, Response
from mebench.toolkit import centred, evaluating, own_explanation, ramp_schedule
from mebench_matching import GradientParameters


class Matching:
    """Contractions with random signs: rows of both Jacobians, by direction and size.

    Args:
        context: gives the channel, and the random streams ``signs`` and ``clone-points``.
        parameters: of the matching.

    Attributes:
        signs: the stream of that name.
        weight: of the distance in a loss, from the fraction that is done.

    Raises:
        ConfigurationError: the channel averages gradients in a way that is not known.
    """

    def __init__(self, context: AttackContext, parameters: GradientParameters) -> None:
        self._own, self._directions = own_explanation(context, parameters.points), parameters.directions
        self.weight = ramp_schedule(parameters.gradient_weight, parameters.ramp)
        self.signs = context.random.torch("signs", "cpu")

    def of_victim(self, response: Response) -> tuple[Tensor, Tensor]:
        """Return the victim's contractions (B, R, \\*shape), and the coefficients (B, R, c) that the clone's have."""
        probabilities, explanation = response.probabilities, response.explanation
        assert probabilities is not None
        assert explanation is not None
        pairs = self.coefficients(response.labels, probabilities)
        maps = torch.stack([explanation.vjp(victims) for _, victims in pairs], 1)
        return self.compared(maps), torch.stack([own for own, _ in pairs], 1)

    def of_clone(self, clone: nn.Module, queries: Tensor, coefficients: Tensor) -> Tensor:
        """Return the clone's contractions, (B, R, \\*shape), with a graph; coefficients are (B, R, c)."""
        return self.compared(self._own.contracted(clone, queries, coefficients))

    def coefficients(self, labels: Tensor, probabilities: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Draw R contractions: what clone and victim are contracted with, (B, c) each."""
        top, pairs = functional.one_hot(labels, probabilities.shape[1]).to(probabilities), []
        for _ in range(self._directions):
            signs = (torch.randint(2, probabilities.shape, generator=self.signs) * 2.0 - 1).to(probabilities.device)
            pairs.append(self._own.contraction(top if self._own.top else centred(signs), probabilities))
        return pairs

    def compared(self, maps: Tensor) -> Tensor:
        """Return what is compared of contractions (B, R, \\*shape): all."""
        return maps

    def distance(self, clone: nn.Module, queries: Tensor, maps: Tensor, coefficients: Tensor) -> Tensor:
        """Return the mean square of clone less victim over rows, contractions and inputs, a scalar with a graph.

        The clone is in eval mode for its gradients, since batch norm in train mode would couple the rows.
        """
        with evaluating(clone):
            found = self.of_clone(clone, queries, coefficients)
        return (found - maps).square().mean()


class Angles(Matching):
    """The angle between maps of one class, which are all made as long as each other.

    The class of each row is random, and the predicted one where no other is explained. With ``magnitudes`` the same of
    |map|.

    Args: as of `Matching`.
    """

    def __init__(self, context: AttackContext, parameters: GradientParameters) -> None:
        super().__init__(context, parameters)
        self._of = torch.abs if parameters.compare == "magnitudes" else torch.positive

    def coefficients(self, labels: Tensor, probabilities: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Draw R classes of each row."""
        rows, classes = probabilities.shape
        chosen = torch.randint(classes, (rows, self._directions), generator=self.signs).to(probabilities.device)
        if self._own.top:
            chosen = labels.unsqueeze(1).expand_as(chosen)
        return [(one, one) for one in functional.one_hot(chosen, classes).to(probabilities).unbind(1)]

    def compared(self, maps: Tensor) -> Tensor:
        """Return maps, or their magnitudes, as long as each other."""
        return as_long_as_any(self._of(maps))


def as_long_as_any(maps: Tensor) -> Tensor:
    """Scale maps (B, R, \\*shape) to a mean square of 1; a map of zeros stays one, and then pulls at nothing."""
    flat = maps.flatten(2)
    unit: Tensor = functional.normalize(flat, dim=2, eps=1e-30)
    return (unit * math.sqrt(flat.shape[2])).view_as(maps)


def matching(context: AttackContext, parameters: GradientParameters) -> Matching:
    """Choose what of explanations is compared; see `Matching`."""
    return (Matching if parameters.compare == "gradients" else Angles)(context, parameters)
