"""Who is told the life of a run: a process with a registered logger in it, or an object of the caller's."""

from __future__ import annotations

import contextlib
import json
import pickle
import queue
import subprocess
import sys
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mebench.api.errors import ConfigurationError
from mebench.api.files import why
from mebench.api.notices import notice
from mebench.api.run_events import LoggedRun
from mebench.registry.safe_import import what_happened

READY_SECONDS, CLOSE_SECONDS = 120.0, 60.0
"""How long a logger may take to begin, and to end."""
POLL_SECONDS, READ_SECONDS, PATIENT_SECONDS = 0.05, 2.0, 5.0
_START = "from mebench.run.loggers.child import main; main()"


class Told(ABC):
    """Somebody who is told. Faults are said in one line each time something new fails, and stop nothing.

    Args:
        who: what it is called in lines.

    Attributes:
        here: whether it runs in this very process, where trials may run, too.
    """

    here = False

    def __init__(self, who: str) -> None:
        self.who = who
        self._faults: dict[str, int] = {}

    @abstractmethod
    def begin(self, run: LoggedRun) -> None:
        """Tell that the run begins.

        Raises:
            ConfigurationError: it cannot be told anything; nothing has run yet.
        """

    @abstractmethod
    def tell(self, call: str, *arguments: Any) -> None:
        """Make one of the calls of `mebench.api.run_events.CALLS`."""

    @abstractmethod
    def look(self) -> None:
        """Say what has failed since; called several times a second."""

    @abstractmethod
    def end(self, hurry: Callable[[], bool]) -> None:
        """Wait until it has done all it was told, not longer than `CLOSE_SECONDS`, nor once ``hurry`` is true."""

    def _fault(self, line: str) -> None:
        """Say a fault once; the end says how often it came again."""
        self._faults[line] = self._faults.get(line, 0) + 1
        if self._faults[line] == 1:
            notice(f"{self.who}: {line}; the run goes on")

    def _sum_up(self) -> None:
        for line, count in self._faults.items():
            if count > 1:
                notice(f"{self.who}: {line}: {count:,} times")


class ToldHere(Told):
    """An object of the caller's, called where the run was started, between what the engine does.

    Args:
        logger: with some of the methods of a `RunLogger`.
    """

    here = True

    def __init__(self, logger: object) -> None:
        super().__init__(f"logger {type(logger).__name__}")
        self._logger = logger

    def begin(self, run: LoggedRun) -> None:
        """See `Told`."""
        self.tell("run_started", run)

    def tell(self, call: str, *arguments: Any) -> None:
        """See `Told`."""
        method = getattr(self._logger, call, None)
        if not callable(method):
            return
        try:
            method(*arguments)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            self._fault(f"{call} failed: {what_happened(error)}")

    def look(self) -> None:
        """See `Told`; faults are said at once."""

    def end(self, hurry: Callable[[], bool]) -> None:
        """See `Told`."""
        self._sum_up()


class ToldProcess(Told):
    """A registered logger in a process of its own: whatever it does, it does to that process.

    Args:
        name: of the logger.
        who: in words, with its distribution and version.
        given: its parameters in place of the defaults.
        log: a file that gets what it prints.
    """

    def __init__(self, name: str, who: str, given: Mapping[str, Any], log: Path) -> None:
        super().__init__(who)
        self._name, self._given, self._log = name, dict(given), log
        self._waiting: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._process: subprocess.Popen[bytes] | None = None
        self._gone = False

    def begin(self, run: LoggedRun) -> None:
        """See `Told`."""
        try:
            self._process = self._started()
        except OSError as error:
            raise ConfigurationError(f"{self.who}: cannot be started: {why(error)}") from error
        threading.Thread(target=self._write, args=(self._process,), daemon=True).start()
        self._reading = threading.Thread(target=self._read, args=(self._process,), daemon=True)
        self._reading.start()
        self._waiting.put(pickle.dumps((self._name, self._given, list(sys.path), run)))
        problem = self._first_answer()
        if problem:
            self._process.kill()
            self._process.wait()
            raise ConfigurationError(f"{self.who}: {problem} (its log: {self._log})")

    def _started(self) -> subprocess.Popen[bytes]:
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-P", "-c", _START],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,  # Ctrl-C is the run's affair
            )

    def _first_answer(self) -> str:
        """Wait until it is ready; return why it is not, or nothing."""
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            with contextlib.suppress(queue.Empty):
                return str(self._answers.get(timeout=POLL_SECONDS).get("fault", ""))
            if (ended := self._ended()) and self._answers.empty():
                return ended
        return f"was not ready after {READY_SECONDS:g} s"

    def tell(self, call: str, *arguments: Any) -> None:
        """See `Told`."""
        if not self._gone:
            self._waiting.put(pickle.dumps((call, arguments)))

    def look(self) -> None:
        """See `Told`."""
        with contextlib.suppress(queue.Empty):
            while True:
                self._fault(str(self._answers.get_nowait().get("fault")))
        if not self._gone and (ended := self._ended()):
            self._gone = True
            notice(f"{self.who}: {ended}; it is told nothing more, and the run goes on")

    def end(self, hurry: Callable[[], bool]) -> None:
        """See `Told`."""
        assert self._process is not None
        self._waiting.put(None)
        begun, said = time.monotonic(), False
        while self._process.poll() is None and time.monotonic() < begun + CLOSE_SECONDS and not hurry():
            time.sleep(POLL_SECONDS)
            if not said and time.monotonic() > begun + PATIENT_SECONDS:
                said = True
                notice(f"{self.who}: has more to do, and has {CLOSE_SECONDS:g} s for it (Ctrl-C twice ends it)")
        late = self._process.poll() is None
        if late:
            self._process.kill()
            self._process.wait()
        self._reading.join(READ_SECONDS)
        self._gone |= late or self._process.returncode == 0
        self.look()
        self._sum_up()
        if late:
            notice(f"{self.who}: had not done all that it was told when the run was over, and was ended")

    def _ended(self) -> str:
        """How its process ended before its time; empty while it is there."""
        code = None if self._process is None else self._process.poll()
        return "" if code is None else f"its process ended with exit code {code}"

    def _write(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdin is not None
        with contextlib.suppress(OSError):
            while (message := self._waiting.get()) is not None:
                process.stdin.write(message)
                process.stdin.flush()
        with contextlib.suppress(OSError):
            process.stdin.close()

    def _read(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            with contextlib.suppress(ValueError):
                self._answers.put(json.loads(line))
