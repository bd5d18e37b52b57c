"""DaST: clone and generator take one step each on every answered batch; the generator asks nothing of its own."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from mebench import Attack, AttackContext, Oracle, QueryStrategy, Response
from mebench.toolkit import StepLearner, as_trained, constant_schedule, evaluating, frozen, seeded, to_device
from mebench_dast import DastParameters
from mebench_dast.generator import BranchedGenerator
from mebench_dast.losses import generator_loss, imitation_loss


def build(context: AttackContext, parameters: DastParameters) -> Attack:
    """Build the attack; see ``mebench info dast``."""
    return Attack(BranchStrategy(context, parameters), ImitationLearner(context, parameters))


class ImitationLearner(StepLearner):
    """One Adam step per answered batch on `imitation_loss`, in train mode.

    Args:
        context: gives the clone.
        parameters: of the attack.
    """

    def __init__(self, context: AttackContext, parameters: DastParameters) -> None:
        optimizer = torch.optim.Adam(context.clone.parameters(), parameters.clone_lr, parameters.betas)
        super().__init__(context, optimizer, constant_schedule(parameters.clone_lr), memory=parameters.memory)
        self._beta = parameters.beta

    def batch_loss(self, logits: Tensor, response: Response) -> Tensor:
        """Return the mean loss of (B, c) clone logits."""
        return imitation_loss(logits, response, self._beta)


class BranchStrategy(QueryStrategy):
    """Batches in which the branches take turns; a generator step on each after the clone has learnt from it.

    The generator's gradient goes through the clone alone, in eval mode: the victim's answer is a constant. Row i of the
    n-th batch is made by branch (n B + i) mod c. So the branches of any batch differ by one row at most, also where c
    does not divide it or the budget cuts it.

    Args:
        context: gives the spec, the device and the random stream ``noise``.
        parameters: of the attack. With the program of CIFAR-10 the generator takes no step, and its noise is uniform
            on [0, 1).
    """

    def __init__(self, context: AttackContext, parameters: DastParameters) -> None:
        self._classes, self._device = context.spec.num_classes, context.device
        self._frozen = parameters.program == "cifar10"
        self._shape = (parameters.batch_size, parameters.noise_dim)
        self._noise = context.random.torch("noise")
        with seeded(context.random.torch("generator-weights", "cpu")):
            generator = BranchedGenerator(context.spec, parameters.noise_dim, parameters.generator_width)
        self.generator = as_trained(generator.to(context.device), context)
        self.optimizer = torch.optim.Adam(self.generator.parameters(), parameters.generator_lr, parameters.betas)
        self._beta, self._alpha_threshold = parameters.beta, parameters.alpha_threshold
        self.alpha = torch.tensor(parameters.alpha, device=context.device)
        self._next_branch = 0
        self._made: tuple[Tensor, Tensor] | None = None  # from propose to observe only
        self._facts: dict[str, Tensor] = {}

    def propose(self, oracle: Oracle, clone: nn.Module) -> Tensor:
        """Return a generated batch, cut to what is left of the budget; its graph is kept for `observe`."""
        branches = (torch.arange(self._shape[0]) + self._next_branch) % self._classes
        self._next_branch = (self._next_branch + self._shape[0]) % self._classes
        with torch.set_grad_enabled(not self._frozen):
            images: Tensor = self.generator(self.draw_noise(), branches)[: oracle.remaining]
        self._made = images, to_device(branches[: oracle.remaining], self._device)
        return images.detach()

    def draw_noise(self) -> Tensor:
        """Draw the noise of a batch: normal, or uniform on [0, 1) where the generator does not learn."""
        draw = torch.rand if self._frozen else torch.randn
        noise: Tensor = draw(self._shape, generator=self._noise, device=self._device)
        return noise

    def observe(self, queries: Tensor, response: Response, clone: nn.Module) -> None:
        """Take one generator step on the answered batch; it costs no query."""
        assert self._made is not None
        images, branches = self._made
        self._made = None
        self._facts = {
            "branch_is_label": (branches == response.labels).float().mean(),
            "spread_in_branch": spread_within(queries, branches, self._classes),
        }
        if not self._frozen:
            self._step(images, branches, response, clone)

    def _step(self, images: Tensor, branches: Tensor, response: Response, clone: nn.Module) -> None:
        with evaluating(clone), frozen(clone), torch.enable_grad():
            logits = clone(images)
            imitation = imitation_loss(logits, response, self._beta)
            diversity = functional.cross_entropy(logits, branches)
            weights = list(self.generator.parameters())
            # A branch that made no image of this batch has no part in the loss.
            gradients = torch.autograd.grad(
                generator_loss(imitation, diversity, self.alpha), weights, allow_unused=True
            )
        for weight, gradient in zip(weights, gradients, strict=True):
            weight.grad = gradient
        self.optimizer.step()
        diversity = diversity.detach()
        self._facts |= {"imitation_loss": imitation.detach(), "diversity_loss": diversity, "alpha": self.alpha}
        self.alpha = torch.where(diversity <= self._alpha_threshold, diversity, self.alpha)

    def diagnostics(self) -> Mapping[str, float | None]:
        """Facts of the last batch.

        ``branch_is_label``: share of images that the victim takes for the class of their branch, 1/c for branches that
        mean nothing; ``spread_in_branch``: see `spread_within`, 0 once every branch makes one image;
        None of a last batch with one image of each; ``imitation_loss``, ``diversity_loss``, ``alpha``: of the generator
        step, after the clone's.
        """
        told = {name: float(value) for name, value in self._facts.items()}
        return {name: value if math.isfinite(value) else None for name, value in told.items()}

    def state_dict(self) -> dict[str, Any]:
        """Generator, optimiser, alpha, whose turn it is, and the facts of the last batch."""
        return {
            "generator": self.generator.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "alpha": self.alpha,
            "next_branch": self._next_branch,
            "facts": dict(self._facts),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``."""
        self.generator.load_state_dict(state["generator"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.alpha = state["alpha"].to(self._device)
        self._next_branch = state["next_branch"]
        self._facts = {name: value.to(self._device) for name, value in state["facts"].items()}


def spread_within(images: Tensor, groups: Tensor, num_groups: int) -> Tensor:
    """Return the pooled standard deviation of pixels within groups of images, a scalar >= 0.

    Args:
        images: (B, \\*shape).
        groups: (B,) int64 below ``num_groups``. With one image in each it is not a number.
    """
    flat = images.flatten(1)
    counts = flat.new_zeros(num_groups).index_add_(0, groups, torch.ones_like(flat[:, 0]))
    sums = flat.new_zeros(num_groups, flat.shape[1]).index_add_(0, groups, flat)
    residual = flat - (sums / counts.clamp_min(1).unsqueeze(1))[groups]
    return (residual.square().mean(1).sum() / (len(flat) - (counts > 0).sum())).sqrt()
