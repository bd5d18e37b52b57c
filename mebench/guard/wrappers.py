"""A strategy, a learner and a channel whose code is a plugin's: every call goes through its guard."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from mebench.api.contract import (
    Attack,
    GradientStep,
    InputSpec,
    Learner,
    Oracle,
    QueryStrategy,
    Response,
    ResponseChannel,
    Victim,
)
from mebench.api.errors import NothingToAskError
from mebench.api.random_streams import RandomStreams
from mebench.api.spec import Component
from mebench.guard import diagnostics
from mebench.guard.call import Guard
from mebench.guard.hidden_state import HiddenState
from mebench.oracle.links import Link
from mebench.registry.catalogue import registry
from mebench.registry.entries import ChannelEntry

PLAY = 1e-5
"""What rounding may add to a probability."""


def guarded_attack(guard: Guard, attack: Any, device: torch.device) -> Attack:
    """Wrap what an attack's target returned, so that all calls go through its guard.

    Raises:
        PluginFaultError: it is no `Attack`.
    """
    if not isinstance(attack, Attack):
        guard.fail(f"its target returned a {type(attack).__name__}, not an Attack")
    if not isinstance(attack.strategy, QueryStrategy):
        guard.fail(f"its strategy is a {type(attack.strategy).__name__}, not a QueryStrategy")
    if not isinstance(attack.learner, Learner):
        guard.fail(f"its learner is a {type(attack.learner).__name__}, not a Learner")
    return Attack(GuardedStrategy(guard, attack.strategy, device), GuardedLearner(guard, attack.learner))


def held_by(attack: Attack) -> dict[str, object]:
    """What a guarded attack is made of, in words: clone, strategy and learner, without their guards."""
    strategy, learner = attack.strategy, attack.learner
    assert isinstance(strategy, GuardedStrategy)
    assert isinstance(learner, GuardedLearner)
    return {"its clone": learner.clone, "its strategy": strategy.inside, "its learner": learner.inside}


class GuardedStrategy(QueryStrategy):
    """A strategy whose calls go through a guard.

    Args:
        guard: of the attack.
        strategy: the plugin's.
        device: where queries must be.
    """

    def __init__(self, guard: Guard, strategy: QueryStrategy, device: torch.device) -> None:
        self._guard, self._strategy, self._device = guard, strategy, device

    @property
    def inside(self) -> QueryStrategy:
        """The plugin's own."""
        return self._strategy

    def propose(self, oracle: Oracle, clone: nn.Module) -> Tensor:
        """Return the strategy's queries if they are a tensor; their values are checked by the oracle.

        Raises:
            NothingToAskError: there are none.
        """
        queries = self._guard.call("propose", self._strategy.propose, oracle, clone)
        if not isinstance(queries, Tensor):
            self._guard.fail(f"propose returned a {type(queries).__name__}, not a tensor of queries")
        if not queries.ndim or queries.layout is not torch.strided:
            self._guard.fail(f"propose returned a tensor of shape {tuple(queries.shape)} and {queries.layout}")
        if queries.device.type != self._device.type:
            self._guard.fail(f"propose returned a tensor on {queries.device}, the trial is on {self._device}")
        if not len(queries):
            raise NothingToAskError(f"{self._guard.who}: has nothing left to ask")
        return queries

    def observe(self, queries: Tensor, response: Response, clone: nn.Module) -> None:
        """See `QueryStrategy.observe`."""
        self._guard.call("observe", self._strategy.observe, queries, response, clone)

    def last_gradient_step(self) -> GradientStep | None:
        """See `QueryStrategy.last_gradient_step`."""
        return self._guard.call("last_gradient_step", self._strategy.last_gradient_step)

    def diagnostics(self) -> dict[str, float | None]:
        """Return the strategy's diagnostics, checked; numbers that are not finite are None."""
        returned = self._guard.call("diagnostics", self._strategy.diagnostics)
        if wrong := diagnostics.problem(returned):
            self._guard.fail(f"diagnostics returned {wrong}")
        return diagnostics.finite(returned)

    def state_dict(self) -> dict[str, Any]:
        """See `QueryStrategy.state_dict`."""
        return self._guard.call("the strategy's state_dict", self._strategy.state_dict)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """See `QueryStrategy.load_state_dict`."""
        self._guard.call("the strategy's load_state_dict", self._strategy.load_state_dict, state)


class GuardedLearner(Learner):
    """A learner whose calls go through a guard.

    Args:
        guard: of the attack.
        learner: the plugin's.
    """

    def __init__(self, guard: Guard, learner: Learner) -> None:
        self._guard, self._learner = guard, learner

    @property
    def inside(self) -> Learner:
        """The plugin's own."""
        return self._learner

    @property
    def clone(self) -> nn.Module:  # type: ignore[override]
        """The learner's clone."""
        clone = getattr(self._learner, "clone", None)
        if not isinstance(clone, nn.Module):
            self._guard.fail(f"its learner's clone is a {type(clone).__name__}, not a torch module")
        return clone

    @property
    def passes(self) -> float:  # type: ignore[override]
        """What the learner says that a query costs."""
        passes = self._learner.passes
        if not isinstance(passes, (int, float)) or not passes > 0:
            self._guard.fail(f"its learner's passes are {passes!r:.60}: a number above 0, or infinite")
        return passes

    @property
    def wants_explanations(self) -> bool:  # type: ignore[override]
        """Whether the learner learns from explanations."""
        wanted = self._learner.wants_explanations
        if not isinstance(wanted, bool):
            self._guard.fail(f"its learner's wants_explanations is {wanted!r:.60}: True or False")
        return wanted

    def learn(self, queries: Tensor, response: Response) -> None:
        """See `Learner.learn`."""
        self._guard.call("learn", self._learner.learn, queries, response)

    def state_dict(self) -> dict[str, Any]:
        """See `Learner.state_dict`."""
        return self._guard.call("the learner's state_dict", self._learner.state_dict)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """See `Learner.load_state_dict`."""
        self._guard.call("the learner's load_state_dict", self._learner.load_state_dict, state)


