"""What travels with a call and comes back with its reply: folders and victims, where a worker does not see them."""

from __future__ import annotations

import contextlib
import json
import os
import uuid
from dataclasses import asdict
from pathlib import Path
from typing import Any

from mebench.api.errors import UnwritableError
from mebench.api.files import why, write_text
from mebench.api.spec import VictimSpec
from mebench.data.sources import cache_dir
from mebench.models.victims.cache import NOT_IN_KEY, entries, victims_dir
from mebench.results.trial_folder import TrialFolder
from mebench.run.engine.dask.calls import Call, Question, Reply
from mebench.run.engine.dask.crew import Hand
from mebench.run.engine.dask.errand import Errand
from mebench.run.engine.dask.parcels import Files, packed, unpack
from mebench.run.engine.dask.worker import CACHE, install_victim, versions
from mebench.run.engine.jobs import Job
from mebench.run.engine.settings import EngineSettings
from mebench.run.engine.worker import Order, settings_of


class Luggage:
    """Packs calls and unpacks replies.

    Args:
        run: names the run.
        settings: with the results folder and the number of threads.
    """

    def __init__(self, run: str, settings: EngineSettings) -> None:
        self._run, self._settings = run, settings
        self._victims: dict[str, str] = {}
        """Names of the folders of victims' caches, by the keys of the jobs that prepared them."""
        self._tokens = [folder / f".{run}" for folder in (settings.folder.absolute(), victims_dir().absolute())]
        for token in self._tokens:
            write_text(token, "a worker that sees this file shares the folder\n")
        results, cache = self._tokens
        self.question = Question(versions(), results, cache, os.environ.get(CACHE))

    def close(self) -> None:
        """Take away the files by which folders are recognised."""
        for token in self._tokens:
            token.unlink(missing_ok=True)

    def call(self, errand: Errand, hand: Hand, device: str) -> Call:
        """What a worker is sent for a job.

        Raises:
            ResultsError: another process holds the job's folder.
        """
        job = errand.job
        job = (
            job.moved(job.folder.absolute()) if job.folder else job.moved(job.log.absolute().parent) if job.log else job
        )
        files: Files | None = None
        if not hand.survey.shares_results:
            files = {}
            if job.folder is not None:
                errand.place = errand.place or TrialFolder(job.folder)
                errand.held.enter_context(errand.place.locked())
                files = packed(job.folder)[0]
        return Call(
            self._run,
            f"{self._run}-{uuid.uuid4().hex[:12]}",
            Order(job, device, self._settings.threads, _variables(hand)),
            files,
            self._wanted_victims(job, hand),
            not hand.survey.shares_cache,
        )

    def keep(self, errand: Errand, files: Files) -> None:
        """Write what a job has come to so far; where that cannot be, it goes on from what was written before."""
        if errand.job.folder is not None:
            with contextlib.suppress(UnwritableError):
                unpack(files, errand.job.folder)

    def unpack(self, errand: Errand, hand: Hand, reply: Reply) -> None:
        """Write what has come back.

        Raises:
            UnwritableError: it cannot be written.
        """
        for name, files in reply.victims.items():
            with contextlib.suppress(UnwritableError):  # then each worker makes its own
                install_victim(victims_dir(), name, files)
        if reply.outcome.ending == "done" and isinstance(reply.outcome.value, dict):
            if cached := reply.outcome.value.get("cached"):
                self._victims[errand.job.key] = cached
                hand.victims.add(cached)
            hand.victims.update(self._victims[key] for key in errand.job.needs if key in self._victims)
        if errand.job.folder is not None and reply.files is not None:
            unpack(reply.files, errand.job.folder, whole=True)
        if reply.log and errand.job.log is not None:
            _append(errand.job.log, reply.log)

    def release(self, errand: Errand) -> None:
        """Let go of the job's folder."""
        errand.held.close()

    def _wanted_victims(self, job: Job, hand: Hand) -> dict[str, Files]:
        """Victims that the job asks for, and that the worker may lack."""
        if hand.survey.shares_cache:
            return {}
        names = [self._victims[key] for key in job.needs if key in self._victims]
        if isinstance(job.payload, VictimSpec):
            names += _kept_of(job.payload)
        return {name: packed(victims_dir() / name)[0] for name in names if name not in hand.victims}


def _variables(hand: Hand) -> dict[str, str]:
    """Mebench's own environment variables for a job: the cache of this machine where it is seen."""
    found = settings_of(os.environ)
    found.pop(CACHE, None)
    return found | {CACHE: str(cache_dir().absolute())} if hand.survey.shares_cache else found


def _kept_of(victim: VictimSpec) -> list[str]:
    """Folders in the cache that may be of a victim: of those trained on other data the worker will make no use."""
    wanted = _plain(asdict(victim))
    return [
        path.name
        for path, record in entries()
        if isinstance(record.get("spec"), dict) and _plain(record["spec"]) == wanted
    ]


def _plain(spec: dict[str, Any]) -> dict[str, Any]:
    """All of a victim's spec that tells it apart, as it is read from a file."""
    plain: dict[str, Any] = json.loads(json.dumps({key: value for key, value in spec.items() if key not in NOT_IN_KEY}))
    return plain


def _append(log: Path, content: bytes) -> None:
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as file:
            file.write(content)
    except OSError as error:
        raise UnwritableError(log, why(error)) from error
