"""MEGA, section 3.2 and Algorithm 1: generator and clone lower the same loss in turn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Literal

import torch
from torch import Tensor, nn

from mebench import Attack, AttackContext, Oracle, QueryStrategy, Response
from mebench.toolkit import UpsamplingGenerator, as_trained, evaluating, frozen, seeded, squash, step_schedule
from mebench_mega.learner import PlateauLearner
from mebench_mega.losses import balance_loss, confidence_loss

WATCHED = 256
"""Noise vectors whose queries the diagnostics look at: the first of Z."""


def build(context: AttackContext, **parameters: Any) -> Attack:
    """Build the attack from its parameters; see ``mebench info mega``."""
    schedule = {"milestones": parameters["milestones"], "factor": parameters["lr_factor"]}
    strategy = ConfidenceStrategy(
        context,
        vectors=parameters["noise_vectors"],
        noise=parameters["noise"],
        noise_dim=parameters["noise_dim"],
        width=parameters["generator_width"],
        steps=parameters["generator_steps"],
        batch_size=parameters["generator_batch_size"],
        learning_rate=parameters["generator_lr"],
        brightness_rate=parameters["brightness_lr"],
        brightness_spread=parameters["brightness_spread"],
        balance=parameters["balance"],
        **schedule,
    )
    learner = PlateauLearner(
        context,
        batch_size=parameters["batch_size"],
        learning_rate=parameters["clone_lr"],
        max_epochs=parameters["max_epochs"],
        tolerance=parameters["tolerance"],
        patience=parameters["patience"],
        memory=parameters["memory"],
        by_class=parameters["balance"] > 0,
        **schedule,
    )
    return Attack(strategy, learner)


class ConfidenceStrategy(QueryStrategy):
    """Rounds of M queries G(Z), from a generator that makes the clone as confident as it can.

    Batch norm always uses the statistics of the batch: those that it would keep lag behind a generator that moves, and
    the last one, where it has no affine part, spreads the pixels of a batch over the whole range. x_i is a function of
    Z all the same, because Z is always cut into the same batches.

    Args:
        context: gives the spec, the device and the random streams ``noise`` and ``generator-batches``.
        vectors: M.
        noise: ``fixed``, drawn once, ``fresh`` in every round, or ``restart``: fresh, for a generator that starts each
            round with new weights, drawn from the stream ``generator-weights``.
        noise_dim, width: of the generator.
        steps: generator steps between two rounds.
        batch_size: of a generator step.
        learning_rate: of the generator's Adam.
        brightness_rate: learning rate of the scale and the shift of the generator's last batch norm, which has them
            only where this or the spread is not 0.
        brightness_spread: standard deviation of the shift that a generator starts with, before the squashing.
        balance: weight of `balance_loss`.
        milestones, factor: the rates are multiplied by ``factor`` at these fractions of the budget; not those of a
            generator that starts anew, which has as far to go late as early.
    """

    def __init__(
        self,
        context: AttackContext,
        *,
        vectors: int,
        noise: Literal["fixed", "fresh", "restart"] = "fixed",
        noise_dim: int = 100,
        width: int = 128,
        steps: int = 20,
        batch_size: int = 128,
        learning_rate: float = 1e-3,
        brightness_rate: float = 0.0,
        brightness_spread: float = 0.0,
        balance: float = 0.0,
        milestones: Sequence[float] = (),
        factor: float = 0.3,
    ) -> None:
        self._spec, self._device = context.spec, context.device
        self._in_precision = partial(as_trained, context=context)
        self._shape, self._noise_kind = (vectors, noise_dim), noise
        self._steps, self._batch_size, self._balance = steps, batch_size, balance
        self._noise = context.random.torch("noise")
        self._batches = context.random.torch("generator-batches", "cpu")
        self._weights = context.random.torch("generator-weights", "cpu")
        self._width, self._spread, self._rates = width, brightness_spread, (learning_rate, brightness_rate)
        self._start_generator()
        self._share_of_rates = step_schedule(1, () if noise == "restart" else milestones, factor)
        self._vectors = self._draw()
        self._round = 0
        self._facts: dict[str, float] = {}

    def _start_generator(self) -> None:
        """Make a generator with new random weights, and its optimiser."""
        affine = self._rates[1] > 0 or self._spread > 0
        with seeded(self._weights):
            generator = UpsamplingGenerator(self._spec, self._shape[1], self._width, affine)
            if affine:
                nn.init.normal_(generator.scale_and_shift[1], std=self._spread)
        self._generator = self._in_precision(generator.to(self._device))
        weights = list(generator.parameters())
        body = len(weights) - len(generator.scale_and_shift)  # which are the last
        groups = [weights[:body], weights[body:]] if affine else [weights]
        self._optimizer = torch.optim.Adam([{"params": group} for group in groups], lr=self._rates[0])

    def propose(self, oracle: Oracle, clone: nn.Module) -> Tensor:
        """Train the generator on the clone, except before the first round; then return G(Z)."""
        if self._round:
            if self._noise_kind == "restart":
                self._start_generator()
            self._train_generator(oracle.progress, clone)
            if self._noise_kind != "fixed":
                self._vectors = self._draw()
        self._round += 1
        return self._queries()[: oracle.remaining]

    def _train_generator(self, progress: float, clone: nn.Module) -> None:
        for group, rate in zip(self._optimizer.param_groups, self._rates, strict=False):
            group["lr"] = rate * self._share_of_rates(progress)
        with evaluating(clone), frozen(clone):
            for _ in range(self._steps):
                rows = torch.randperm(len(self._vectors), generator=self._batches)[: self._batch_size]
                self._generator_step(self._vectors[rows.to(self._device)], clone)

    def _generator_step(self, vectors: Tensor, clone: nn.Module) -> None:
        """One Adam step on `confidence_loss` (equation 2); differentiates with respect to the generator only."""
        logits = clone(squash(self._generator(vectors), self._spec))
        loss = confidence_loss(logits)
        if self._balance:
            loss = loss + self._balance * balance_loss(logits)
        weights = list(self._generator.parameters())
        for weight, gradient in zip(weights, torch.autograd.grad(loss, weights), strict=True):
            weight.grad = gradient
        self._optimizer.step()

    @torch.no_grad()
    def _queries(self) -> Tensor:
        """G(Z), (M, \\*shape), in batches of nearly equal size."""
        parts = self._vectors.tensor_split(-(-len(self._vectors) // self._batch_size))
        return torch.cat([squash(self._generator(part), self._spec) for part in parts])

    def _draw(self) -> Tensor:
        return torch.randn(self._shape, generator=self._noise, device=self._device)

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
            "generator": self._generator.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "vectors": self._vectors,
            "round": self._round,
            "facts": dict(self._facts),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``."""
        self._generator.load_state_dict(state["generator"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._vectors = state["vectors"].to(self._device)
        self._round = state["round"]
        self._facts = dict(state["facts"])
