"""The strong trainer: `FitLearner` with another optimiser, another number of steps, views and losses."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from mebench import AttackContext, ConfigurationError, FitLearner, InputSpec, Response
from mebench.toolkit import augmented, evaluating, moving_average, recovered_logits
from mebench_strong import StrongParameters

CLIP = 1.0
SHIFT = 2
"""Pixels, of views."""
LOW, SMALLER, AREA = 0.8, 0.75, 0.5
"""How much of a fit is at a low resolution, at what share of height and width, and how much is seen at least."""
KEPT, FRESH = 0.4, 0.1
"""Of the last fit's weights and of the initial ones, where a fit begins by shrinking (Ash and Adams, 2020)."""


class StrongLearner(FitLearner):
    """See `StrongParameters`.

    Args:
        context: of the attack.
        parameters: of the trainer.

    Raises:
        ConfigurationError: words are to be seen at a low resolution.
    """

    def __init__(self, context: AttackContext, parameters: StrongParameters) -> None:
        self._strong = parameters
        super().__init__(context, schedule=self._course, warm_start=parameters.retrain != "scratch")
        self._floor = max(context.channel.probability_floor, torch.finfo(torch.float32).tiny)
        if parameters.resolution != "full" and context.spec.discrete:
            raise ConfigurationError("resolution: low-then-full is for images: words have none")
        self._any_size = parameters.resolution != "full" and takes_any_size(context.clone, context.spec)
        self._begun = {name: value.clone() for name, value in context.clone.state_dict().items()}

    def _course(self, done: float) -> float:
        """What the learning rate is multiplied by: a warm-up, then half a cosine to 0."""
        warmup = self._strong.warmup
        if done < warmup:
            return (done + 1e-3) / (warmup + 1e-3)
        return 0.5 * (1 + math.cos(math.pi * (done - warmup) / max(1 - warmup, 1e-9)))

    def batch_size(self, rows: int) -> int:
        """Answers per step of a fit on so many."""
        return self._strong.batch_size or (64 if rows < 1_000 else 128)

    def epochs(self, rows: int) -> int:
        """Passes over so many answers, for a number of steps within its bounds."""
        batches = max(1, math.ceil(rows / self.batch_size(rows)))
        strong = self._strong
        steps = min(max(strong.passes * batches, strong.least_steps), max(strong.most_steps, strong.least_steps))
        return max(1, round(steps / batches))

    def refit(self) -> None:
        """Fit anew, from where ``retrain`` says."""
        if self._strong.retrain == "shrink" and len(self.queries) > 1:
            _shrink(self.clone, self._begun)
        super().refit()
        if self._strong.scored == "average":
            self.clone.load_state_dict(self._average.module.state_dict())

    def make_optimizer(self) -> torch.optim.Optimizer:
        """AdamW with clipped gradients; it tells the moving average of every step."""
        strong, weights = self._strong, [one for one in self.clone.parameters() if one.requires_grad]
        groups = [
            {"params": [one for one in weights if one.ndim > 1], "weight_decay": strong.weight_decay},
            {"params": [one for one in weights if one.ndim <= 1], "weight_decay": 0.0},
        ]
        optimizer = torch.optim.AdamW([group for group in groups if group["params"]], lr=strong.learning_rate)
        optimizer.register_step_pre_hook(lambda *_: _clip(weights))
        if strong.scored == "average":
            self._average = moving_average(self.clone, optimizer)
        return optimizer

    def target(self, response: Response) -> Tensor:
        """Centred log-probabilities (B, c), or labels (B,) where an answer holds nothing else."""
        if response.probabilities is None:
            return response.labels
        return recovered_logits(response.probabilities, self._floor)

    def batch_loss(self, queries: Tensor, targets: Tensor, rows: Tensor, done: float) -> Tensor:
        """Distillation at a temperature, or smoothed cross-entropy, on views of the queries."""
        seen = augmented(queries, self._strong.views, self.random, padding=SHIFT)
        if self._strong.resolution == "low-then-full" and done < LOW:
            seen = low_crop(seen, self.random, back=not self._any_size)
        logits: Tensor = self.clone(seen)
        if targets.ndim == 1:
            return functional.cross_entropy(logits, targets, label_smoothing=self._strong.smoothing)
        heat = self._strong.temperature
        told, own = functional.log_softmax(targets / heat, 1), functional.log_softmax(logits / heat, 1)
        return heat**2 * functional.kl_div(own, told, reduction="batchmean", log_target=True)

    def state_dict(self) -> dict[str, Any]:
        """As `FitLearner`, with the weights that everything began with."""
        return {**super().state_dict(), "begun": self._begun}

    def load_state_dict(self, state: Any) -> None:
        """Go on from a ``state_dict()``."""
        super().load_state_dict(state)
        device = next(self.clone.parameters()).device
        self._begun = {name: value.to(device) for name, value in state["begun"].items()}


def _clip(weights: list[nn.Parameter]) -> None:
    nn.utils.clip_grad_norm_(weights, CLIP)


def _shrink(clone: nn.Module, begun: dict[str, Tensor]) -> None:
    """Draw weights towards those that everything began with; statistics of batch norm stay."""
    with torch.no_grad():
        for name, weight in clone.named_parameters():
            weight.mul_(KEPT).add_(begun[name], alpha=FRESH)


def low_crop(images: Tensor, random: torch.Generator, *, back: bool) -> Tensor:
    """Return one crop of all images, of half to all of their area and their own proportions, at a low resolution.

    Args:
        images: (B, C, h, w).
        random: on the CPU.
        back: whether the crop is brought back to h x w, for networks that take nothing else.
    """
    height, width = images.shape[2:]
    drawn = torch.rand(3, generator=random)
    share = float(AREA + (1 - AREA) * drawn[0]) ** 0.5
    tall, wide = max(1, round(share * height)), max(1, round(share * width))
    top, left = int(drawn[1] * (height - tall + 1)), int(drawn[2] * (width - wide + 1))
    size = max(1, round(SMALLER * height)), max(1, round(SMALLER * width))
    crop = functional.interpolate(images[..., top : top + tall, left : left + wide], size, mode="bilinear")
    return functional.interpolate(crop, (height, width), mode="bilinear") if back else crop


def takes_any_size(clone: nn.Module, spec: InputSpec) -> bool:
    """Whether a clone takes images of three quarters of the height and width."""
    height, width = (max(1, round(SMALLER * side)) for side in spec.shape[1:])
    example = torch.zeros(1, spec.shape[0], height, width, device=next(clone.parameters()).device)
    try:
        with torch.no_grad(), evaluating(clone):
            clone(example)
    except RuntimeError:  # what torch raises where a layer does not fit
        return False
    return True
