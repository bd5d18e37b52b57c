"""Runs of a Weights & Biases project: one for each trial, with queries as the axis of its curves."""

from __future__ import annotations

from typing import Any

import wandb

from mebench import EvaluationPoint, LoggedRun, LoggedTrial, RunEnd, RunLogger, TrialEnd
from mebench_loggers import WandbParameters
from mebench_loggers.facts import described


class ToWandb(RunLogger):
    """Makes a run of each trial, in the group BENCHMARK/PROFILE; the scores of its result are its summary.

    Args:
        run: the run.
        parameters: project, mode and folder.
    """

    def __init__(self, run: LoggedRun, parameters: WandbParameters) -> None:
        self._group, self._parameters = f"{run.benchmark}/{run.profile}", parameters
        self._folder = parameters.folder or str(run.folder)
        self._runs: dict[str, Any] = {}

    def trial_started(self, trial: LoggedTrial) -> None:
        """Begin its run, with its parameters."""
        begun = wandb.init(
            project=self._parameters.project,
            mode=self._parameters.mode,
            dir=self._folder,
            group=self._group,
            job_type=trial.attack,
            name=trial.title,
            config={**described(trial), "trial": trial.id},
            reinit="create_new",  # trials run side by side
            settings=wandb.Settings(console="off", silent=True),
        )
        begun.define_metric("*", step_metric="queries")
        self._runs[trial.id] = begun

    def evaluated(self, trial: LoggedTrial, point: EvaluationPoint) -> None:
        """Add a point to each curve."""
        self._runs[trial.id].log({"queries": point.queries, **point.metrics})

    def trial_finished(self, trial: LoggedTrial, end: TrialEnd) -> None:
        """Add the scores, and end its run."""
        self._runs[trial.id].summary.update({**end.metrics, "flags": list(end.flags)})
        self._runs.pop(trial.id).finish()

    def trial_failed(self, trial: LoggedTrial, end: TrialEnd) -> None:
        """End its run as failed, with the reason."""
        self._runs[trial.id].summary["reason"] = end.reason
        self._runs.pop(trial.id).finish(exit_code=1)

    def trial_stopped(self, trial: LoggedTrial, end: TrialEnd) -> None:
        """End its run."""
        self._runs.pop(trial.id).finish(exit_code=1)

    def run_ended(self, run: LoggedRun, end: RunEnd) -> None:
        """End what is open, and wait until all of it is written."""
        for one in self._runs.values():
            one.finish(exit_code=1)
        wandb.teardown()
