"""The contract between mebench and its plugins, on one page.

An *attack* is a *query strategy* (what to ask next) and a *learner* (how the clone learns from answers). The only
thing of the victim's that they ever hold is the `Oracle`. `mebench.trial.loop` runs every attack through one loop::

    while oracle.remaining:
        queries = strategy.propose(oracle, learner.clone)
        response = oracle.query(queries, explain=learner.wants_explanations)
        learner.learn(queries, response)
        strategy.observe(queries, response, learner.clone)

Everything that changes during a trial lives in the ``state_dict()`` of strategy and learner and in the random
streams of the context, so that a trial stopped between two turns resumes to the same result, bit for bit on a CPU.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import torch
from torch import Tensor, nn

from mebench.api.random_streams import RandomStreams
from mebench.api.version import API_VERSION
from mebench.api.victim import InputSpec, Victim

__all__ = [
    "API_VERSION",
    "Attack",
    "AttackContext",
    "Explanation",
    "GradientStep",
    "InputSpec",
    "Learner",
    "Oracle",
    "PerQueryLoss",
    "Pool",
    "Purpose",
    "QueryStrategy",
    "Response",
    "ResponseChannel",
    "Victim",
]


class Explanation(ABC):
    """The derivatives of each class's score with respect to the input: a linear map from classes to inputs.

    An attacker who holds ``dense()`` can compute ``vjp`` from it, so giving ``vjp`` gives nothing more, and costs
    one backward pass instead of c.

    Attributes:
        score: which score is explained, ``probability`` or ``logit``.
    """

    score: str = "probability"

    @abstractmethod
    def vjp(self, weights: Tensor) -> Tensor:
        """Return sum_j weights[:, j] * d score_j / d x.

        Args:
            weights: (B, c) float32.

        Returns:
            (B, \\*shape) float32.
        """

    @abstractmethod
    def dense(self) -> Tensor:
        """Return the explanation of every class, (B, c, \\*shape) float32."""


@dataclass(frozen=True)
class Response:
    """A victim's answer to B queries, as far as the channel tells.

    Attributes:
        labels: (B,) int64, the most probable class.
        probabilities: (B, c) float32 in [0, 1], or None if the channel does not give them. A channel that rounds
            or truncates returns zeros for what it withholds; rows are not renormalised.
        explanation: the explanations of these B answers, or None if not given or not asked for.
        progress: fraction of the budget that is spent after this answer, in (0, 1].
        logits: (B, c) float32; only the ``white-box`` channel gives them.
    """

    labels: Tensor
    probabilities: Tensor | None = None
    explanation: Explanation | None = None
    progress: float = 0.0
    logits: Tensor | None = None

    def __len__(self) -> int:
        """Number of rows B."""
        return len(self.labels)


class ResponseChannel(ABC):
    """What a victim gives back.

    Attributes:
        name: canonical, with the parameters that differ from the defaults; part of the results.
        gives: which of ``label``, ``probability``, ``logit``, ``explanation`` an answer holds; ``gradient`` if the
            explanations are the gradients at the query itself (since version 1.7), ``integrated`` if the
            explanations are Integrated Gradients, from the channel's ``baseline`` in ``steps`` by its ``rule``.
        probability_floor: the smallest probability that a returned zero may stand for; attacks that take a
            logarithm use it. Public, because a service documents how it rounds.
        explained_classes: how many classes an explanation covers, for the ledger; None means all.
    """

    name: str
    gives: frozenset[str]
    probability_floor: float = 1e-37
    explained_classes: int | None = None

    def use_randomness(self, random: RandomStreams) -> None:  # noqa: B027 (doing nothing is a fair default)
        """Take the trial's random streams, once, before the first answer; for channels that draw noise."""

    @abstractmethod
    def answer(self, victim: Victim, inputs: Tensor, explain: bool) -> Response:
        """Run the victim and shape its answer.

        Args:
            victim: the classifier.
            inputs: (B, \\*shape), already checked and counted.
            explain: whether explanations are asked for; only true if the channel gives them.
        """

    def state_dict(self) -> dict[str, Any]:
        """Return everything that changes from answer to answer, besides the trial's random streams. Since version 1.5.

        Tensors, numbers, strings, lists and dicts of these. By default nothing changes; a channel whose attributes do
        all the same is refused at the first checkpoint.
        """
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:  # noqa: B027 (doing nothing is a fair default)
        """Go on from a ``state_dict()``. Since version 1.5."""


Purpose = Literal["train", "explore", "validation"]
"""What queries are for: to be learnt from, to find out what to ask, or to choose by."""


class Oracle(Protocol):
    """Victim, channel and budget: the only thing of the victim's that an attack ever holds."""

    @property
    def spec(self) -> InputSpec:
        """What the victim takes."""

    @property
    def channel(self) -> ResponseChannel:
        """The public description of the channel."""

    @property
    def budget(self) -> int:
        """Queries of the whole trial."""

    @property
    def spent(self) -> int:
        """Queries spent so far."""

    @property
    def remaining(self) -> int:
        """Queries left."""

    @property
    def progress(self) -> float:
        """Fraction of the budget that is spent, in [0, 1]."""

    def query(self, inputs: Tensor, *, purpose: Purpose = "train", explain: bool = False) -> Response:
        """Ask the victim; every row is one query, charged before the victim runs.

        Args:
            inputs: (B, \\*shape) of the spec's type and inside its range; B may be 0. Gradients do not flow through.
            purpose: what the queries are for, in the ledger.
            explain: ask for explanations too; the same queries, counted on their own as well.

        Raises:
            InvalidQueryError: shape, type or range do not fit the spec, or there is a NaN; nothing is charged.
            BudgetExceededError: the rows do not fit the remaining budget; nothing is charged.
            OracleError: the channel gives no explanations.
        """


