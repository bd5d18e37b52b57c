"""``mebench.run(FILE)``: the main job, from Python."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from mebench.api.notices import notices_to
from mebench.plan.plan import default_out
from mebench.report.notebook.options import check_options
from mebench.report.notebook.plan import make_planned
from mebench.report.notebook.progress import InNotebook, in_notebook
from mebench.report.notebook.results import ResultsView
from mebench.report.notebook.words import path_of, plain, truth, word
from mebench.results.leaderboard import write_leaderboard_files
from mebench.run.audience import Audience, OnScreen
from mebench.run.engine import engine_asked_for
from mebench.run.loggers.asked import loggers_asked_for
from mebench.run.session import STALL_SECONDS, RunOptions, Session


def run(
    file: str | os.PathLike[str] | Mapping[str, Any],
    profile: str | None = None,
    *,
    only: str | Sequence[str] = (),
    set: Sequence[str] | Mapping[str, Any] = (),
    seeds: int | Sequence[int] | None = None,
    shard: str | None = None,
    engine: str | None = None,
    scheduler: str | None = None,
    cluster: str | None = None,
    cluster_options: str | os.PathLike[str] | None = None,
    per_gpu: int | None = None,
    workers: int | None = None,
    threads: int = 1,
    device: str | None = None,
    out: str | os.PathLike[str] | None = None,
    timeout: float | None = None,
    stall_timeout: float = STALL_SECONDS,
    retries: int = 0,
    max_failures: int | None = None,
    fresh: bool = False,
    keep_other_code: bool = False,
    progress: bool = True,
    log: object = (),
) -> ResultsView:
    """Run what is missing of a benchmark, write its leaderboard, and return its results.

    What ``mebench run`` does with the options of the same names. Trials that fail do not raise: `ResultsView.failures`
    has them, and the same call tries them again.

    Args:
        file: a benchmark file, the name of a benchmark that comes with mebench, or what a file would hold.
        profile: of the file; its default without it.
        only: patterns of trials, as ``--only`` takes them.
        set: values of the file to change: ``["runs.*.budgets=[1000]"]`` or ``{"runs.*.budgets": [1000]}``.
        seeds: in place of the file's: a number n for 0 to n-1, or the seeds.
        shard: which part of the trials: ``"3/16"`` for the third of sixteen.
        engine: ``processes`` (the default): each trial in a process of its own; ``inline``: one after another in this
            one; ``dask``: on the workers of a dask cluster.
        scheduler: of dask: the address of one that is there.
        cluster: of dask: ``slurm``, ``pbs``, ``sge`` or ``lsf``, whose jobs are the workers.
        cluster_options: of dask: a YAML file with the options of these jobs.
        per_gpu: of dask: trials at once on each GPU; 1 without it.
        workers: trials at once; one per usable core, or per GPU, without it; 0 is ``inline``.
        threads: of each trial and each victim; results depend on it in their last bits.
        device: ``cpu``, ``cuda``, ``cuda:N`` or ``auto``; the profile's without it.
        out: the results folder; ``runs/NAME/PROFILE`` without it.
        timeout: seconds after which a trial is given up.
        stall_timeout: seconds after which is given up what has given no sign of life; 0 for never.
        retries: how often a trial is tried again where the cause of its failure passes.
        max_failures: save and stop once so many trials have failed for good.
        fresh: run finished trials again; their results are moved to ``OUT/.old-N``.
        keep_other_code: keep finished results that were made by other code than is here now.
        progress: show how far it is: below the cell of a notebook, else on stderr.
        log: who is told how the run goes on: names of loggers such as ``"tensorboard"``, mappings of names to
            parameters, objects with methods of a `mebench.RunLogger`, or a list of these.

    Raises:
        ConfigurationError: the file or an argument is wrong, or data, plugins or devices are missing.
        ResultsError: nothing can be written to the folder, or another process runs a trial of it.
        KeyboardInterrupt: it was interrupted; what runs has been saved, and the same call goes on from there.
    """
    audience, notes = _audience(truth("progress", progress)), list[str]()

    def noted(line: str) -> None:
        notes.append(line)
        audience.noted(line)

    with notices_to(noted):
        planned = make_planned(file, profile, only, set, seeds, shard)
    workers, scheduler, cluster = plain(workers), word("scheduler", scheduler), word("cluster", cluster)
    asked = {"scheduler": scheduler, "cluster": cluster, "cluster_options": cluster_options, "per_gpu": per_gpu}
    options = RunOptions(
        path_of("out", out) if out is not None else default_out(planned.benchmark, planned.profile),
        workers,
        plain(threads),
        device,
        plain(timeout),
        plain(stall_timeout) or None,
        plain(retries),
        plain(max_failures),
        truth("fresh", fresh),
        truth("keep_other_code", keep_other_code),
        loggers_asked_for(log),
        engine_asked_for(word("engine", engine), workers, asked, str),
        scheduler,
        cluster,
        path_of("cluster_options", cluster_options) if cluster_options is not None else None,
        plain(per_gpu),
    )
    check_options(options)
    with notices_to(noted):
        session = Session(planned, options, audience)
        session.run()
    if session.interrupted:
        raise KeyboardInterrupt("stopped: the same call goes on from here")
    write_leaderboard_files(options.out)
    return ResultsView([options.out], notes)


def _audience(progress: bool) -> Audience:
    if not progress:
        return Audience()
    return InNotebook() if in_notebook() else OnScreen(quiet=False)