def guarded_channel(component: Component) -> ResponseChannel:
    """Build a channel; what does not ship with mebench is called through a guard.

    Raises:
        PluginFaultError: it cannot be built, or is no `ResponseChannel`.
    """
    entry, guard = registry().get(ChannelEntry, component.name), Guard.of(ChannelEntry, component.name)
    channel = entry.call(given=component.parameters, through=guard)
    if not isinstance(channel, ResponseChannel):
        guard.fail(f"its constructor returned a {type(channel).__name__}, not a ResponseChannel")
    for field in ("name", "gives"):
        if not hasattr(channel, field):
            guard.fail(f"its constructor left out {field}, which every ResponseChannel has")
    return channel if guard.own else GuardedChannel(guard, channel)


class GuardedChannel(Link):
    """A channel whose calls go through a guard, and whose answers are checked.

    Args:
        guard: of the channel.
        inner: the plugin's.
    """

    def __init__(self, guard: Guard, inner: ResponseChannel) -> None:
        super().__init__(inner)
        self._guard, self._hidden = guard, HiddenState(inner)

    def use_randomness(self, random: RandomStreams) -> None:
        """Hand the trial's random streams on."""
        self._hidden.use_randomness(random)
        self._guard.call("use_randomness", self._inner.use_randomness, random)

    def answer(self, victim: Victim, inputs: Tensor, explain: bool) -> Response:
        """Return the channel's answer if it is what the channel says that it gives."""
        guard = self._guard.afresh()
        response = guard.call("answer", self._inner.answer, victim, inputs, explain)
        if problem := _problem(response, self._inner, victim.spec, len(inputs), explain):
            guard.fail(f"answer returned {problem}")
        if self._hidden.awaits(explain):
            self._hidden.note_answer(guard.call("state_dict", self._inner.state_dict), explain)
        return response

    def state_dict(self) -> dict[str, Any]:
        """That of the channel inside: the guard has none.

        Raises:
            PluginFaultError: the channel has a state that it does not tell.
        """
        state = self._guard.call("state_dict", self._inner.state_dict)
        if not isinstance(state, dict):
            self._guard.fail(f"state_dict returned a {type(state).__name__}, not a dict")
        if problem := self._hidden.problem(state):
            self._guard.fail(problem)
        return state

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``."""
        self._guard.call("load_state_dict", self._inner.load_state_dict, state)


def guard_of(channel: ResponseChannel) -> Guard:
    """Who to blame for what a channel does."""
    return channel._guard if isinstance(channel, GuardedChannel) else Guard(f"channel {channel.name}")


def rows_problem(response: Any, rows: int, classes: int) -> str:
    """What is wrong with answers whoever they are of; empty if nothing is."""
    if not isinstance(response, Response):
        return f"a {type(response).__name__}, not a Response"
    labels, probabilities = response.labels, response.probabilities
    if not isinstance(labels, Tensor) or labels.shape != (rows,) or labels.dtype != torch.int64:
        return f"labels that are no int64 tensor of shape ({rows},)"
    if rows and not 0 <= int(labels.min()) <= int(labels.max()) < classes:
        return f"labels outside 0 to {classes - 1}"
    if probabilities is not None and (problem := _of_classes(probabilities, (rows, classes), 0.0, 1.0)):
        return f"probabilities {problem}"
    return ""


def _problem(response: Any, channel: ResponseChannel, spec: InputSpec, rows: int, explain: bool) -> str:
    """What is wrong with an answer; empty if nothing is."""
    if problem := rows_problem(response, rows, spec.num_classes):
        return problem
    shape = (rows, spec.num_classes)
    for word, values, low, high in (
        ("probability", response.probabilities, 0.0, 1.0),
        ("logit", response.logits, -math.inf, math.inf),
    ):
        if word in channel.gives and (problem := _of_classes(values, shape, low, high)):
            return f"{'probabilities' if word == 'probability' else 'logits'} {problem}"
    if explain and response.explanation is None:
        return "no explanation, which it says it gives"
    return ""


def _of_classes(values: Any, shape: tuple[int, int], low: float, high: float) -> str:
    """What is wrong with a number per row and class; empty if nothing is."""
    if not isinstance(values, Tensor) or values.shape != shape:
        return f"that are no tensor of shape {shape}"
    if values.dtype != torch.float32:
        return f"of type {values.dtype}, not float32"
    if values.requires_grad:
        return "with a graph back through the victim"
    if not bool(((values >= low - PLAY) & (values <= high + PLAY)).all()):  # false for NaN
        return "that are NaN" if bool(values.isnan().any()) else f"outside [{low:g}, {high:g}]"
    return ""
