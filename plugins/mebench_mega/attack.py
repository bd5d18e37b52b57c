"""MEGA, section 3.2 and Algorithm 1: generator and clone lower the same loss in turn."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from mebench import Attack, AttackContext, Oracle, QueryStrategy, Response
from mebench.toolkit import UpsamplingGenerator, as_trained, evaluating, frozen, seeded, squash, step_schedule
from mebench_mega import MegaParameters
from mebench_mega.learner import PlateauLearner
from mebench_mega.losses import balance_loss, confidence_loss

WATCHED = 256
"""Noise vectors whose queries the diagnostics look at: the first of Z."""


def build(context: AttackContext, parameters: MegaParameters) -> Attack:
    """Build the attack; see ``mebench info mega``."""
    return Attack(ConfidenceStrategy(context, parameters), PlateauLearner(context, parameters))


class ConfidenceStrategy(QueryStrategy):
    """Rounds of M queries G(Z), from a generator that makes the clone as confident as it can.

    Batch norm always uses the statistics of the batch: those that it would keep lag behind a generator that moves, and
    the last one, where it has no affine part, spreads the pixels of a batch over the whole range. x_i is a function of
    Z all the same, because Z is always cut into the same batches.

    Args:
        context: gives the spec, the device and the random streams ``noise`` and ``generator-batches``.
        parameters: of the attack. With ``noise: restart`` the generator starts each round with new weights, drawn from
            the stream ``generator-weights``, and keeps its learning rates: it has as far to go late as early. The last
            batch norm has a scale and a shift only where the learning rate or the spread of brightness is not 0.
    """

    def __init__(self, context: AttackContext, parameters: MegaParameters) -> None:
        self._spec, self._device, self._parameters = context.spec, context.device, parameters
        self._in_precision = partial(as_trained, context=context)
        self._noise = context.random.torch("noise")
        self._batches = context.random.torch("generator-batches", "cpu")
        self._weights = context.random.torch("generator-weights", "cpu")
        self._start_generator()
        milestones = () if parameters.noise == "restart" else parameters.milestones
        self._share_of_rates = step_schedule(1, milestones, parameters.lr_factor)
        self.vectors = self.draw_noise()
        self._round = 0
        self._facts: dict[str, float] = {}

    def _start_generator(self) -> None:
        """Make a generator with new random weights, and its optimiser."""
        known = self._parameters
        affine = known.brightness_lr > 0 or known.brightness_spread > 0
        with seeded(self._weights):
            generator = UpsamplingGenerator(self._spec, known.noise_dim, known.generator_width, affine)
            if affine:
                nn.init.normal_(generator.scale_and_shift[1], std=known.brightness_spread)
        self.generator = self._in_precision(generator.to(self._device))
        weights = list(generator.parameters())
        body = len(weights) - len(generator.scale_and_shift)  # which are the last
        groups = [weights[:body], weights[body:]] if affine else [weights]
        self.optimizer = torch.optim.Adam([{"params": group} for group in groups], lr=known.generator_lr)

    def propose(self, oracle: Oracle, clone: nn.Module) -> Tensor:
        """Train the generator on the clone, except before the first round; then return G(Z)."""
        if self._round:
            if self._parameters.noise == "restart":
                self._start_generator()
            self.train_generator(oracle.progress, clone)
            if self._parameters.noise != "fixed":
                self.vectors = self.draw_noise()
        self._round += 1
        return self.queries()[: oracle.remaining]

    def train_generator(self, progress: float, clone: nn.Module) -> None:
        """Take the generator steps of a round, at the learning rate of a fraction of the budget."""
        rates = self._parameters.generator_lr, self._parameters.brightness_lr
        for group, rate in zip(self.optimizer.param_groups, rates, strict=False):
            group["lr"] = rate * self._share_of_rates(progress)
        with evaluating(clone), frozen(clone):
            for _ in range(self._parameters.generator_steps):
                rows = torch.randperm(len(self.vectors), generator=self._batches)
                rows = rows[: self._parameters.generator_batch_size]
                self.generator_step(self.vectors[rows.to(self._device)], clone)

    def generator_step(self, vectors: Tensor, clone: nn.Module) -> None:
        """One Adam step on `confidence_loss` (equation 2); differentiates with respect to the generator only."""
        logits = clone(squash(self.generator(vectors), self._spec))
        loss = confidence_loss(logits)
        if self._parameters.balance:
            loss = loss + self._parameters.balance * balance_loss(logits)
        weights = list(self.generator.parameters())
        for weight, gradient in zip(weights, torch.autograd.grad(loss, weights), strict=True):
            weight.grad = gradient
        self.optimizer.step()

    @torch.no_grad()
    def queries(self) -> Tensor:
        """G(Z), (M, \\*shape), in batches of nearly equal size."""
        parts = self.vectors.tensor_split(-(-len(self.vectors) // self._parameters.generator_batch_size))
        return torch.cat([squash(self.generator(part), self._spec) for part in parts])

    def draw_noise(self) -> Tensor:
        """Draw Z, (M, noise_dim), from a standard normal distribution."""
        shape = (self._parameters.noise_vectors, self._parameters.noise_dim)
        return torch.randn(shape, generator=self._noise, device=self._device)

    @torch.no_grad()
    def observe(self, queries: Tensor, response: Response, clone: nn.Module) -> None:
        """Note how confident the clone is of what it has just learnt, for the diagnostics (figure 4)."""
        with evaluating(clone):
            clone_probabilities = torch.softmax(clone(queries[:WATCHED]), 1)
        agreed = clone_probabilities.argmax(1) == response.labels[:WATCHED]
        self._facts = {
            "clone_confidence": float(clone_probabilities.amax(1).mean()),
            "clone_agreement": float(agreed.float().mean()),
        }
        if response.probabilities is not None:
            self._facts["victim_confidence"] = float(response.probabilities[:WATCHED].amax(1).mean())

    def diagnostics(self) -> Mapping[str, float | None]:
        """Facts of the last round.

        ``clone_confidence`` and, where the channel tells, ``victim_confidence``: mean highest probability on the
        queries of the first noise vectors, after the clone has learnt from them (figure 4); ``clone_agreement``:
        share of these on which clone and victim agree (figure 5).
        """
        return dict(self._facts)

    def state_dict(self) -> dict[str, Any]:
        """Generator, optimiser, Z, the number of rounds and the facts of the last."""
        return {
            "generator": self.generator.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "vectors": self.vectors,
            "round": self._round,
            "facts": dict(self._facts),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``."""
        self.generator.load_state_dict(state["generator"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.vectors = state["vectors"].to(self._device)
        self._round = state["round"]
        self._facts = dict(state["facts"])
