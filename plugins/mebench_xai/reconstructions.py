"""How gradients are made from Integrated Gradients of an image and of the image scaled towards the baseline.

Scaled by s means b + s (x - b), with the channel's baseline b. IG at scale s, divided by x - b, is about the integral
of the gradients from scale 0 to s; the difference of two such integrals is the gradient between them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

from mebench import AttackContext, ConfigurationError, Oracle, Response
from mebench.toolkit import explained_score
from mebench_xai.softmax_path import Way, logarithmic_mean, path_weights

SMALL = 1e-6
"""Pixels nearer to the baseline than this fraction of the input range count as lying on it."""


class Reconstruction(ABC):
    """Finds the victim's part of d L / d x from two explained queries.

    Args:
        context: gives the channel and the spec.
        alpha: by how much the second query is scaled; None for the form's own.
    """

    usual_alpha: ClassVar[float]

    def __init__(self, context: AttackContext, alpha: float | None) -> None:
        self.alpha = alpha or self.usual_alpha
        self.channel, self.spec = context.channel, context.spec
        self.baseline: float = getattr(context.channel, "baseline")  # noqa: B009
        self.small = SMALL * (self.spec.high - self.spec.low)

    @property
    def preparation(self) -> int:
        """Queries that ``prepare`` is still going to spend."""
        return 0

    def prepare(self, oracle: Oracle, images: Tensor) -> None:  # noqa: B027 (doing nothing is a fair default)
        """Ask what is needed once in a trial; the images tell type and device."""

    def state_dict(self) -> dict[str, Any]:
        """What ``prepare`` has learnt."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any], device: torch.device) -> None:  # noqa: B027 (doing nothing is a fair default)
        """Go on from a ``state_dict()``."""

    def first(self, images: Tensor) -> Tensor:
        """Return the first query, all but equal to the generated images."""
        return images

    @abstractmethod
    def second(self, first: Tensor) -> Tensor:
        """Return the second query."""

    @abstractmethod
    def gradient(self, first: Response, second: Response, images: Tensor, weights: Tensor) -> Tensor:
        """Return the victim's part of d L / d x, (B, \\*shape).

        Args:
            first, second: explained answers to the two queries.
            images: (B, \\*shape), the first query.
            weights: d l / d f, (B, c), with f the probabilities.
        """


class AsPrinted(Reconstruction):
    """Eq. 4 of the paper: (IG((1 + alpha) x) - IG(x)) / alpha, taken for the gradient.

    It lacks a division by x - b; and at the printed alpha both queries are the same numbers in float32, so that the
    result is exactly 0. What leaves the input range by the scaling is clipped, since the oracle would refuse it.
    """

    usual_alpha = 1e-8

    def second(self, first: Tensor) -> Tensor:
        """Return x + alpha (x - b), clipped at the input range."""
        return (first + self.alpha * (first - self.baseline)).clamp(self.spec.low, self.spec.high)

    def gradient(self, first: Response, second: Response, images: Tensor, weights: Tensor) -> Tensor:
        """Return eq. 4, contracted."""
        explained = explained_weights(first, weights)
        return (contracted(second, explained) - contracted(first, explained)) / self.alpha


class Corrected(Reconstruction):
    """The backward quotient (IG(x) - IG((1 - alpha) x)) / alpha, divided by x - b; 0 for pixels at the baseline.

    It never leaves the input range. An alpha of several steps of the sum lets the sums see the kinks of the network.
    """

    usual_alpha = 0.2

    def second(self, first: Tensor) -> Tensor:
        """Return the images scaled by 1 - alpha."""
        return self.baseline + (1 - self.alpha) * (first - self.baseline)

    def gradient(self, first: Response, second: Response, images: Tensor, weights: Tensor) -> Tensor:
        """Return the corrected quotient, contracted."""
        same = self.comparable(first, second)
        ours, others = self.both_weights(first, second, weights * same)
        offset, other_offset = images - self.baseline, self.second(images) - self.baseline
        near = offset.abs() < self.small / 2
        here = contracted(first, ours) / offset.masked_fill(near, 1)
        there = contracted(second, others) / other_offset.masked_fill(near, 1)
        return (here + (1 - self.alpha) * there).masked_fill(near, 0)

    def both_weights(self, first: Response, second: Response, weights: Tensor) -> tuple[Tensor, Tensor]:
        """Return the weights of the two explanations."""
        quotient = explained_weights(first, weights) / self.alpha
        return quotient, -quotient

    def comparable(self, first: Response, second: Response) -> Tensor:
        """Return (B, 1) of 0 and 1: where one class only is explained, whether it is the same in both answers."""
        if self.channel.explained_classes is None:
            return torch.ones_like(first.labels).unsqueeze(1)
        return (first.labels == second.labels).unsqueeze(1)


