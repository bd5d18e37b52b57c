"""The way to a dask scheduler: one that is there, or that of a cluster which the run starts and ends."""

from __future__ import annotations

import contextlib
import json
import logging
import select
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mebench.api.errors import ConfigurationError, MebenchError
from mebench.api.plurals import counted
from mebench.api.progress import Stopped
from mebench.run.engine.settings import EngineSettings

if TYPE_CHECKING:
    from distributed import Client

CONNECT_SECONDS = 20
END_SECONDS = 20.0
LISTEN_SECONDS = 0.2
LOUD = ("distributed", "tornado", "asyncio", "bokeh")
"""Whose loggers write to the run's logs in place of the terminal."""


class ClusterHost:
    """A program with a cluster in it; see `mebench.run.engine.dask.host`.

    Args:
        target: ``"module:Class"`` of the cluster.
        options: for the class.
        jobs: how many jobs of a batch system; None for a local cluster.
        log: what it and its workers print.
        given_up: asked while it starts: whether it is wanted no more.

    Raises:
        MebenchError: it could not be started; says why.
        Stopped: it was given up.
    """

    def __init__(
        self,
        target: str,
        options: dict[str, Any],
        jobs: int | None,
        log: Path,
        given_up: Callable[[], bool] = lambda: False,
    ) -> None:
        with log.open("ab") as file:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "mebench.run.engine.dask.host"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=file,
                start_new_session=True,
                text=True,
            )
        assert self._process.stdin
        assert self._process.stdout
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(json.dumps({"target": target, "options": options, "jobs": jobs}) + "\n")
            self._process.stdin.flush()
        while not select.select([self._process.stdout], [], [], LISTEN_SECONDS)[0]:
            if given_up():
                self.close()
                raise Stopped
        said = json.loads(self._process.stdout.readline() or "{}")
        if "address" not in said:
            self.close()
            raise MebenchError(f"no dask cluster could be started: {said.get('error', 'it ended')} (log: {log})")
        self.address: str = said["address"]

    def close(self) -> None:
        """End it, with all that it has started."""
        for stream in (self._process.stdin, self._process.stdout):
            assert stream
            with contextlib.suppress(OSError):
                stream.close()
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class Connection:
    """A client of a scheduler, and the cluster that was started for it, if any.

    Args:
        settings: which scheduler, or what to start.
        log: what dask says.

    Raises:
        MebenchError: it is not to be had; says why.
        Stopped: the user did not wait for it.

    Attributes:
        client: of the scheduler.
        awaited: what a run waits for that has no worker, and where one sees more, in words.
    """

    def __init__(self, settings: EngineSettings, log: Path) -> None:
        log.parent.mkdir(parents=True, exist_ok=True)
        self._handler = _log_to(log)
        self._host: ClusterHost | None = None
        try:
            if settings.scheduler is None:
                self._host, self.awaited = _host(settings, log)
            else:
                self.awaited = f"a worker; `dask worker {settings.scheduler}` starts one"
            self.client = _client(settings.scheduler or self._host.address)  # type: ignore[union-attr]
        except BaseException:
            self._end()
            raise

    def close(self) -> None:
        """Leave the scheduler, and end the cluster."""
        with contextlib.suppress(Exception):  # the scheduler may be gone
            self.client.close(timeout=2)
        self._end()

    def _end(self) -> None:
        if self._host is not None:
            self._host.close()
        for logger in _loud():
            logger.handlers = [logging.NullHandler()]
        self._handler.close()


def _host(settings: EngineSettings, log: Path) -> tuple[ClusterHost, str]:
    """The cluster that is asked for, and what is awaited where none of its workers is there."""
    from mebench.run.engine.dask.clusters import SHOW, batch_cluster, check_submits, local_cluster

    def given_up() -> bool:
        return settings.interrupts.level > 0

    if settings.cluster is None:
        return ClusterHost(*local_cluster(settings), log, given_up), f"a worker on this machine; see {log}"
    target, options, jobs = batch_cluster(settings.cluster, settings.cluster_options, log.parent)
    check_submits(settings.cluster)
    host = ClusterHost(target, options, jobs, log, given_up)
    job = f"{settings.cluster} job"
    awaited = f"one of {counted(jobs, job)} to start" if jobs and jobs > 1 else f"the {job} to start"
    return host, f"{awaited}; see `{SHOW[settings.cluster]}`, and what they print in {options['log_directory']}"


def _client(address: str) -> Client:
    from distributed import Client

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # versions are compared by the engine, in words of its own
            return Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except (OSError, ValueError, TypeError) as error:
        words = " ".join(str(error).split()) or type(error).__name__
        raise ConfigurationError(
            f"dask scheduler {address}: no answer ({words}): give the address that it shows"
        ) from error


def _log_to(log: Path) -> logging.Handler:
    """Let dask's loggers write to a file alone."""
    import distributed  # noqa: F401 (at its import it gives its loggers handlers that write to the terminal)

    handler = logging.FileHandler(log, encoding="utf-8", delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(message)s"))
    for logger in _loud():
        logger.handlers = [handler]
        logger.propagate = False
    return handler


def _loud() -> Iterator[logging.Logger]:
    """The loggers of dask and of what it stands on, also those within, some of which have handlers of their own."""
    for name in (*LOUD, *logging.root.manager.loggerDict):
        if name.partition(".")[0] in LOUD:
            yield logging.getLogger(name)
