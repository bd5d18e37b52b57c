"""Event files for TensorBoard: a folder for each trial, with queries as steps."""

from __future__ import annotations

from pathlib import Path

from torch.utils.tensorboard import SummaryWriter

from mebench import EvaluationPoint, LoggedRun, LoggedTrial, RunEnd, RunLogger, TrialEnd
from mebench_loggers import TensorBoardParameters
from mebench_loggers.facts import described


class ToTensorBoard(RunLogger):
    """Writes scalars at every evaluation, and hyperparameters beside the last scores.

    Args:
        run: the run.
        parameters: where it goes.
    """

    def __init__(self, run: LoggedRun, parameters: TensorBoardParameters) -> None:
        self._folder = Path(parameters.folder) if parameters.folder else run.folder / "tensorboard"
        self._writers: dict[str, SummaryWriter] = {}

    def trial_started(self, trial: LoggedTrial) -> None:
        """Open its event file."""
        self._writers[trial.id] = SummaryWriter(str(self._folder / trial.id))

    def evaluated(self, trial: LoggedTrial, point: EvaluationPoint) -> None:
        """Add a point to each curve."""
        for name, value in point.metrics.items():
            self._writers[trial.id].add_scalar(name, value, point.queries)
        self._writers[trial.id].flush()

    def trial_finished(self, trial: LoggedTrial, end: TrialEnd) -> None:
        """Add the parameters and the scores."""
        scores = {f"final/{name}": value for name, value in end.metrics.items()}
        self._writers[trial.id].add_hparams(described(trial), scores, run_name=".")
        self._close(trial)

    def trial_failed(self, trial: LoggedTrial, end: TrialEnd) -> None:
        """Add why it failed."""
        self._writers[trial.id].add_text("failed", end.reason)
        self._close(trial)

    def trial_stopped(self, trial: LoggedTrial, end: TrialEnd) -> None:
        """Close its event file."""
        self._close(trial)

    def run_ended(self, run: LoggedRun, end: RunEnd) -> None:
        """Close what is open."""
        for writer in self._writers.values():
            writer.close()

    def _close(self, trial: LoggedTrial) -> None:
        self._writers.pop(trial.id).close()
