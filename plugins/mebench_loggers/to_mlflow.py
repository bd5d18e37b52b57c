"""Runs of an MLflow experiment: one for each trial, with queries as steps."""

from __future__ import annotations

import os
import time

from mlflow import MlflowClient
from mlflow.entities import Metric, Param

from mebench import EvaluationPoint, LoggedRun, LoggedTrial, RunLogger, TrialEnd
from mebench_loggers import MlflowParameters
from mebench_loggers.facts import described

LONGEST = 500
"""Characters of a value that every version of MLflow takes."""


class ToMlflow(RunLogger):
    """Makes an MLflow run of each trial; the scores of its result are metrics ``final.NAME``.

    Args:
        run: the run.
        parameters: the store and the experiment.
    """

    def __init__(self, run: LoggedRun, parameters: MlflowParameters) -> None:
        kept = f"sqlite:///{run.folder / 'mlflow.db'}"
        self._client = MlflowClient(parameters.tracking_uri or os.environ.get("MLFLOW_TRACKING_URI") or kept)
        self._experiment = self._found(parameters.experiment or f"{run.benchmark}/{run.profile}")
        self._runs: dict[str, str] = {}

    def _found(self, name: str) -> str:
        """The id of the experiment, which is made if there is none of the name."""
        found = self._client.get_experiment_by_name(name)
        return str(found.experiment_id if found else self._client.create_experiment(name))

    def trial_started(self, trial: LoggedTrial) -> None:
        """Begin its run, with its parameters."""
        tags = {"mebench.trial": trial.id, "mebench.folder": str(trial.folder)}
        begun = self._client.create_run(self._experiment, run_name=trial.title, tags=tags)
        self._runs[trial.id] = begun.info.run_id
        parameters = [Param(name, str(value)[:LONGEST]) for name, value in described(trial).items()]
        self._client.log_batch(begun.info.run_id, params=parameters)

    def evaluated(self, trial: LoggedTrial, point: EvaluationPoint) -> None:
        """Add a point to each curve."""
        self._log(trial, dict(point.metrics), point.queries)

    def trial_finished(self, trial: LoggedTrial, end: TrialEnd) -> None:
        """Add the scores, and end its run."""
        self._log(trial, {f"final.{name}": value for name, value in end.metrics.items()}, 0)
        self._end(trial, "FINISHED", "mebench.flags", ";".join(end.flags))

    def trial_failed(self, trial: LoggedTrial, end: TrialEnd) -> None:
        """End its run, with the reason as a tag."""
        self._end(trial, "FAILED", "mebench.reason", end.reason)

    def trial_stopped(self, trial: LoggedTrial, end: TrialEnd) -> None:
        """End its run."""
        self._end(trial, "KILLED", "mebench.reason", end.reason)

    def _log(self, trial: LoggedTrial, numbers: dict[str, float], step: int) -> None:
        now = int(1000 * time.time())
        self._client.log_batch(
            self._runs[trial.id], [Metric(name, value, now, step) for name, value in numbers.items()]
        )

    def _end(self, trial: LoggedTrial, status: str, tag: str, text: str) -> None:
        identity = self._runs.pop(trial.id)
        if text:
            self._client.set_tag(identity, tag, text[:LONGEST])
        self._client.set_terminated(identity, status)