class Best(Corrected):
    """The corrected quotient with three additions, each from what the attacker sees.

    - Pixels at the baseline are asked a little beside it. Each explanation is divided by the very offset that the
      channel multiplied with, so that nothing is lost by rounding however small that is.
    - Explained probabilities are weighed so that the softmax along the way is undone, see `softmax_path`. It takes the
      probabilities of the baseline: one query in a trial.
    - Where one class only is explained, its probability counts by its logarithmic mean between the two queries.
    """

    usual_alpha = 0.4

    def __init__(self, context: AttackContext, alpha: float | None) -> None:
        logits = explained_score(context.channel) == "logit"
        super().__init__(context, alpha or (Corrected.usual_alpha if logits else self.usual_alpha))
        self.at_baseline: Tensor | None = None
        if not self.spec.low <= self.baseline <= self.spec.high:
            raise ConfigurationError(
                f"int: reconstruction best asks the baseline, and {self.baseline:g} is outside the input range "
                f"[{self.spec.low:g}, {self.spec.high:g}]; use reconstruction corrected"
            )

    @property
    def preparation(self) -> int:
        """One query, the baseline, until it is known."""
        return int(self.at_baseline is None)

    def prepare(self, oracle: Oracle, images: Tensor) -> None:
        """Ask for the probabilities of the baseline, once."""
        if self.at_baseline is None:
            image = torch.full_like(images[:1], self.baseline)
            answer = oracle.query(image, purpose="explore").probabilities
            assert answer is not None
            self.at_baseline = answer.clamp_min(self.channel.probability_floor)

    def state_dict(self) -> dict[str, Any]:
        """The probabilities of the baseline."""
        return {"at_baseline": self.at_baseline}

    def load_state_dict(self, state: Mapping[str, Any], device: torch.device) -> None:
        """Go on from a ``state_dict()``."""
        known = state["at_baseline"]
        self.at_baseline = None if known is None else known.to(device)

    def first(self, images: Tensor) -> Tensor:
        """Return the images with every pixel that lies on the baseline moved a little off it."""
        aside = self.baseline + (self.small if self.baseline + self.small <= self.spec.high else -self.small)
        return images.masked_fill((images - self.baseline).abs() < self.small, aside)

    def both_weights(self, first: Response, second: Response, weights: Tensor) -> tuple[Tensor, Tensor]:
        """Return weights that undo the softmax along the way."""
        assert first.explanation is not None
        if first.explanation.score == "logit":
            return super().both_weights(first, second, weights)
        assert first.probabilities is not None
        assert second.probabilities is not None
        below = second.probabilities.clamp_min(self.channel.probability_floor)
        here = first.probabilities.clamp_min(self.channel.probability_floor)
        wanted = logit_weights(first, weights)
        if self.channel.explained_classes is not None:
            quotient = wanted / logarithmic_mean(here, below) / self.alpha
            return quotient, -quotient
        return path_weights(self.way(below, here), wanted, 1 - self.alpha)

    def way(self, below: Tensor, here: Tensor) -> Way:
        """Return what is known of the way, from (B, c) probabilities of the second and the first query."""
        assert self.at_baseline is not None
        knots = torch.stack([self.at_baseline.expand_as(here), below, here]).double().log()
        shift = 0.5 if getattr(self.channel, "rule", "right") == "midpoint" else 0.0
        return Way((0.0, 1 - self.alpha, 1.0), knots, int(getattr(self.channel, "steps", 50)), shift)


RECONSTRUCTIONS: dict[str, type[Reconstruction]] = {"as-printed": AsPrinted, "corrected": Corrected, "best": Best}


def contracted(response: Response, weights: Tensor) -> Tensor:
    """Return the response's explanation, contracted with (B, c) weights."""
    assert response.explanation is not None
    return response.explanation.vjp(weights)


def explained_weights(response: Response, weights: Tensor) -> Tensor:
    """Return d l / d score, (B, c), for the explained score, from d l / d f."""
    assert response.explanation is not None
    return logit_weights(response, weights) if response.explanation.score == "logit" else weights


def logit_weights(response: Response, weights: Tensor) -> Tensor:
    """Return d l / d z, (B, c), with z the logits, from d l / d f."""
    assert response.probabilities is not None
    scaled = weights * response.probabilities
    return scaled - response.probabilities * scaled.sum(1, keepdim=True)
