"""A defence, a recovery and a detector whose code is a plugin's: every call goes through its guard, and is checked."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn

from mebench.api.contract import Response
from mebench.api.defence import (
    AnswerDefence,
    ClientWatch,
    Defence,
    Detector,
    ExplanationDefence,
    InputDefence,
    Recovery,
)
from mebench.api.victim import InputSpec
from mebench.guard.call import Guard
from mebench.guard.hidden_state import HiddenState
from mebench.guard.wrappers import PLAY, rows_problem

Part = TypeVar("Part", Defence, Recovery, Detector)
Stateful = TypeVar("Stateful", Defence, Recovery)
Result = TypeVar("Result")


class GuardedPart(Generic[Part]):
    """What all of them have: a guard, and what they are called.

    Args:
        guard: of the plugin.
        part: the plugin's.
        label: its name with its parameters, for messages and results.
    """

    def __init__(self, guard: Guard, part: Part, label: str) -> None:
        self.guard, self.label = guard, label
        self.part: Part = part

    def _call(self, doing: str, function: Callable[..., Result], *arguments: Any) -> Result:
        """Call the part through a guard of this moment."""
        return self.guard.afresh().call(doing, function, *arguments)


class StatefulPart(GuardedPart[Stateful]):
    """A part that changes from answer to answer."""

    def state_dict(self) -> dict[str, Any]:
        """That of the part inside.

        Raises:
            PluginFaultError: it is no dict.
        """
        state = self._call("state_dict", self.part.state_dict)
        if not isinstance(state, dict):
            self.guard.fail(f"state_dict returned a {type(state).__name__}, not a dict")
        return state

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``."""
        self._call("load_state_dict", self.part.load_state_dict, state)


class GuardedDefence(StatefulPart[Defence]):
    """A defence; its answers are checked, and a state that it does not tell is found, as that of a channel is.

    Attributes:
        seconds: of processor time that it took so far, of this object; no part of its state.
    """

    def __init__(self, guard: Guard, part: Defence, label: str) -> None:
        super().__init__(guard, part, label)
        self.seconds = 0.0
        self._hidden = HiddenState(part)

    def watch_state(self, random: Any) -> None:
        """Take the trial's random streams, which are saved with it."""
        self._hidden.use_randomness(random)

    def perturb(self, queries: Tensor, probabilities: Tensor) -> Tensor:
        """Return what an `AnswerDefence` answers, if that is what it must be."""
        assert isinstance(self.part, AnswerDefence)
        guard, answered = self._timed("perturb", self.part.perturb, queries, probabilities)
        if problem := _answer_problem(answered, probabilities):
            guard.fail(f"perturb returned {problem}")
        self._note(False)
        return answered

    def release(self, queries: Tensor, maps: Tensor, labels: Tensor) -> Tensor:
        """Return what an `ExplanationDefence` releases, if that is what it must be."""
        assert isinstance(self.part, ExplanationDefence)
        guard, released = self._timed("release", self.part.release, queries, maps, labels)
        if not isinstance(released, Tensor) or released.shape != maps.shape or released.dtype != torch.float32:
            guard.fail(f"release returned no float32 tensor of shape {tuple(maps.shape)}")
        if not bool(torch.isfinite(released).all()):
            guard.fail("release returned maps that are not finite")
        self._note(True)
        return released

    def receive(self, queries: Tensor, spec: InputSpec) -> Tensor:
        """Return what an `InputDefence` gives the victim, if the victim can take it."""
        assert isinstance(self.part, InputDefence)
        guard, received = self._timed("receive", self.part.receive, queries)
        if not isinstance(received, Tensor) or received.shape != queries.shape or received.dtype != queries.dtype:
            guard.fail(f"receive returned no {queries.dtype} tensor of shape {tuple(queries.shape)}")
        if len(received) and not bool(((received >= spec.low) & (received <= spec.high)).all()):
            guard.fail(f"receive returned inputs outside [{spec.low:g}, {spec.high:g}]")
        self._note(False)
        return received

    def _timed(self, doing: str, function: Callable[..., Tensor], *arguments: Any) -> tuple[Guard, Tensor]:
        began = time.process_time()
        try:
            return called(self.guard, doing, function, *arguments)
        finally:
            self.seconds += time.process_time() - began

    def _note(self, explained: bool) -> None:
        if self._hidden.awaits(explained):
            self._hidden.note_answer(super().state_dict(), explained)

    def state_dict(self) -> dict[str, Any]:
        """That of the defence inside.

        Raises:
            PluginFaultError: the defence has a state that it does not tell.
        """
        state = super().state_dict()
        if problem := self._hidden.problem(state):
            self.guard.fail(problem)
        return state


