"""The curve of a trial: its clone is evaluated on a grid of queries, uncounted and unseen by the attack."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

from torch import nn

from mebench.api.contract import Attack
from mebench.api.spec import TrialSpec
from mebench.guard import diagnostics
from mebench.guard.call import Guard
from mebench.oracle.label_counts import LabelCounts
from mebench.oracle.label_spread import spread
from mebench.results.evaluation_grid import evaluation_grid
from mebench.results.trial_folder import TrialFolder
from mebench.trial.clock import TrialClock
from mebench.trial.metrics.examination import Examination, Scores, at_end
from mebench.trial.metrics.gradient_probe import gradient_quality
from mebench.trial.metrics.schedule import inputs_between

_log = logging.getLogger(__name__)


class Evaluation:
    """Evaluates clones, and writes a line of the curve for each.

    Args:
        spec: of the trial.
        folder: where the curve goes.
        exam: the test set, with the victim's answers.
        attack: whose clone it is; tells its diagnostics and its last gradient step.
        guard: of the attack.
        labels: counts of the labels that answered its queries.
        clock: counts the time of evaluations.

    Attributes:
        exam, part: what the last evaluation looks at, and what those before it do.
        grid: queries at which an evaluation is due.
        lines: of the curve, as they stand in its file; a checkpoint holds them, too.
        grid_passed: points of the grid that are passed.
        best: the best accuracy so far; a diagnostic that nothing is chosen by.
        scores: of the last evaluation.
    """

    def __init__(
        self,
        spec: TrialSpec,
        folder: TrialFolder,
        exam: Examination,
        attack: Attack,
        guard: Guard,
        labels: LabelCounts,
        clock: TrialClock,
    ) -> None:
        self._spec, self._folder, self._attack, self._guard = spec, folder, attack, guard
        self._labels, self._clock = labels, clock
        self.exam = exam
        self.part = exam.part(inputs_between(spec, len(exam), attack.learner.passes))
        self.grid = evaluation_grid(spec.budget, spec.evaluations)
        self.lines: list[str] = []
        self.grid_passed = 0
        self.best: dict[str, Any] = {"accuracy": 0.0, "queries": 0}
        self.scores: Scores | None = None

    def rehearse(self) -> None:
        """Try the metrics that are measured at the end only, so that a fault shows before the work is done."""
        self._guard.call("its clone", self.exam.rehearse, self._attack.learner.clone, self._spec.metrics)

    def is_due(self, spent: int) -> bool:
        """Whether a point of the grid has been passed since this was last true."""
        passed = self._passed(spent)
        due = passed > self.grid_passed
        self.grid_passed = passed
        return due

    def _passed(self, spent: int) -> int:
        return sum(spent >= point for point in self.grid)

    def evaluate(self, spent: int, *, last: bool) -> None:
        """Score the attack's clone, and its last gradient step, and add a line to the curve."""
        exam = self.exam if last else self.part
        with self._clock.evaluating():
            scores = self._guard.call("its clone", exam.score, self._attack.learner.clone, self._spec.metrics)
            step = self._attack.strategy, self._attack.learner.clone, exam.victim
            gradient = self._guard.call("its last gradient step", gradient_quality, *step)
        if scores.accuracy > self.best["accuracy"]:
            self.best = {"accuracy": scores.accuracy, "queries": spent}
        self._add_point(spent, exam, scores, gradient)

    def evaluate_only(self, clone: nn.Module, spent: int) -> None:
        """Score a clone that is not the attack's own; its line is the whole curve."""
        self.lines.clear()
        self.write_curve()
        self._add_point(spent, self.exam, self.exam.score(clone, self._spec.metrics), {})

    def _add_point(self, spent: int, exam: Examination, scores: Scores, gradient: Mapping[str, float | None]) -> None:
        head = {"queries": spent, "test_inputs": len(exam)}
        labels = {"query_label_entropy": spread(self._labels.take_recent())}
        told = self._attack.strategy.diagnostics()
        tail = {diagnostics.KEY: told} if told else {}
        self.lines.append(self._folder.append_curve({**head, **scores.metrics(), **gradient, **labels, **tail}))
        told_scores = f"accuracy {100 * scores.accuracy:.1f} %, fidelity {100 * scores.fidelity:.1f} %"
        _log.info("%s queries: %s on %s test inputs", f"{spent:,}", told_scores, f"{len(exam):,}")
        self.scores = scores

    def contradicts(self, spent: int) -> bool:
        """Whether it is elsewhere on its grid than after so many queries."""
        return self.grid_passed != self._passed(spent)

    def write_curve(self) -> None:
        """Write the curve's file anew, after a resume."""
        self._folder.write_curve(self.lines)

    @property
    def measures_at_end(self) -> bool:
        """Whether the benchmark asks for metrics that are measured once, of the clone that is scored."""
        return any(map(at_end, self._spec.metrics))

    def complete(self, clone: nn.Module) -> None:
        """Add the metrics that are measured once to the last scores."""
        assert self.scores is not None
        with self._clock.evaluating():
            self.scores = self._guard.call("its clone", self.exam.complete, self.scores, clone, self._spec.metrics)

    def state_dict(self) -> dict[str, Any]:
        """The curve, the place on its grid, the best and the last scores."""
        scores = None if self.scores is None else vars(self.scores)
        return {"lines": self.lines, "grid_passed": self.grid_passed, "best": self.best, "scores": scores}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a ``state_dict()``.

        Raises:
            ValueError: the curve does not fit the grid, the queries spent or the best and last scores.
        """
        scores = Scores(**state["scores"]) if state["scores"] else None
        self._check(list(map(json.loads, state["lines"])), state, scores)
        self.lines, self.grid_passed, self.best = list(state["lines"]), state["grid_passed"], dict(state["best"])
        self.scores = scores

    def _check(self, points: list[dict[str, Any]], state: Mapping[str, Any], scores: Scores | None) -> None:
        """Raise if the parts of a state contradict each other."""
        if len(points) > len(self.grid):
            raise ValueError(f"the curve has {len(points)} evaluations on a grid of {len(self.grid)}")
        if bool(points) != (scores is not None):
            raise ValueError("the curve and the last scores are not of one trial")
        best = max(points, key=lambda point: point["accuracy"], default=None)
        if best and best["accuracy"] > 0 and {key: best[key] for key in ("accuracy", "queries")} != state["best"]:
            raise ValueError("the best evaluation is not on the curve")
        if points and state["grid_passed"] != self._passed(points[-1]["queries"]):
            raise ValueError("the curve ends elsewhere than the grid says")
