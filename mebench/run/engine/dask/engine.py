"""Runs jobs on the workers of a dask cluster, each in a process of its own there.

dask starts, connects and watches the workers, and carries calls and replies. Which worker runs which job is decided
here: a job whose worker is lost is called again elsewhere, with what is known of it by then.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Self

from mebench.api.errors import MebenchError
from mebench.api.exit_codes import ExitCode
from mebench.api.progress import Progress, Stopped
from mebench.run.engine.dask import worker
from mebench.run.engine.dask.calls import Reply, Survey
from mebench.run.engine.dask.connection import Connection
from mebench.run.engine.dask.crew import Berth, Crew, Hand
from mebench.run.engine.dask.errand import Errand, Flight
from mebench.run.engine.dask.luggage import Luggage
from mebench.run.engine.dask.solitude import Solitude
from mebench.run.engine.interrupts import KILL
from mebench.run.engine.jobs import Cause, Engine, Job, Listener, Outcome
from mebench.run.engine.schedule import Schedule
from mebench.run.engine.settings import EngineSettings

if TYPE_CHECKING:
    from distributed import Client, Future

TICK_SECONDS = 0.2
LOOK_SECONDS = 1.0
"""Between two looks at who is there."""
BEAT_SECONDS = 10.0
"""Between two words to the workers that the run goes on."""
PULL_SECONDS, PULL_SHARE = 20.0, 20
"""Between two looks at what has changed where no folder is shared; and they take a twentieth of the time at most."""
PATIENCE_SECONDS = 60.0
"""How long the scheduler may go without an answer."""
ONCE_MORE: tuple[Cause, ...] = ("out of memory",)
"""Causes of which a trial is tried again at least once, alone on its device."""
KILL_SECONDS = 5.0
"""How long workers may take to say that what the user has killed is gone."""


class LostSchedulerError(MebenchError):
    """The dask scheduler is gone in the midst of a run."""

    exit_code = ExitCode.INCOMPLETE


class DaskEngine(Engine):
    """The same jobs, the same outcomes as `ProcessEngine`, on any number of machines.

    Args:
        settings: with the scheduler to go to, or the cluster to start, which ends with the engine.
    """

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings
        self._connection: Connection | None = None
        self._crew = Crew(settings.workers, settings.per_gpu)
        self._run = f"mebench-{uuid.uuid4().hex[:12]}"
        self._inbox: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._flights: dict[str, Flight] = {}
        self._again: deque[Errand] = deque()
        self._later: list[Errand] = []
        self._heard = time.monotonic()
        self._due: dict[str, float] = {}
        self._level = 0
        self._lonely: Solitude | None = None

    @classmethod
    def opened(cls, settings: EngineSettings) -> Self:
        """See `Engine.opened`; the cluster is there from the first job on."""
        return cls(settings)

    @property
    def slots(self) -> int:
        """See `Engine.slots`."""
        return max(1, self._crew.slots)

    def equip(self, devices: Sequence[str]) -> None:
        """See `Engine.equip`."""
        self._crew.equip(devices)

    def close(self) -> None:
        """See `Engine.close`."""
        if self._connection is not None:
            self._luggage.close()
            self._connection.close()
            self._connection = None

    def run(self, jobs: Sequence[Job], listeners: Sequence[Listener] = ()) -> dict[str, Outcome]:
        """See `Engine.run`.

        Raises:
            MebenchError: there is no scheduler, or no worker that can run mebench.
        """
        schedule = Schedule(jobs, listeners, ONCE_MORE)
        if not jobs:
            return schedule.outcomes
        try:
            self._connect()
        except Stopped:
            return schedule.outcomes
        self._schedule, self._listeners = schedule, listeners
        self._heard = time.monotonic()
        try:
            while self._flights or (self._waiting and not self._settings.interrupts.level):
                self._start_what_fits()
                self._read_inbox()
                self._obey()
                self._see_to_what_is_due()
                for listener in listeners:
                    listener.tick()
            self._end_those_left()
        finally:
            self._give_up_flights()
        return schedule.outcomes

    @property
    def _waiting(self) -> bool:
        """Whether there is anything to start, now or later."""
        return bool(self._schedule.waiting or self._again or self._later)

    def _connect(self) -> None:
        if self._connection is None:
            log = self._settings.folder.absolute() / "logs" / "dask.txt"
            self._connection = Connection(self._settings, log)
            self._client.subscribe_topic(self._run, self._on_event)
            self._luggage = Luggage(self._run, self._settings)

    @property
    def _client(self) -> Client:
        assert self._connection is not None
        return self._connection.client

    def _start_what_fits(self) -> None:
        if self._client.status != "running":  # the scheduler is lost, for now or for good
            return
        while not self._settings.interrupts.level and (place := self._crew.free()) and (errand := self._next()):
            self._start(errand, *place)
        while not self._settings.interrupts.level and self._schedule.alone_waits:
            self._crew.keep_one()
            if not ((place := self._crew.free(alone=True)) and (job := self._schedule.next_alone())):
                break
            self._start(Errand(job), *place, alone=True)

    def _next(self) -> Errand | None:
        """What is to be called again comes first."""
        if self._again:
            return self._again.popleft()
        job = self._schedule.next_beside()
        return Errand(job) if job else None

    def _start(self, errand: Errand, hand: Hand, berth: Berth, *, alone: bool = False) -> None:
        if not errand.told:
            errand.told = True
            for listener in self._listeners:
                listener.started(errand.job)
        try:
            call = self._luggage.call(errand, hand, berth.device)
        except MebenchError as error:
            if errand.may_wait:
                self._later.append(errand)
                return
            self._end(errand, Outcome("failed", reason=str(error)))
            return
        future = self._client.submit(
            worker.carry_out,
            call,
            key=call.token,
            workers=[hand.address],
            allow_other_workers=False,
            pure=False,
            retries=0,
        )
        berth.take(alone)
        self._flights[call.token] = Flight(errand, hand, berth, future, travels=call.files is not None)
        future.add_done_callback(partial(self._on_done, call.token))

    def _on_done(self, token: str, future: Future[Any]) -> None:
        """In the one thread that dask calls everybody back in, which must not wait."""
        self._aside(partial(self._fetch, token, future))

    def _fetch(self, token: str, future: Future[Any]) -> Callable[[], None]:
        """In a thread of its own: the reply, which may be large."""
        try:
            reply: Reply | BaseException = future.result(timeout=PATIENCE_SECONDS)
        except BaseException as error:
            reply = error
        return partial(self._over, token, str(future.status), reply)

    def _on_event(self, event: tuple[float, Any]) -> None:
        """In dask's own thread: a worker says that a job has started, or how far it is."""
        token, said = event[1]
        self._inbox.put(partial(self._progressed, token, said))

    def _aside(self, do: Callable[[], Callable[[], None]]) -> None:
        """Do what may take long in a thread of its own; what it returns is called by the engine's."""
        threading.Thread(target=lambda: self._inbox.put(do()), daemon=True).start()

    def _read_inbox(self) -> None:
        try:
            self._inbox.get(timeout=TICK_SECONDS)()
            while True:
                self._inbox.get_nowait()()
        except Empty:
            pass

    def _progressed(self, token: str, said: list[Any] | None) -> None:
        flight = self._flights.get(token)
        if flight is None or said is None:
            return
        progress = Progress(*said)
        flight.errand.far(progress.done)
        for listener in self._listeners:
            listener.progressed(flight.errand.job, progress)

    def _over(self, token: str, status: str, reply: Reply | BaseException) -> None:
        """A call has come back, or will never."""
        flight = self._flights.pop(token, None)
        if flight is None:  # its worker was given up before
            return
        flight.berth.give_back()
        if isinstance(reply, BaseException):
            if status == "error":
                words = " ".join(f"{type(reply).__name__}: {reply}".split())
                self._end(flight.errand, Outcome("failed", reason=f"dask worker {flight.hand.address}: {words}"))
            else:
                self._lost(flight)
            return
        try:
            self._luggage.unpack(flight.errand, flight.hand, reply)
        except MebenchError as error:
            self._end(flight.errand, Outcome("failed", reason=str(error)))
            return
        if reply.outcome.ending == "stopped" and not self._level:
            self._lost(flight)  # its worker is going, or has not heard of this run for long
        else:
            self._end(flight.errand, reply.outcome)

    def _lost(self, flight: Flight) -> None:
        """Call again elsewhere, unless that has come to nothing too often."""
        errand = flight.errand
        self._luggage.release(errand)
        if self._level:
            self._end(errand, Outcome("stopped", seconds=errand.seconds))
        elif self._client.status != "running" or errand.lose():
            self._again.append(errand)
        else:
            where = f"dask worker {flight.hand.address} on {flight.hand.survey.host}"
            self._end(errand, Outcome("failed", reason=f"its worker was lost {errand.lost} times, at last {where}"))

    def _end(self, errand: Errand, outcome: Outcome) -> None:
        self._luggage.release(errand)
        self._schedule.end(errand.job, outcome)

    def _obey(self) -> None:
        """Pass on what the user asked for since the last look."""
        if self._settings.interrupts.level == self._level:
            return
        self._level = self._settings.interrupts.level
        self._asked = time.monotonic()
        for listener in self._listeners:
            listener.interrupted(self._level)
        self._tell()

    def _tell(self) -> None:
        client, run, level = self._client, self._run, self._level

        def say() -> Callable[[], None]:
            try:
                client.run(worker.tell, run, level, on_error="ignore")
            except Exception:  # whether the scheduler is there is seen to elsewhere
                return _nothing
            return _nothing

        self._aside(say)

    def _is_due(self, what: str, seconds: float) -> bool:
        now = time.monotonic()
        if now < self._due.get(what, 0.0):
            return False
        self._due[what] = now + seconds
        return True

    def _see_to_what_is_due(self) -> None:
        if self._is_due("look", LOOK_SECONDS):
            self._aside(self._look)
            self._again.extend(self._later)
            self._later.clear()
        if self._is_due("beat", BEAT_SECONDS):
            self._tell()
        for token, flight in self._flights.items():
            if flight.travels and self._is_due(token, PULL_SECONDS):
                self._aside(partial(self._pull, token, flight))
        self._check_company()
        if self._level == KILL and time.monotonic() > self._asked + KILL_SECONDS:
            self._give_up_flights()

    def _look(self) -> Callable[[], None]:
        """In a thread of its own: who is there."""
        try:
            threads = dict(self._client.nthreads())
        except Exception:
            return _nothing
        return partial(self._met, threads)

    def _met(self, threads: dict[str, int]) -> None:
        self._heard = time.monotonic()
        new, gone = self._crew.met(threads)
        for token, flight in list(self._flights.items()):
            if flight.hand.address in gone:
                del self._flights[token]
                flight.future.cancel()
                self._lost(flight)
        for address in new:  # each by itself: one that is lost meanwhile would keep the others waiting
            self._aside(partial(self._survey, address))

    def _survey(self, address: str) -> Callable[[], None]:
        """In a thread of its own: what a new one is."""
        try:
            question = self._luggage.question
            answers = self._client.run(worker.survey, question, workers=[address], on_error="return")
            answer: Survey | BaseException = answers.get(address, ConnectionError("no answer"))
        except Exception as error:
            answer = error
        return partial(self._crew.introduce, address, answer)

    def _pull(self, token: str, flight: Flight) -> Callable[[], None]:
        """In a thread of its own: fetch what has changed in the folder of a job that runs where it is not seen."""
        begun = time.monotonic()
        try:
            answers = self._client.run(
                worker.changed, self._run, token, flight.marks, workers=[flight.hand.address], on_error="ignore"
            )
            files, marks = next(iter(answers.values()), ({}, {}))
        except Exception:
            return _nothing
        self._due[token] = time.monotonic() + max(PULL_SECONDS, PULL_SHARE * (time.monotonic() - begun))

        def keep() -> None:
            if token in self._flights:
                flight.marks.update(marks)
                self._luggage.keep(flight.errand, files)

        return keep

    def _check_company(self) -> None:
        """Give up where nobody can do the work, and say so where nobody has come yet."""
        now = time.monotonic()
        if now > self._heard + PATIENCE_SECONDS:
            raise LostSchedulerError("the dask scheduler does not answer any more: the same command goes on from here")
        if self._crew.any or self._flights:
            self._lonely = None
            return
        if self._crew.refused:
            raise MebenchError("\n".join(dict.fromkeys(self._crew.refused.values())))
        assert self._connection
        self._lonely = self._lonely or Solitude(self._connection.awaited)
        self._lonely.look()

    def _end_those_left(self) -> None:
        """What waits to be called again when the user stops the run can go on later."""
        for errand in (*self._again, *self._later):
            self._end(errand, Outcome("stopped"))
        self._again.clear()
        self._later.clear()

    def _give_up_flights(self) -> None:
        """Leave nothing running: what has not come back by now is killed where it is."""
        if not self._flights:
            return
        self._level = KILL
        self._tell()
        for flight in self._flights.values():
            flight.future.cancel()
            self._end(flight.errand, Outcome("stopped", seconds=flight.errand.seconds))
        self._flights.clear()


def _nothing() -> None:
    """What is left to do where a word to the workers has come to nothing."""
