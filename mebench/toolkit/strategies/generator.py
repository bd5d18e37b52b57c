"""Generator strategies: make inputs on which victim and clone disagree.

One turn of DFME, MAZE and MEGEX alike is N_G generator steps, then N_C batches for the clone. They differ in one
line: how the gradient of the loss with respect to the generated input is found.
"""

from __future__ import annotations

import contextlib
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from mebench.api.contract import AttackContext, GradientStep, InputSpec, Oracle, QueryStrategy
from mebench.api.errors import ConfigurationError
from mebench.api.random_streams import seeded_globals
from mebench.models.modes import evaluating, frozen
from mebench.models.networks.compiling import compiled
from mebench.models.networks.generator import UpsamplingGenerator
from mebench.models.networks.precision import as_trained
from mebench.toolkit.losses import ExtractionLoss
from mebench.toolkit.parameters import FrozenGeneratorParameters, GeneratorParameters, SteppedGeneratorParameters
from mebench.toolkit.schedules import Schedule, set_rate

OptimizerMaker = Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]

PROBED = 32
"""Images of a generator step that are kept for the gradient probe. The median over them is steady to about 0.02."""


class FrozenGeneratorStrategy(QueryStrategy):
    r"""Queries G(z) of a generator that keeps its initial weights: DFME's, before it learns.

    The last batch is cut to what is left of the budget.

    Args:
        context: gives the spec, the device and the random streams ``noise`` and ``generator-weights``.
        parameters: of the generator.
        affine: whether the generator's last batch norm has a scale and a shift.

    Attributes:
        generator: from noise (B, noise_dim) to raw images (B, \*shape), before the squashing.
    """

    def __init__(self, context: AttackContext, parameters: FrozenGeneratorParameters, *, affine: bool = False) -> None:
        self._spec, self._device = context.spec, context.device
        self._batch_size, self._noise_dim = parameters.batch_size, parameters.noise_dim
        self._noise = context.random.torch("noise")
        with seeded(context.random.torch("generator-weights", "cpu")):
            generator = UpsamplingGenerator(context.spec, parameters.noise_dim, parameters.generator_width, affine)
        self.generator = generator.to(context.device)
        self._generate = compiled(as_trained(self.generator, context), context)

    def propose(self, oracle: Oracle, clone: nn.Module) -> Tensor:
        """Return a generated batch."""
        with torch.no_grad():
            images = squash(self.make(), self._spec)
        return images[: oracle.remaining]

    def make(self) -> Tensor:
        """Make a batch of raw images for `propose`. Since version 1.8 a subclass may say how."""
        return self._generate(self.draw_noise())

    def draw_noise(self) -> Tensor:
        """Draw the noise z of a batch, (B, noise_dim), from a standard normal distribution."""
        shape = (self._batch_size, self._noise_dim)
        return torch.randn(shape, generator=self._noise, device=self._device)

    def state_dict(self) -> dict[str, Any]:
        """The generator."""
        return {"generator": self.generator.state_dict()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``."""
        self.generator.load_state_dict(state["generator"])


class SteppedGeneratorStrategy(FrozenGeneratorStrategy):
    """A generator that takes N_G steps at every N_C-th call; a subclass says what a step is. Since version 1.8.

    A generator step is taken only if it leaves a query to learn from, so that every query of the budget is spent and
    none beyond it.

    Args:
        context: as of the frozen generator.
        parameters: of the generator and of its steps.
        schedule: from the fraction of the budget that is spent to the learning rate of a step.
        optimizer: makes the generator's optimiser from its weights; before each step it gets the rate of the schedule.
        affine: as of the frozen generator.

    Attributes:
        optimizer: the generator's.
    """

    def __init__(
        self,
        context: AttackContext,
        parameters: SteppedGeneratorParameters,
        schedule: Schedule,
        *,
        optimizer: OptimizerMaker = torch.optim.Adam,
        affine: bool = False,
    ) -> None:
        super().__init__(context, parameters, affine=affine or parameters.brightness_lr > 0)
        if parameters.brightness_lr and not parameters.generator_lr:
            raise ConfigurationError("brightness_lr: falls as generator_lr does, which must be above 0")
        self._schedule = schedule
        self._generator_steps, self._clone_steps = parameters.generator_steps, parameters.clone_steps
        self._brightness = parameters.brightness_lr and parameters.brightness_lr / parameters.generator_lr
        own = self.generator.scale_and_shift if self._brightness else []
        self.optimizer = optimizer([w for w in self.generator.parameters() if all(w is not one for one in own)])
        if own:
            self.optimizer.add_param_group({"params": own})
        self._turn = 0

    @property
    def step_cost(self) -> int:
        """Queries that one generator step spends."""
        return 0

    @abstractmethod
    def generator_step(self, oracle: Oracle, clone: nn.Module) -> None:
        """Take one step of ``optimizer``; costs ``step_cost`` queries."""

    def propose(self, oracle: Oracle, clone: nn.Module) -> Tensor:
        """Take N_G generator steps at every N_C-th call, then return a generated batch."""
        if self._turn % self._clone_steps == 0:
            for _ in range(self._generator_steps):
                if oracle.remaining > self.step_cost:
                    self.generator_step(oracle, clone)
        self._turn += 1
        return super().propose(oracle, clone)

    def begin_step(self, progress: float) -> None:
        """Give ``optimizer`` the rates of a fraction of the budget, and forget old gradients."""
        rate = self._schedule(progress)
        set_rate(self.optimizer, rate)
        if self._brightness:
            self.optimizer.param_groups[-1]["lr"] = self._brightness * rate
        self.optimizer.zero_grad(set_to_none=True)

    def state_dict(self) -> dict[str, Any]:
        """Generator, optimiser and the place in the turn."""
        return {**super().state_dict(), "optimizer": self.optimizer.state_dict(), "turn": self._turn}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``."""
        super().load_state_dict(state)
        self.optimizer.load_state_dict(state["optimizer"])
        self._turn = state["turn"]


class GeneratorStrategy(SteppedGeneratorStrategy):
    """The loop that generator attacks share; a subclass says how ``loss_gradient`` is found and what it costs.

    Args:
        context: as of the frozen generator.
        loss: what the generator ascends.
        parameters: of the generator and of its steps.
        schedule, optimizer, affine: as of a generator that takes steps.
    """

    def __init__(
        self,
        context: AttackContext,
        loss: ExtractionLoss,
        parameters: GeneratorParameters,
        schedule: Schedule,
        *,
        optimizer: OptimizerMaker = torch.optim.Adam,
        affine: bool = False,
    ) -> None:
        super().__init__(context, parameters, schedule, optimizer=optimizer, affine=affine)
        self._diversity, self._loss = parameters.diversity, loss
        self._last_step: tuple[Tensor, Tensor, dict[str, Tensor]] | None = None

    @property
    @abstractmethod
    def step_cost(self) -> int:
        """Queries that one generator step spends."""

    @abstractmethod
    def loss_gradient(self, raw: Tensor, oracle: Oracle, clone: nn.Module) -> Tensor:
        """Return d L / d raw of each query, (B, \\*shape), for generated images ``raw`` before the squashing.

        Args:
            raw: generator output, without a graph. ``squash(raw, spec)`` is what the victim may be asked.
            oracle: to be asked with ``purpose="explore"``.
            clone: in eval mode.
        """

    def generator_step(self, oracle: Oracle, clone: nn.Module) -> None:
        """Take one step of ``optimizer`` that ascends the loss, and the diversity; costs ``step_cost`` queries."""
        raw = self._generate(self.draw_noise())
        with evaluating(clone), frozen(clone):
            gradient = self.loss_gradient(raw.detach(), oracle, clone)
            ascent = gradient
            if self._diversity:
                ascent = gradient + self._diversity * like_norm(self._entropy_gradient(raw.detach(), clone), gradient)
        self.begin_step(oracle.progress)
        raw.backward(-ascent / len(raw))  # ascent on the batch mean of L
        self.optimizer.step()
        clone_state = {name: value.detach().clone() for name, value in clone.state_dict().items()}
        self._last_step = (raw.detach()[:PROBED].clone(), gradient[:PROBED].clone(), clone_state)

    def _entropy_gradient(self, raw: Tensor, clone: nn.Module) -> Tensor:
        """Return d H / d raw, (B, \\*shape), with H the entropy of the clone's mean prediction over the batch."""
        with torch.enable_grad():
            raw = raw.requires_grad_()
            mean = torch.softmax(clone(squash(raw, self._spec)), dim=1).mean(0)
            entropy = torch.special.entr(mean.clamp_min(torch.finfo(mean.dtype).tiny)).sum()
            (gradient,) = torch.autograd.grad(entropy, raw)
        return gradient

    def last_gradient_step(self) -> GradientStep | None:
        """Return what the last generator step used, at the first images of its batch."""
        if self._last_step is None:
            return None
        points, gradient, clone_state = self._last_step
        spec = self._spec
        return GradientStep(points, lambda raw: squash(raw, spec), self._loss, gradient, clone_state)

    def state_dict(self) -> dict[str, Any]:
        """Generator, optimiser, the place in the turn, and what the gradient probe looks at."""
        return {**super().state_dict(), "last_step": self._last_step}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``."""
        super().load_state_dict(state)
        if state["last_step"] is not None:
            points, gradient, clone_state = state["last_step"]
            clone_state = {name: value.to(self._device) for name, value in clone_state.items()}
            self._last_step = (points.to(self._device), gradient.to(self._device), clone_state)


def like_norm(gradient: Tensor, other: Tensor) -> Tensor:
    """Return a gradient (B, \\*shape) scaled so that its mean norm over the batch is that of another; 0 stays 0."""
    mine, theirs = (one.flatten(1).norm(dim=1).mean() for one in (gradient, other))
    scaled: Tensor = gradient * (theirs / mine.clamp_min(torch.finfo(mine.dtype).tiny))
    return scaled


def squash(raw: Tensor, spec: InputSpec) -> Tensor:
    """Map unbounded generator output into the input spec's range by a tanh.

    Rounding must not leave the range, so the affine map ends in a clamp; it changes nothing for [0, 1].
    """
    return (spec.low + (torch.tanh(raw) + 1) * ((spec.high - spec.low) / 2)).clamp(spec.low, spec.high)


@contextlib.contextmanager
def seeded(stream: torch.Generator) -> Iterator[None]:
    """Initialise networks from a named stream, leaving the global generator as it was."""
    with seeded_globals(int(torch.randint(2**62, (1,), generator=stream))):
        yield
