"""A generator of inputs on which two students disagree: the victim is asked only what is then learnt from."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from mebench.api.contract import AttackContext, Oracle
from mebench.models.modes import evaluating, frozen
from mebench.models.to_device import to_device
from mebench.toolkit.learners.pair import PairLearner
from mebench.toolkit.parameters import PairParameters
from mebench.toolkit.strategies.generator import SteppedGeneratorStrategy, squash

PairLoss = Callable[[Tensor, Tensor], Tensor]
"""Of the (B, c) logits of both students: a scalar."""


class DisagreementStrategy(SteppedGeneratorStrategy):
    """Generator steps that descend a loss of two students, which ask nothing; then batches to learn from.

    The gradient goes through both students, in eval mode; the generator is in train mode. Since version 1.8.

    Args:
        context: as of every generator.
        parameters: of the generator and of its steps.
        learner: has the students, and tells facts.
        loss: what the generator descends.
        grey_every: of images with colours, every so-many-th of a batch shows one of its channels, drawn for each image,
            in all; 0 for none.
    """

    def __init__(
        self,
        context: AttackContext,
        parameters: PairParameters,
        learner: PairLearner,
        loss: PairLoss,
        *,
        grey_every: int = 0,
    ) -> None:
        super().__init__(context, parameters, parameters.schedule(parameters.generator_lr))
        self._learner, self._pair_loss = learner, loss
        self._grey_every = grey_every if context.spec.shape[0] > 1 else 0
        self._channels = context.random.torch("grey", "cpu")
        self._running = parameters.query_mode == "eval"
        self.loss: Tensor | None = None

    def generator_step(self, oracle: Oracle, clone: nn.Module) -> None:
        """Take one step of ``optimizer`` down the loss; costs no query."""
        with contextlib.ExitStack() as modes:
            for student in self._learner.students:
                modes.enter_context(evaluating(student))
                modes.enter_context(frozen(student))
            images = self.greyed(squash(self._generate(self.draw_noise()), self._spec))
            loss = self._pair_loss(*(student(images) for student in self._learner.students))
            self.begin_step(oracle.progress)
            loss.backward()
        self.optimizer.step()
        self.loss = loss.detach()

    def propose(self, oracle: Oracle, clone: nn.Module) -> Tensor:
        """Take the generator steps that are due, then return a generated batch."""
        return self.greyed(super().propose(oracle, clone))

    def make(self) -> Tensor:
        """Make a batch of raw images, with the generator in the mode of ``query_mode``."""
        with evaluating(self.generator) if self._running else contextlib.nullcontext():
            return super().make()

    def greyed(self, images: Tensor) -> Tensor:
        """Return (B, C, h, w) images, some of them grey."""
        if not self._grey_every:
            return images
        chosen = images[:: self._grey_every]
        channels = torch.randint(images.shape[1], (len(chosen), 1, 1, 1), generator=self._channels)
        grey = chosen.take_along_dim(to_device(channels, images.device), 1).expand_as(chosen)
        images = images.clone()
        images[:: self._grey_every] = grey
        return images

    def diagnostics(self) -> Mapping[str, float | None]:
        """``generator_loss`` of the last step, and the learner's facts."""
        told = dict(self._learner.facts) | ({} if self.loss is None else {"generator_loss": self.loss})
        return {name: float(value) for name, value in told.items()}

    def state_dict(self) -> dict[str, Any]:
        """That of the base, and the last loss."""
        return {**super().state_dict(), "loss": self.loss}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``."""
        super().load_state_dict(state)
        self.loss = None if state["loss"] is None else state["loss"].to(self._device)