class Pool(Protocol):
    """The attacker's unlabelled inputs."""

    def __len__(self) -> int:
        """Number of inputs N."""

    @property
    def name(self) -> str:
        """The data set's name."""

    @property
    def spec(self) -> InputSpec:
        """What a classifier of these inputs takes."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one input."""

    @property
    def classes(self) -> Tensor | None:
        """What the pool's publisher calls each input, (N,) int64; None unless its prior is ``public``.

        Of a pool of the problem's own domain these would be what the victim was trained on. Since version 1.8.
        """

    def inputs(self, indices: Tensor | Sequence[int] | None = None) -> Tensor:
        """Return the inputs of these rows (all for None): (B, C, h, w) float32 in [0, 1], or (B, L) int64 for texts."""


class PerQueryLoss(Protocol):
    """A differentiable loss per query between a victim's probabilities and a clone's logits."""

    def per_query(self, probabilities: Tensor, clone_logits: Tensor) -> Tensor:
        """Return the loss of each query, (B,), from (B, c) probabilities and (B, c) clone logits."""


@dataclass(frozen=True)
class GradientStep:
    """The gradient that a strategy used in its last generator step, and all that is needed to find the true one.

    Attributes:
        points: (B, ...) where the gradient was taken, e.g. generator output before the squashing.
        queries: maps points to inputs of the victim; differentiable.
        loss: whose gradient it is; one of `mebench.toolkit.losses`, so that no code of the attack sees an
            uncounted answer.
        gradient: the strategy's d loss / d points, (B, ...).
        clone_state: the clone's ``state_dict()`` at that step.
    """

    points: Tensor
    queries: Callable[[Tensor], Tensor]
    loss: PerQueryLoss
    gradient: Tensor
    clone_state: Mapping[str, Tensor]


class QueryStrategy(ABC):
    """Decides what to ask next."""

    @abstractmethod
    def propose(self, oracle: Oracle, clone: nn.Module) -> Tensor:
        """Return the next training queries, (B, \\*shape) inside the input spec, B <= ``oracle.remaining``.

        It may ask the oracle queries of its own first (``purpose="explore"``). Proposing nothing (B = 0) ends the
        trial: the strategy has no more to ask.
        """

    def observe(self, queries: Tensor, response: Response, clone: nn.Module) -> None:  # noqa: B027 (doing nothing is a fair default)
        """Take note of the answers to what was proposed, after the clone has learnt from them."""

    def last_gradient_step(self) -> GradientStep | None:
        """Return what the last generator step used for a gradient; None if the strategy uses none.

        The trial compares it with the true gradient at each evaluation. The attack learns nothing from that.
        """
        return None

    def diagnostics(self) -> Mapping[str, float | None]:
        """Return small named numbers that let a reader see what the strategy does; without effect on anything.

        Asked at each evaluation and written to the curve. A name is a lower-case identifier of at most 40 characters,
        at most 32 of them; a value a number, or None where there is none yet. The attack is neither scored nor
        stopped by them. It must change nothing and draw nothing at random. Since version 1.1.
        """
        return {}

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """Everything that changes: tensors, numbers, strings, lists and dicts of these."""

    @abstractmethod
    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``."""


class Learner(ABC):
    """Owns the clone and learns from answered queries.

    Attributes:
        clone: the attacker's network; returns logits. Its last state is what is scored.
        passes: forward passes through the clone that one query costs the attack, as a rule; a backward pass counts as
            two. It bounds on how many test inputs evaluations look; infinite where the clone is trained for so many
            epochs that evaluation is nothing beside it. The default is for one step per query beside a generator.
            Since version 1.3.
        wants_explanations: whether answers to training queries hold explanations too, which the ledger counts on their
            own. Only for attacks that need a channel with explanations. Since version 1.7.
    """

    clone: nn.Module
    passes: float = 10.0
    wants_explanations: bool = False

    @abstractmethod
    def learn(self, queries: Tensor, response: Response) -> None:
        """Learn from the answers to (B, \\*shape) queries; ``response.progress`` tells how far the trial is."""

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """Everything that changes, the clone included."""

    @abstractmethod
    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``."""


@dataclass(frozen=True)
class Attack:
    """A query strategy and a learner that work together."""

    strategy: QueryStrategy
    learner: Learner


@dataclass(frozen=True)
class AttackContext:
    """All that an attacker is given to build an attack from.

    Attributes:
        spec: what the victim takes.
        channel: public description of the response channel: all that is public of it, but it answers nothing.
        budget: number of queries of the trial.
        clone: a freshly initialised network on ``device``, the same for every attack of the same trial seed.
        device: where tensors live.
        random: named random streams, saved and restored with the trial: ``random.torch("noise")``.
        pool: unlabelled inputs, for attacks of the pool family; else None.
        compile: whether the trial asks for compiled networks; see `mebench.models.networks.compiling`.
        bf16: whether it asks for networks that are trained in bfloat16, as the clone then is already; see
            `mebench.models.networks.precision`. Since version 1.3.
    """

    spec: InputSpec
    channel: ResponseChannel
    budget: int
    clone: nn.Module
    device: torch.device
    random: RandomStreams
    pool: Pool | None = None
    compile: bool = False
    bf16: bool = False
