"""The clusters that can be started for a run: a local one, and those of batch systems."""

from __future__ import annotations

import importlib
import inspect
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mebench.api.errors import ConfigurationError
from mebench.api.suggestions import did_you_mean
from mebench.plan.file.positions import Document, read_document
from mebench.run.engine.settings import EngineSettings
from mebench.run.engine.table import BATCH_SYSTEMS, require

Start = tuple[str, dict[str, Any], int | None]
"""The class of a cluster, its options, and how many jobs of a batch system."""
JOBS = "jobs"
"""The one option that is mebench's own: how many jobs of the batch system there are to be."""
MOST_JOBS = 10_000
SUBMIT = {"slurm": "sbatch", "pbs": "qsub", "sge": "qsub", "lsf": "bsub"}
"""The program by which each batch system takes jobs."""
SHOW = {"slurm": "squeue", "pbs": "qstat", "sge": "qstat", "lsf": "bjobs"}
"""The program by which each shows them."""
_OURS = {"self", "name", "loop", "security", "asynchronous", "dashboard_address", "config_name"}
"""What dask-jobqueue takes and a user cannot give: objects, what mebench decides, and other sources of options."""
_OLD = {"project", "extra", "job_extra", "env_extra", "header_skip"}
"""Names that dask-jobqueue has given up."""


def local_cluster(settings: EngineSettings) -> Start:
    """Two workers on this machine, or one where one trial runs at once; on loopback, without a dashboard."""
    slots = len(settings.slots(("cpu",)))
    workers = min(2, slots)
    options = {
        "n_workers": workers,
        "threads_per_worker": -(-slots // workers),
        "processes": True,
        "host": "127.0.0.1",
        "dashboard_address": None,
        "memory_limit": 0,
    }
    return "distributed:LocalCluster", options, None


def batch_cluster(system: str, file: Path | None, logs: Path) -> Start:
    """A cluster whose workers are jobs of a batch system.

    Args:
        system: its name.
        file: YAML with what dask-jobqueue is to be told, and `JOBS`.
        logs: where the jobs' output goes unless the file says otherwise.

    Raises:
        ConfigurationError: dask-jobqueue is not installed, or the file is wrong.
    """
    target = BATCH_SYSTEMS[system]
    module, _, name = target.partition(":")
    require(module, "cluster", f"--cluster {system}")
    document = _read(file) if file is not None else Document("")
    known = {JOBS, *_known(getattr(importlib.import_module(module), name))}
    problems = [*_problems(document, known)]
    if problems:
        raise ConfigurationError(*problems)
    options = dict(document.content)
    jobs = options.pop(JOBS, 1)
    missing = [key for key in ("cores", "memory") if key not in options]
    if missing:
        where = f"{file}: lacks {' and '.join(missing)}" if file else "--cluster needs --cluster-options"
        raise ConfigurationError(f"{where}: what each job is to have, such as `cores: 4` and `memory: 16GB`")
    return target, {"log_directory": str(logs), **options}, jobs


def check_submits(system: str) -> None:
    """Make sure that jobs can be submitted here.

    Raises:
        ConfigurationError: the batch system's program is not on this machine.
    """
    if not shutil.which(SUBMIT[system]):
        raise ConfigurationError(
            f"--cluster {system}: there is no {SUBMIT[system]} here: run it where jobs are submitted"
        )


def _read(file: Path) -> Document:
    return read_document(file, "a mapping with options of dask-jobqueue", "docs/many-machines.md")


def _known(cluster: Any) -> Iterator[str]:
    """The options of a cluster of dask-jobqueue, and of its jobs."""
    for kind in (inspect.getmro(cluster)[1], inspect.getmro(cluster.job_cls)[1], cluster.job_cls):
        for name, parameter in inspect.signature(kind).parameters.items():
            named = parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
            if named and name not in _OURS | _OLD | {"scheduler", "scheduler_cls", "job_cls", "n_workers"}:
                yield name


def _problems(document: Document, known: set[str]) -> Iterator[str]:
    for problem in document.problems:
        mark = problem.mark or document.mark(problem.location, problem.at_key)
        yield f"{document.file}:{mark.line}:{mark.column}: {problem.text}"
    for key in document.content:
        if key not in known:
            meant = did_you_mean(str(key), sorted(known))
            yield f"{document.place((key,), at_key=True)}: unknown option {key!r}{meant}"
    jobs = document.content.get(JOBS, 1)
    if isinstance(jobs, bool) or not isinstance(jobs, int) or not 1 <= jobs <= MOST_JOBS:
        yield f"{document.place((JOBS,))}: {JOBS}: a whole number from 1 to {MOST_JOBS:,}, not {jobs!r}"