class GuardedRecovery(StatefulPart[Recovery]):
    """A recovery; what it asks and what it makes of the answers is checked."""

    @property
    def queries_per_row(self) -> int | Fraction:
        """What one row of the attack's costs."""
        number, more = self.part.queries_per_row, self.part.more_per_row
        if type(number) is not int or number < 1:
            self.guard.fail(f"its queries_per_row is {number!r:.60}: a whole number of at least 1")
        if not isinstance(more, Fraction) or more < 0 or more >= 1:
            self.guard.fail(f"its more_per_row is {more!r:.60}: a Fraction of at least 0 and less than 1")
        return number + more if more else number

    def asked(self, queries: Tensor) -> Tensor:
        """Return what is asked for the attack's queries; the oracle checks their values."""
        asked = self._call("asked", self.part.asked, queries)
        rows, shape = len(queries) * Fraction(self.queries_per_row), tuple(queries.shape[1:])
        if not isinstance(asked, Tensor) or tuple(asked.shape[1:]) != shape or abs(len(asked) - rows) >= 1:
            self.guard.fail(f"asked returned no tensor of shape {(math.floor(rows), *shape)}")
        return asked

    def recover(self, queries: Tensor, response: Response, clone: nn.Module, classes: int) -> Response:
        """Return the recovered answers, if they are answers to the queries."""
        recovered: Response = self._call("recover", self.part.recover, queries, response, clone)
        if problem := rows_problem(recovered, len(queries), classes):
            self.guard.fail(f"recover returned {problem}")
        return recovered

    def worth_learning(self, queries: Tensor, response: Response) -> Tensor | None:
        """Return from which rows the clone learns, or None for all."""
        kept = self._call("worth_learning", self.part.worth_learning, queries, response)
        if kept is None:
            return None
        if not isinstance(kept, Tensor) or kept.shape != (len(queries),) or kept.dtype != torch.bool:
            self.guard.fail(f"worth_learning returned no tensor of {len(queries)} truth values, and not None")
        return kept


class GuardedDetector(GuardedPart[Detector]):
    """A detector; its clients are guarded, too."""

    def client(self) -> GuardedWatch:
        """The watch of a client who has asked nothing yet."""
        watch = self._call("client", self.part.client)
        if not isinstance(watch, ClientWatch):
            self.guard.fail(f"client returned a {type(watch).__name__}, not a ClientWatch")
        return GuardedWatch(self.guard, watch)


class GuardedWatch:
    """What a detector keeps of one client.

    Args:
        guard: of the detector.
        watch: the plugin's.

    Attributes:
        seconds: of processor time that it took so far, of this object; no part of its state.
    """

    def __init__(self, guard: Guard, watch: ClientWatch) -> None:
        self.guard, self._watch, self.seconds = guard, watch, 0.0

    def score(self, queries: Tensor, response: Response) -> Tensor:
        """Return (B,) float64 running scores on the CPU."""
        began = time.process_time()
        _, scores = called(self.guard, "score", self._watch.score, queries, response)
        self.seconds += time.process_time() - began
        if not isinstance(scores, Tensor) or scores.shape != (len(queries),) or scores.dtype != torch.float64:
            self.guard.fail(f"score returned no float64 tensor of shape ({len(queries)},)")
        return scores.cpu()

    def state_dict(self) -> dict[str, Any]:
        """That of the watch inside."""
        return self.guard.afresh().call("state_dict", self._watch.state_dict)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``."""
        self.guard.afresh().call("load_state_dict", self._watch.load_state_dict, state)


def called(guard: Guard, doing: str, function: Callable[..., Tensor], *arguments: Any) -> tuple[Guard, Tensor]:
    """Call a plugin without gradients, through a guard of this moment, which comes with what it returned."""
    with torch.no_grad():
        now = guard.afresh()
        return now, now.call(doing, function, *arguments)


def _answer_problem(answered: Any, probabilities: Tensor) -> str:
    """What is wrong with defended probabilities; empty if nothing is."""
    if not isinstance(answered, Tensor) or answered.shape != probabilities.shape or answered.dtype != torch.float32:
        return f"no float32 tensor of shape {tuple(probabilities.shape)}"
    if not bool(((answered >= -PLAY) & (answered <= 1 + PLAY)).all()):  # false for NaN
        return "values that are NaN" if bool(answered.isnan().any()) else "values outside [0, 1]"
    return ""
