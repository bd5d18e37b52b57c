"""Generator strategies that estimate the gradient from answers, by forward differences along random directions."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from mebench.api.contract import AttackContext, Oracle
from mebench.api.errors import ConfigurationError
from mebench.toolkit.losses import ExtractionLoss, loss_derivatives
from mebench.toolkit.parameters import GeneratorParameters
from mebench.toolkit.schedules import Schedule
from mebench.toolkit.strategies.generator import GeneratorStrategy, OptimizerMaker, squash


class ZerothOrderStrategy(GeneratorStrategy):
    """Generator steps from forward differences; B (m + 1) queries each (DFME, section 3; MAZE, section 4).

    Args:
        context: as of every generator, with the random stream ``directions``.
        loss, parameters, schedule, optimizer, affine: of `GeneratorStrategy`.
        directions: m.
        step_size: epsilon, taken before the tanh.
        exact_clone: move only the victim by differences, and differentiate the clone exactly.

    Raises:
        ConfigurationError: the trial asks for networks that are trained in bfloat16.
    """

    def __init__(
        self,
        context: AttackContext,
        loss: ExtractionLoss,
        parameters: GeneratorParameters,
        schedule: Schedule,
        *,
        directions: int,
        step_size: float,
        exact_clone: bool = False,
        optimizer: OptimizerMaker = torch.optim.Adam,
        affine: bool = False,
    ) -> None:
        if context.bf16:
            raise ConfigurationError(f"bf16: true is not for differences over steps of {step_size:g}: leave it out")
        super().__init__(context, loss, parameters, schedule, optimizer=optimizer, affine=affine)
        self._directions, self._step_size, self._exact_clone = directions, step_size, exact_clone
        self._stream = context.random.torch("directions")

    @property
    def step_cost(self) -> int:
        """B (m + 1)."""
        return self._batch_size * (self._directions + 1)

    def base_answers(self, images: Tensor, oracle: Oracle) -> Tensor:
        """Return the victim's probabilities (B, c) at the images from which the directions start."""
        return _probabilities(oracle, images)

    def loss_gradient(self, raw: Tensor, oracle: Oracle, clone: nn.Module) -> Tensor:
        """Return (d/m) sum_i (L(x + eps u_i) - L(x)) / eps * u_i over random unit directions u_i (eq. 4 of MEGEX)."""
        images = squash(raw, self._spec)
        answers = self.base_answers(images, oracle)
        with torch.no_grad():
            logits = clone(images)
            base = self._loss.per_query(answers, logits)
            estimate = torch.zeros_like(raw)
            for _ in range(self._directions):
                direction = self._unit_directions(raw)
                moved = squash(raw + self._step_size * direction, self._spec)
                moved_logits = logits if self._exact_clone else clone(moved)
                loss = self._loss.per_query(_probabilities(oracle, moved), moved_logits)
                slope = (loss - base) / self._step_size
                estimate += slope.view(-1, *[1] * (raw.ndim - 1)) * direction
        estimate *= self._spec.size / self._directions
        if self._exact_clone:
            estimate += self._clone_gradient(raw, answers, clone)
        return estimate

    def _unit_directions(self, like: Tensor) -> Tensor:
        direction = torch.randn(like.shape, generator=self._stream, device=like.device)
        return torch.nn.functional.normalize(direction.flatten(1)).view_as(like)

    def _clone_gradient(self, raw: Tensor, answers: Tensor, clone: nn.Module) -> Tensor:
        with torch.enable_grad():
            raw = raw.requires_grad_()
            images = squash(raw, self._spec)
            through_clone = loss_derivatives(self._loss, answers, clone, images)[1]
            (gradient,) = torch.autograd.grad(images, raw, through_clone)
        return gradient


def _probabilities(oracle: Oracle, images: Tensor) -> Tensor:
    probabilities = oracle.query(images, purpose="explore").probabilities
    assert probabilities is not None
    return probabilities
