"""What the engine says to a worker, and what comes back. Imports no distributed."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from mebench.run.engine.dask.parcels import Files
from mebench.run.engine.jobs import Outcome
from mebench.run.engine.worker import Order


@dataclass(frozen=True)
class Call:
    """One try of a job on one worker.

    Attributes:
        run: names the run.
        token: names the try.
        order: the job, and where it runs.
        files: what is in the job's folder so far; None where the worker sees the folder itself.
        victims: folders of the victims' cache that the worker may lack, by name.
        keep_victims: whether victims that the job makes are sent back.
    """

    run: str
    token: str
    order: Order
    files: Files | None = None
    victims: dict[str, Files] = field(default_factory=dict)
    keep_victims: bool = False


@dataclass(frozen=True)
class Reply:
    """What has become of a call.

    Attributes:
        outcome: of the job.
        files: what is in the job's folder now; None where the engine sees the folder itself.
        log: of a job without a folder, where the engine does not see it.
        victims: folders of the victims' cache that the job has made or used, by name.
    """

    outcome: Outcome
    files: Files | None = None
    log: bytes = b""
    victims: dict[str, Files] = field(default_factory=dict)


@dataclass(frozen=True)
class Question:
    """What the engine asks every worker that it meets.

    Attributes:
        versions: of Python and the distributions that results depend on, here.
        results, cache: files that are there on this machine alone, or wherever its folders are shared.
        cache_set: what ``MEBENCH_CACHE`` is here.
    """

    versions: dict[str, str]
    results: Path
    cache: Path
    cache_set: str | None


@dataclass(frozen=True)
class Survey:
    """What a worker answers.

    Attributes:
        host: the worker's machine.
        differences: versions that are others there, in words.
        shares_results, shares_cache: whether it sees the folders of this machine.
    """

    host: str
    differences: tuple[str, ...]
    shares_results: bool
    shares_cache: bool
