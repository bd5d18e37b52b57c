r"""Explanations of a network of the attacker's own, made as a channel makes those of the victim.

Probabilities of a sure network hardly change with the input. So of explained probabilities the *logarithms* are
contracted: d log q_k / d x = (d q_k / d x) / q_k. A channel that averages gradients over points has no such quotient;
there both networks' probabilities are contracted with the victim's quotient, with a lower bound on q.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from mebench.api.contract import AttackContext, Response, ResponseChannel
from mebench.api.errors import ConfigurationError
from mebench.toolkit.losses import centred

SMALLEST_NORMAL = 1.2e-38
"""Below it float32 has no digits left for a quotient."""
SMALLEST_AVERAGED = 0.01
"""Lower bound on q where gradients are averaged: at the other points a small probability may be large."""


def explained_score(channel: ResponseChannel) -> Literal["probability", "logit"]:
    """Which score of a class the channel explains. Since version 1.8."""
    logits = "logit" in channel.gives or getattr(channel, "score", "probability") == "logit"
    return "logit" if logits else "probability"


def logit_jacobian(response: Response, floor: float) -> Tensor:
    """Return the centred Jacobian of the logits that a response's gradients tell, (B, c, d) float64. Since version 1.8.

    Args:
        response: with gradients of all classes at the d values of the query itself, and with probabilities.
        floor: lower bound on a probability that is divided by.
    """
    assert response.probabilities is not None
    assert response.explanation is not None
    jacobian = response.explanation.dense().double().flatten(2)
    if response.explanation.score == "probability":
        jacobian = jacobian / response.probabilities.double().clamp_min(floor).unsqueeze(2)
    return centred(jacobian)


class OwnExplanation:
    """Gradients at the input itself: ``vg`` and ``white-box``. Since version 1.8; `own_explanation` chooses.

    Args:
        channel: whose explanations are made.

    Attributes:
        score: what is explained.
        top: whether of the predicted class alone.
    """

    def __init__(self, channel: ResponseChannel) -> None:
        self.score, self.top = explained_score(channel), channel.explained_classes == 1

    def contraction(self, coefficients: Tensor, probabilities: Tensor) -> tuple[Tensor, Tensor]:
        """Return what `scores` of the own network and the victim's explanation are contracted with, (B, c) each.

        Where both networks are the same, so are `contracted` by the first and ``vjp`` of the second.

        Args:
            coefficients: (B, c), of logits or of logarithms of probabilities.
            probabilities: (B, c), the victim's.
        """
        if self.score == "logit":
            return coefficients, coefficients
        told = coefficients * (probabilities >= SMALLEST_NORMAL)
        return told, told / probabilities.clamp_min(SMALLEST_NORMAL)

    def scores(self, logits: Tensor) -> Tensor:
        """Return what of the own network is contracted, (B, c)."""
        return logits if self.score == "logit" else functional.log_softmax(logits, 1)

    def contracted(self, network: nn.Module, queries: Tensor, coefficients: Tensor) -> Tensor:
        r"""Return contractions of the network's explanation, (B, R, \*shape), with a graph to its parameters.

        Args:
            network: returns logits; in eval mode, or batch norm couples the rows.
            queries: (B, \*shape).
            coefficients: (B, R, c).
        """
        total = torch.zeros(())
        points = list(self.points(queries))
        for point in points:
            inputs = point.detach().requires_grad_()
            scores = self.scores(network(inputs))
            rows = [(one * scores).sum() for one in coefficients.unbind(1)]
            total = total + torch.stack([torch.autograd.grad(row, inputs, create_graph=True)[0] for row in rows], 1)
        return total / len(points) * self.factor(queries)

    def points(self, queries: Tensor) -> Iterator[Tensor]:
        """Yield where gradients are taken, each (B, \\*shape)."""
        yield queries

    def factor(self, queries: Tensor) -> Tensor | float:
        """Return what the mean gradient is multiplied by: (B, 1, \\*shape), or a number."""
        return 1.0


class AveragedExplanation(OwnExplanation):
    """Gradients that are averaged over points; a subclass says which."""

    def contraction(self, coefficients: Tensor, probabilities: Tensor) -> tuple[Tensor, Tensor]:
        """As of the base; the same for both networks."""
        if self.score == "probability":
            coefficients = coefficients / probabilities.clamp_min(SMALLEST_AVERAGED)
        return coefficients, coefficients

    def scores(self, logits: Tensor) -> Tensor:
        """Return logits or probabilities, as the channel explains."""
        return logits if self.score == "logit" else torch.softmax(logits, 1)


class OwnSmoothGrad(AveragedExplanation):
    """SmoothGrad, with noise of the attacker's own.

    Args:
        context: gives the channel's samples and sigma, and the random stream ``clone-points``.
        samples: in place of the channel's; 0 for these.
    """

    def __init__(self, context: AttackContext, samples: int) -> None:
        channel = context.channel
        super().__init__(channel)
        self._samples: int = samples or channel.samples  # type: ignore[attr-defined]
        self._scale: float = channel.sigma * (context.spec.high - context.spec.low)  # type: ignore[attr-defined]
        self._noise = context.random.torch("clone-points")

    def points(self, queries: Tensor) -> Iterator[Tensor]:
        """Yield noisy copies."""
        for _ in range(self._samples):
            yield queries + self._scale * torch.randn(queries.shape, generator=self._noise, device=queries.device)


class OwnIntegratedGradients(AveragedExplanation):
    """Integrated Gradients, from the channel's own baseline.

    Args:
        channel: has steps, baseline and rule.
        steps: in place of the channel's, by the midpoint rule; 0 for these.
    """

    def __init__(self, channel: ResponseChannel, steps: int) -> None:
        super().__init__(channel)
        self._steps: int = steps or channel.steps  # type: ignore[attr-defined]
        self._baseline: float = channel.baseline  # type: ignore[attr-defined]
        self._shift = 0.0 if channel.rule == "right" and not steps else 0.5  # type: ignore[attr-defined]

    def points(self, queries: Tensor) -> Iterator[Tensor]:
        """Yield the points between baseline and query."""
        for k in range(1, self._steps + 1):
            yield self._baseline + (k - self._shift) / self._steps * (queries - self._baseline)

    def factor(self, queries: Tensor) -> Tensor:
        """Return x - b."""
        return (queries - self._baseline).unsqueeze(1)


def own_explanation(context: AttackContext, points: int = 0) -> OwnExplanation:
    """Choose how explanations of the context's channel are made of a network of one's own. Since version 1.8.

    Args:
        context: gives the channel, and for SmoothGrad the random stream ``clone-points``.
        points: at which a SmoothGrad or Integrated Gradients is taken; 0 for as many as the channel's.

    Raises:
        ConfigurationError: the channel averages gradients in a way that is not known here.
    """
    channel = context.channel
    if "integrated" in channel.gives:
        return OwnIntegratedGradients(channel, points)
    if "gradient" in channel.gives:
        return OwnExplanation(channel)
    if hasattr(channel, "sigma"):
        return OwnSmoothGrad(context, points)
    raise ConfigurationError(f"the attack knows the channels vg, sg, ig and white-box, not {channel.name}")
