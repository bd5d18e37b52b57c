"""Around every call into a plugin's code in a trial: it fails by itself, in one line that names it.

====================================================  =======================================================
what the code does                                    what becomes of it
====================================================  =======================================================
raises, calls ``sys.exit``                            the trial fails, with the reason
returns something of the wrong kind                   the trial fails, with the reason
changes the working directory, a random seed, a mode  it is put back, and the trial fails: what ran before and
or setting of torch, hooks of all its modules,        what ran after would not have been the same experiment
NumPy's error handling, the handlers of SIGTERM and
SIGINT, the mode of new files
forks, or leaves a thread running                     the trial fails; the child ends where the call does
changes environment variables, filters of warnings    they are put back; a line in the trial's log
prints                                                it goes to the trial's log
ends, kills or hangs its process                      seen by the engine; see `mebench.run.engine.handle`
====================================================  =======================================================

Drawing from the global random generators is allowed: a trial seeds, saves and restores them. See docs/plugins.md.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from typing import Any, NoReturn, TypeVar

import torch
from torch import Tensor, nn

from mebench.api.contract import Attack, GradientStep, Learner, Oracle, QueryStrategy, Response
from mebench.api.errors import MebenchError, PluginFaultError
from mebench.guard import diagnostics
from mebench.guard.process_state import ProcessState, threads_started
from mebench.registry.catalogue import registry
from mebench.registry.entries import Kind
from mebench.registry.safe_import import what_happened

Result = TypeVar("Result")


class Guard:
    """Calls code of one plugin.

    Args:
        who: what to call it in errors, with its distribution and version.
        own: whether it ships with mebench, whose own errors say what they need to.
    """

    def __init__(self, who: str, own: bool = False) -> None:
        self.who = who
        self.own = own
        self._process = os.getpid()
        self._state = ProcessState()

    @classmethod
    def of(cls, kind: Kind, name: str) -> Guard:
        """The guard of something registered."""
        return cls(described(kind, name), registry().ships(kind, name))

    def call(self, doing: str, function: Callable[..., Result], *arguments: Any, **more: Any) -> Result:
        """Call a function of the plugin's.

        Args:
            doing: what the call is for, e.g. ``propose``.
            function: is called with all other arguments.

        Raises:
            PluginFaultError: it raised, or left the process in another state.
            MebenchError: one of mebench's own that names this plugin already, such as those of the oracle.
        """
        stdout, sys.stdout = sys.stdout, sys.stderr
        threads = threads_started()
        try:
            result = function(*arguments, **more)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            self._only_parent()
            self._state.check(threads)
            self._raise(doing, error)
        finally:
            sys.stdout = stdout
        self._only_parent()
        if problem := self._state.check(threads):
            self.fail(f"{doing} {problem}")
        return result

    def fail(self, what: str) -> NoReturn:
        """Say what the plugin did."""
        raise PluginFaultError(f"{self.who}: {what}")

    def _raise(self, doing: str, error: BaseException) -> NoReturn:
        if isinstance(error, PluginFaultError):
            raise error
        if isinstance(error, MebenchError) and (self.own or str(error).startswith(self.who)):
            raise error
        words = " ".join(str(error).split()) if isinstance(error, MebenchError) else what_happened(error)
        raise PluginFaultError(f"{self.who}: {doing} failed: {words}") from error

    def _only_parent(self) -> None:
        """End a process that the plugin's code forked: the trial goes on in one."""
        if os.getpid() != self._process:
            os._exit(0)


def described(kind: Kind, name: str) -> str:
    """A registered thing in words: ``attack megex (mebench 0.1.0)``."""
    return f"{kind} {name} ({registry().origin(kind, name)})"


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


class GuardedStrategy(QueryStrategy):
    """A strategy whose calls go through a guard.

    Args:
        guard: of the attack.
        strategy: the plugin's.
        device: where queries must be.
    """

    def __init__(self, guard: Guard, strategy: QueryStrategy, device: torch.device) -> None:
        self._guard, self._strategy, self._device = guard, strategy, device

    def propose(self, oracle: Oracle, clone: nn.Module) -> Tensor:
        """Return the strategy's queries if they are a tensor; their values are checked by the oracle."""
        queries = self._guard.call("propose", self._strategy.propose, oracle, clone)
        if not isinstance(queries, Tensor):
            self._guard.fail(f"propose returned a {type(queries).__name__}, not a tensor of queries")
        if not queries.ndim or queries.layout is not torch.strided:
            self._guard.fail(f"propose returned a tensor of shape {tuple(queries.shape)} and {queries.layout}")
        if queries.device.type != self._device.type:
            self._guard.fail(f"propose returned a tensor on {queries.device}, the trial is on {self._device}")
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

    def learn(self, queries: Tensor, response: Response) -> None:
        """See `Learner.learn`."""
        self._guard.call("learn", self._learner.learn, queries, response)

    def state_dict(self) -> dict[str, Any]:
        """See `Learner.state_dict`."""
        return self._guard.call("the learner's state_dict", self._learner.state_dict)

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """See `Learner.load_state_dict`."""
        self._guard.call("the learner's load_state_dict", self._learner.load_state_dict, state)
