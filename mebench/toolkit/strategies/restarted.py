"""A generator that begins anew in every round: its best batch is asked, and it is forgotten."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from mebench.api.contract import AttackContext, Oracle, QueryStrategy
from mebench.models.augmentation import augmented
from mebench.models.modes import evaluating, frozen
from mebench.models.networks.generator import UpsamplingGenerator
from mebench.models.networks.precision import as_trained
from mebench.toolkit.parameters import RestartedGeneratorParameters
from mebench.toolkit.strategies.generator import seeded, squash


class RestartedGeneratorStrategy(QueryStrategy):
    """Rounds of one batch, from a new generator that is led through the clone; costs no query but those asked.

    The generator has no last batch norm and ends in a sigmoid over the input range. Its noise is one batch, and so are
    the classes that it is led to. Of its steps, the batch with the lowest loss is kept. Since version 1.8.

    Args:
        context: gives the spec, the device and the random streams ``generator-weights``, ``noise``, ``targets`` and
            ``views``.
        parameters: of the generator and of its steps.
        betas: of Adam.
        deviation: of the normal distribution of the generator's first weights in its linear and convolutional layers;
            torch's own rule without.
    """

    def __init__(
        self,
        context: AttackContext,
        parameters: RestartedGeneratorParameters,
        *,
        betas: tuple[float, float] = (0.9, 0.999),
        deviation: float | None = None,
    ) -> None:
        self._context, self._round, self._betas, self._deviation = context, parameters, betas, deviation
        random = context.random
        self._noise, self._weights = random.torch("noise"), random.torch("generator-weights", "cpu")
        self._classes, self._views = random.torch("targets", "cpu"), random.torch("views", "cpu")
        self._facts: dict[str, Tensor] = {}

    @abstractmethod
    def loss(self, logits: Tensor, targets: Tensor, images: Tensor) -> Tensor:
        """Return what the generator descends.

        Args:
            logits: the clone's, (B, c), of moved images.
            targets: the classes that they are led to, (B,).
            images: (B, \\*shape), as they were before.
        """

    def targets(self) -> Tensor:
        """Draw the classes of a round, (B,) int64 on the CPU: each as probable as the others."""
        shape = (self._round.batch_size,)
        return torch.randint(self._context.spec.num_classes, shape, generator=self._classes)

    def propose(self, oracle: Oracle, clone: nn.Module) -> Tensor:
        """Train a new generator, and return the best of its batches, cut to what is left of the budget."""
        return self.best_batch(clone)[: oracle.remaining]

    def best_batch(self, clone: nn.Module) -> Tensor:
        """Return (B, \\*shape) images of a new generator, at the step that had the lowest loss."""
        known, device = self._round, self._context.device
        generator = self.new_generator()
        optimizer = torch.optim.Adam(generator.parameters(), known.generator_lr, self._betas)
        noise = torch.randn((known.batch_size, known.noise_dim), generator=self._noise, device=device)
        targets = self.targets().to(device)
        lowest, best = torch.full((), torch.inf, device=device), torch.empty(0)
        with evaluating(clone), frozen(clone):
            for step in range(known.generator_steps):
                images = squash(generator(noise) / 2, self._context.spec)  # (tanh(x / 2) + 1) / 2 is the sigmoid
                loss = self.loss(clone(augmented(images, known.views, self._views)), targets, images)
                better = loss.detach() < lowest
                best = images.detach() if not step else torch.where(better, images.detach(), best)
                lowest = torch.where(better, loss.detach(), lowest)
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                optimizer.step()
        self._facts = {"generator_loss": lowest}
        return best

    def new_generator(self) -> nn.Module:
        """Make a generator with new random weights."""
        spec, known = self._context.spec, self._round
        with seeded(self._weights):
            generator = UpsamplingGenerator(spec, known.noise_dim, known.generator_width, normed=False)
            for layer in generator.modules():
                if self._deviation and isinstance(layer, (nn.Linear, nn.Conv2d)):
                    nn.init.normal_(layer.weight, std=self._deviation)
        return as_trained(generator.to(self._context.device), self._context)

    def diagnostics(self) -> Mapping[str, float | None]:
        """``generator_loss``: the lowest of the last round."""
        return {name: float(value) for name, value in self._facts.items()}

    def state_dict(self) -> dict[str, Any]:
        """The facts: no generator outlives its round."""
        return {"facts": dict(self._facts)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``."""
        self._facts = {name: value.to(self._context.device) for name, value in state["facts"].items()}
