"""Around every call into a plugin's code in a trial: it fails by itself, in one line that names it.

====================================================  =======================================================
what the code does                                    what becomes of it
====================================================  =======================================================
raises, calls ``sys.exit``                            the trial fails, with the reason
returns something of the wrong kind                   the trial fails, with the reason
changes what others compute with: a seed, a mode or   it is put back, and the trial fails: what ran before and
a setting; see `mebench.guard.settings`               what ran after would not have been the same experiment
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
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

from mebench.api.errors import MebenchError, PluginFaultError
from mebench.api.progress import Stopped, stop_is_asked
from mebench.guard.process_state import ProcessState, threads_started
from mebench.registry.catalogue import registry
from mebench.registry.entry import Entry
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
    def of(cls, kind: type[Entry], name: str) -> Guard:
        """The guard of something registered."""
        return cls(registry().described(kind, name), registry().ships(kind, name))

    def afresh(self) -> Guard:
        """The same from the state that the process is in now: what grad mode and the like are is the asker's affair."""
        return Guard(self.who, self.own)

    def call(self, doing: str, function: Callable[..., Result], *arguments: Any, **more: Any) -> Result:
        """Call a function of the plugin's.

        Args:
            doing: what the call is for, e.g. ``propose``.
            function: is called with all other arguments.

        Raises:
            PluginFaultError: it raised, or left the process in another state.
            MebenchError: one of mebench's own that names this plugin already, such as those of the oracle.
            Stopped: the user asked to stop, in the midst of work that keeps no part.
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
            if isinstance(error, Stopped) and stop_is_asked():
                raise
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
