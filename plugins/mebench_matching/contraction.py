r"""One row of an explanation, of the victim and of the clone: a contraction with random signs v over the classes.

Probabilities of a sure victim hardly change with the input, so that matching their gradients as they are teaches
nothing. A contraction with (v - mean v) / q is a row of the Jacobian of the *logits*, though the channel explains
probabilities: d log q_k / d x = (d q_k / d x) / q_k. Explanations that average gradients over points have no such
quotient; of them the probabilities' own contraction is matched, with a lower bound on q.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import torch
from torch import Tensor, nn
from torch.nn import functional

from mebench import AttackContext, ConfigurationError, Response
from mebench.toolkit import centred
from mebench_matching import GradientParameters

SMALLEST_NORMAL = 1.2e-38
"""Below it float32 has no digits left for a quotient."""
SMALLEST_AVERAGED = 0.01
"""Lower bound on q where gradients are averaged: at the other points a small probability may be large."""


class Contraction:
    """Of gradients at the input itself: ``vg`` and ``white-box``.

    Args:
        score: what is explained, ``probability`` or ``logit``.
        top: whether of the predicted class alone.
    """

    smallest = SMALLEST_NORMAL

    def __init__(self, score: str, top: bool) -> None:
        self._score, self.top = score, top

    def coefficients(self, signs: Tensor, probabilities: Tensor, labels: Tensor) -> Tensor:
        """Return what the clone's scores are contracted with, (B, c), from random signs (B, c)."""
        chosen = functional.one_hot(labels, signs.shape[1]).to(signs) if self.top else centred(signs)
        return chosen if self._score == "logit" else chosen * (probabilities >= self.smallest)

    def of_victim(self, response: Response, directions: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return coefficients (B, R, c) from R random signs, and the victim's contractions (B, R, \\*shape)."""
        probabilities, explanation = response.probabilities, response.explanation
        assert probabilities is not None
        assert explanation is not None
        coefficients, maps = [], []
        for _ in range(directions):
            signs = torch.randint(2, probabilities.shape, generator=random) * 2.0 - 1
            coefficients.append(self.coefficients(signs.to(probabilities.device), probabilities, response.labels))
            maps.append(explanation.vjp(self.weights(coefficients[-1], probabilities)))
        return torch.stack(coefficients, 1), torch.stack(maps, 1)

    def weights(self, coefficients: Tensor, probabilities: Tensor) -> Tensor:
        """Return what the victim's explanation is contracted with, (B, c)."""
        if self._score == "logit":
            return coefficients
        return coefficients / probabilities.clamp_min(self.smallest)

    def scores(self, logits: Tensor) -> Tensor:
        """Return what of the clone is contracted, (B, c)."""
        return logits if self._score == "logit" else functional.log_softmax(logits, 1)

    def of_clone(self, clone: nn.Module, queries: Tensor, coefficients: Tensor) -> Tensor:
        """Return the clone's contractions, (B, R, \\*shape), with a graph; coefficients are (B, R, c)."""
        total = torch.zeros(())
        points = list(self.points(queries))
        for point in points:
            inputs = point.detach().requires_grad_()
            scores = self.scores(clone(inputs))
            rows = [(one * scores).sum() for one in coefficients.unbind(1)]
            total = total + torch.stack([torch.autograd.grad(row, inputs, create_graph=True)[0] for row in rows], 1)
        return total / len(points) * self.factor(queries)

    def points(self, queries: Tensor) -> Iterator[Tensor]:
        """Yield where the clone's gradients are taken, each (B, \\*shape)."""
        yield queries

    def factor(self, queries: Tensor) -> Tensor | float:
        """Return what the mean gradient is multiplied by: (B, 1, \\*shape), or a number."""
        return 1.0


class Averaged(Contraction):
    """Of gradients that are averaged over points."""

    smallest = SMALLEST_AVERAGED

    def coefficients(self, signs: Tensor, probabilities: Tensor, labels: Tensor) -> Tensor:
        """Return what scores of victim and clone are contracted with, (B, c)."""
        chosen = functional.one_hot(labels, signs.shape[1]).to(signs) if self.top else centred(signs)
        return chosen if self._score == "logit" else chosen / probabilities.clamp_min(self.smallest)

    def weights(self, coefficients: Tensor, probabilities: Tensor) -> Tensor:
        """Return the same."""
        return coefficients

    def scores(self, logits: Tensor) -> Tensor:
        """Return logits or probabilities, as the channel explains."""
        return logits if self._score == "logit" else torch.softmax(logits, 1)


class Smoothed(Averaged):
    """SmoothGrad, with noise of the attacker's own: without it the clone would learn a smoother gradient than its own.

    Args:
        context: gives the channel's samples and sigma, and the random stream ``clone-points``.
        samples: in place of the channel's.
    """

    def __init__(self, context: AttackContext, samples: int) -> None:
        channel = context.channel
        super().__init__(channel.score, channel.classes == "top-1")  # type: ignore[attr-defined]
        self._samples: int = samples or channel.samples  # type: ignore[attr-defined]
        self._scale: float = channel.sigma * (context.spec.high - context.spec.low)  # type: ignore[attr-defined]
        self._noise = context.random.torch("clone-points")

    def points(self, queries: Tensor) -> Iterator[Tensor]:
        """Yield noisy copies."""
        for _ in range(self._samples):
            yield queries + self._scale * torch.randn(queries.shape, generator=self._noise, device=queries.device)


class OnTheWay(Averaged):
    """Integrated Gradients, from the channel's own baseline.

    Args:
        context: gives the channel's steps, baseline and rule.
        steps: in place of the channel's.
    """

    def __init__(self, context: AttackContext, steps: int) -> None:
        channel = context.channel
        super().__init__(channel.score, channel.classes == "top-1")  # type: ignore[attr-defined]
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


class Angled:
    """The angle between maps of one class, which are all made as long as each other.

    The class of each row is random, and the predicted one where no other is explained.

    Args:
        contraction: how explanations of the channel are made of a network.
        of: what of a map is looked at: all of it, or `torch.abs`, its magnitudes.
    """

    def __init__(self, contraction: Contraction, of: Callable[[Tensor], Tensor] = torch.positive) -> None:
        self._contraction, self._of = contraction, of

    def of_victim(self, response: Response, directions: int, random: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return R random classes of each row as (B, R, c), and the victim's maps of them (B, R, \\*shape)."""
        probabilities, explanation = response.probabilities, response.explanation
        assert probabilities is not None
        assert explanation is not None
        rows, classes = probabilities.shape
        chosen = torch.randint(classes, (rows, directions), generator=random).to(probabilities.device)
        if self._contraction.top:
            chosen = response.labels.unsqueeze(1).expand_as(chosen)
        coefficients = functional.one_hot(chosen, classes).to(probabilities)
        maps = [explanation.vjp(one) for one in coefficients.unbind(1)]
        return coefficients, as_long_as_any(self._of(torch.stack(maps, 1)))

    def of_clone(self, clone: nn.Module, queries: Tensor, coefficients: Tensor) -> Tensor:
        """Return the clone's maps of these classes, (B, R, \\*shape), with a graph."""
        return as_long_as_any(self._of(self._contraction.of_clone(clone, queries, coefficients)))


def as_long_as_any(maps: Tensor) -> Tensor:
    """Scale maps (B, R, \\*shape) to a mean square of 1; a map of zeros stays one, and then pulls at nothing."""
    flat = maps.flatten(2)
    unit: Tensor = functional.normalize(flat, dim=2, eps=1e-30)
    return (unit * math.sqrt(flat.shape[2])).view_as(maps)


def contraction_for(context: AttackContext, parameters: GradientParameters) -> Contraction | Angled:
    """Choose how explanations of the context's channel are made of a clone, and what of them is compared.

    Args:
        context: gives the channel.
        parameters: of the matching.

    Raises:
        ConfigurationError: the channel averages gradients in a way that is not known here.
    """
    contraction = _contraction_for(context, parameters.points)
    if parameters.compare == "gradients":
        return contraction
    return Angled(contraction, torch.abs if parameters.compare == "magnitudes" else torch.positive)


def _contraction_for(context: AttackContext, points: int) -> Contraction:
    channel = context.channel
    if "integrated" in channel.gives:
        return OnTheWay(context, points)
    if "gradient" in channel.gives:
        score = "logit" if "logit" in channel.gives else getattr(channel, "score", "probability")
        return Contraction(score, top=channel.explained_classes == 1)
    if hasattr(channel, "sigma"):
        return Smoothed(context, points)
    raise ConfigurationError(f"gradient matching knows the channels vg, sg, ig and white-box, not {channel.name}")
