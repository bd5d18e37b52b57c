"""Runs one trial; the only place with the loop. A trial is a pure function of its spec, and resumes bit for bit."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import nn

from mebench.api.contract import Attack, AttackContext, ResponseChannel
from mebench.api.errors import NotFiniteQueryError, OracleError, ResultsError
from mebench.api.progress import Progress, Report, ShouldStop, Stopped, ignore, never
from mebench.api.random_streams import RandomStreams
from mebench.api.spec import TrialSpec
from mebench.data.datasets import load_pool
from mebench.guard import diagnostics
from mebench.guard.account import Account
from mebench.guard.call import Guard, guarded_attack
from mebench.guard.guarded_channel import guarded_channel
from mebench.guard.process_state import begin_as_fresh, watched
from mebench.models.clones import initial_clone, save_clone
from mebench.models.networks.precision import trained_in_bf16
from mebench.models.victims.loading import PreparedVictim, prepare_victim
from mebench.models.weights import weights_hash
from mebench.oracle.label_counts import LabelCounts
from mebench.oracle.ledger import QueryLedger
from mebench.oracle.oracle import BudgetedOracle
from mebench.oracle.recording import QueryRecorder, RecordedQueries
from mebench.registry.catalogue import registry
from mebench.registry.entries import AttackEntry
from mebench.results.label_spread import spread
from mebench.results.trial_folder import TrialFolder
from mebench.trial.clock import TrialClock
from mebench.trial.divergence import first_not_finite
from mebench.trial.metrics.examination import Examination, Scores, at_end
from mebench.trial.metrics.gradient_probe import gradient_quality
from mebench.trial.metrics.schedule import evaluation_grid, inputs_between
from mebench.trial.pictures import POINTS, save_grid
from mebench.trial.result import write_result
from mebench.trial.standard_track import fit_standard
from mebench.trial.state_file import load_state, save_state
from mebench.trial.supervised import run_supervised

_log = logging.getLogger(__name__)
CHECKPOINT_SECONDS = 20.0
SAMPLES = 25
Outcome = Literal["finished", "stopped"]


def run_trial(
    spec: TrialSpec,
    folder: TrialFolder,
    *,
    device: str = "cpu",
    report: Report = ignore,
    should_stop: ShouldStop = never,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
) -> Outcome:
    """Run a trial to its end, or until it is asked to stop; go on from the folder's checkpoint if there is one.

    Args:
        spec: the resolved trial.
        folder: where its files go; locked meanwhile.
        device: ``cpu`` or ``cuda``.
        report: told how far it is, at every turn of the loop.
        should_stop: asked at every turn; once true, a checkpoint is written and ``"stopped"`` returned.
        checkpoint_seconds: time between checkpoints.

    Raises:
        MebenchError: the trial cannot be run as described, or the attack broke a rule.
    """
    with folder.locked(), watched():
        folder.begin(spec)
        begin_as_fresh()
        torch.backends.cuda.matmul.allow_tf32 = spec.tf32
        torch.backends.cudnn.allow_tf32 = spec.tf32
        victim = prepare_victim(spec.victim, device=device, report=report, should_stop=should_stop)
        if spec.kind == "supervised":
            return run_supervised(spec, folder, victim, device=device, report=report, should_stop=should_stop)
        trial = Trial(spec, folder, victim, torch.device(device))
        return trial.run(report, should_stop, checkpoint_seconds)


@dataclass
class _Turns:
    """Where the loop is.

    Attributes:
        turns: turns taken.
        evaluations: lines of the curve.
        grid_points: points of the evaluation grid that are passed.
        best: the best test accuracy so far; a diagnostic that nothing is chosen by.
        exhausted: the strategy proposed nothing.
        diverged: its training gave a query that is not finite.
        pictures: points of `mebench.trial.pictures.POINTS` that are passed.
    """

    turns: int = 0
    evaluations: int = 0
    grid_points: int = 0
    best: dict[str, Any] = field(default_factory=lambda: {"accuracy": 0.0, "queries": 0})
    exhausted: bool = False
    diverged: bool = False
    pictures: int = 0

    @property
    def ended(self) -> bool:
        """Whether no further turn can be taken, whatever is left of the budget."""
        return self.exhausted or self.diverged


class Trial:
    """One attack before one oracle, with everything that a checkpoint must hold.

    Args:
        spec: the resolved trial.
        folder: where its files go.
        victim: with its test set.
        device: where tensors live.
    """

    def __init__(self, spec: TrialSpec, folder: TrialFolder, victim: PreparedVictim, device: torch.device) -> None:
        self.spec, self.folder, self.prepared = spec, folder, victim
        self.random = RandomStreams(spec.seed, device)
        self.random.seed_globals()
        self.entry: AttackEntry = registry().attack(spec.attack.name)
        self.guard = Guard.of("attack", spec.attack.name)
        channel = guarded_channel(spec.channel, self.random)
        self.ledger = QueryLedger(spec.budget)
        self.account = Account(channel, self.ledger, self.guard)
        self.record = QueryRecorder(folder.path / "queries.partial", victim.spec, "probability" in channel.gives)
        observe = self.record.add if spec.track == "standard" else None
        self.labels = LabelCounts(victim.spec.num_classes, device)
        self.oracle = BudgetedOracle(victim.victim, channel, self.ledger, self.guard.who, observe, self.labels)
        self.attack = self._build_attack(channel, device)
        tests = victim.test_inputs.to(device), victim.test_labels.to(device)
        self.exam = Examination.of(victim.victim, *tests, seed=spec.seed)
        self.part = self.exam.part(inputs_between(spec, len(tests[0]), self.attack.learner.passes))
        self.grid = evaluation_grid(spec.budget, spec.evaluations)
        self.place = _Turns()
        self.samples = torch.empty(0)
        self.scores: Scores | None = None
        self.clock = TrialClock(folder.path / "timing.json")

    def _build_attack(self, channel: ResponseChannel, device: torch.device) -> Attack:
        spec = self.spec
        pool = load_pool(spec, self.prepared.spec)
        clone = initial_clone(spec, self.prepared, pool)
        self.initial_hash = weights_hash(clone.state_dict())
        context = AttackContext(
            spec=self.prepared.spec,
            channel=channel,
            budget=spec.budget,
            clone=trained_in_bf16(clone.to(device)) if spec.bf16 else clone.to(device),
            device=device,
            random=self.random,
            pool=pool,
            compile=spec.compile,
            bf16=spec.bf16,
        )
        target = self.guard.call("loading", self.entry.load)
        attack = self.guard.call("its constructor", target, context, **self.entry.resolve(spec.attack.parameters))
        return guarded_attack(self.guard, attack, device)

    def run(self, report: Report, should_stop: ShouldStop, checkpoint_seconds: float) -> Outcome:
        """Run the loop from where the checkpoint left it; see `run_trial`."""
        self.guard.call("its clone", self.exam.rehearse, self.attack.learner.clone, self.spec.metrics)
        self._resume()
        self.folder.truncate_curve(self.place.evaluations)
        if self.spec.track == "standard":
            self.record.start(self.record.rows)
        with self.clock:
            saved = time.monotonic()
            while self.oracle.remaining and not self.place.ended:
                if should_stop():
                    self.save()
                    return "stopped"
                with self._divergence_ends():
                    self._turn()
                self._picture_if_due()
                self._evaluate_if_due()
                self.account.check()
                report(self._progress())
                if time.monotonic() - saved > checkpoint_seconds:
                    self.save()
                    saved = time.monotonic()
            try:
                self._finish(report, should_stop)
            except Stopped:
                return "stopped"
        return "finished"

    def _turn(self) -> None:
        strategy, learner, oracle = self.attack.strategy, self.attack.learner, self.oracle
        queries = strategy.propose(oracle, learner.clone)
        if not len(queries):
            self.place.exhausted = True
            return
        response = oracle.query(queries)
        learner.learn(queries, response)
        strategy.observe(queries, response, learner.clone)
        self.place.turns += 1
        self.samples = queries[:SAMPLES]

    @contextlib.contextmanager
    def _divergence_ends(self) -> Iterator[None]:
        """End the turns if a query is not finite because training diverged: the run stays in the table, flagged.

        Raises:
            NotFiniteQueryError: the attack has learnt nothing yet, or its state is finite: a programming error.
        """
        try:
            yield
        except NotFiniteQueryError as error:
            if self.place.diverged:  # known already
                return
            state = {"strategy": self.attack.strategy.state_dict(), "learner": self.attack.learner.state_dict()}
            place = first_not_finite(state) if self.ledger.spent else None
            if place is None:
                raise
            self.place.diverged = True
            _log.warning("%s; %s is not finite: diverged after %d queries", error, place, self.ledger.spent)

    def _picture_if_due(self) -> None:
        passed = sum(self.ledger.spent >= point * self.spec.budget for point in POINTS)
        after_seed = self.place.turns == 2 and self.place.pictures  # the first turn, if it passed a point, is a seed's
        if passed <= self.place.pictures and not after_seed:
            return
        self.place.pictures = passed
        if self.place.grid_points and self.oracle.remaining:  # else it is the first picture, or the last
            save_grid(self.folder.picture(self.ledger.spent), self.samples, self.prepared.spec)

    def _evaluate_if_due(self) -> None:
        due = sum(self.ledger.spent >= point for point in self.grid)
        last_point = not self.oracle.remaining or self.place.ended
        if due <= self.place.grid_points and not last_point:
            return
        if not self.place.grid_points:
            save_grid(self.folder.path / "samples-early.png", self.samples, self.prepared.spec)
        self.place.grid_points = due
        if self.spec.track == "standard":
            return  # the clone that is scored is trained at the end
        with self._divergence_ends():
            self.oracle.raise_pending()
        exam = self.exam if last_point or self.place.ended else self.part
        with self.clock.evaluating():
            self.scores = self.guard.call("its clone", exam.score, self.attack.learner.clone, self.spec.metrics)
            facts = self.attack.strategy, self.attack.learner.clone, self.prepared.victim
            quality = self.guard.call("its last gradient step", gradient_quality, *facts)
        self.place.evaluations += 1
        if self.scores.accuracy > self.place.best["accuracy"]:
            self.place.best = {"accuracy": self.scores.accuracy, "queries": self.ledger.spent}
        place = {"queries": self.ledger.spent, "test_inputs": len(exam)}
        self.folder.append_curve({**place, **self.scores.metrics(), **quality, **self._told()})

    def _told(self) -> dict[str, Any]:
        """What a point of the curve holds besides scores."""
        told = self.attack.strategy.diagnostics()
        labels = {"query_label_entropy": spread(self.labels.take_recent())}
        return labels | ({diagnostics.KEY: told} if told else {})

    def _progress(self) -> Progress:
        accuracy = self.scores.accuracy if self.scores else None
        return Progress(self.ledger.spent, self.spec.budget, accuracy=accuracy)

    def save(self) -> None:
        """Write a checkpoint of everything that changes."""
        if self.spec.track == "standard":
            self.record.flush()
        state = {
            "strategy": self.attack.strategy.state_dict(),
            "learner": self.attack.learner.state_dict(),
            "ledger": self.ledger.state_dict(),
            "labels": self.labels.state_dict(),
            "pending": self.oracle.pending,
            "random": self.random.state_dict(),
            "place": vars(self.place),
            "samples": self.samples,
            "scores": None if self.scores is None else vars(self.scores),
            "recorded": self.record.rows,
        }
        try:
            save_state(self.folder.checkpoint, state)
        except TypeError as error:
            self.guard.fail(str(error))

    def _resume(self) -> None:
        if not self.folder.checkpoint.exists():
            return
        try:
            state = load_state(self.folder.checkpoint)
        except ResultsError as error:
            _log.warning("%s; the trial starts anew", error)
            return
        if "labels" not in state:
            _log.warning("%s: written by another version of mebench; the trial starts anew", self.folder.checkpoint)
            return
        self.attack.strategy.load_state_dict(state["strategy"])
        self.attack.learner.load_state_dict(state["learner"])
        self.ledger.load_state_dict(state["ledger"])
        self.account.answered = self.ledger.spent
        self.labels.load_state_dict(state["labels"])
        if state.get("pending") is not None:  # checkpoints of older versions have none
            low, high = (extreme.to(self.exam.inputs.device) for extreme in state["pending"])
            self.oracle.pending = low, high
        self.random.load_state_dict(state["random"])
        self.place = _Turns(**state["place"])
        self.samples = state["samples"]
        self.scores = Scores(**state["scores"]) if state["scores"] else None
        self.record.rows = state["recorded"]

    def _fit_standard(self, report: Report, should_stop: ShouldStop) -> nn.Module:
        """Train the standard learner's clone on the recorded queries, and score it; starts anew after a stop."""
        self.save()
        path = self.folder.path / "queries.safetensors"
        self.record.compact(path)
        clone = initial_clone(self.spec, self.prepared).to(self.exam.inputs.device)
        fit_standard(clone, RecordedQueries(path), self.spec.seed, report=report, should_stop=should_stop)
        self.scores = self.exam.score(clone, self.spec.metrics)
        self.folder.truncate_curve(0)
        place = {"queries": self.ledger.spent, "test_inputs": len(self.exam)}
        self.folder.append_curve({**place, **self.scores.metrics(), **self._told()})
        return clone

    def _completed(self, clone: nn.Module, scores: Scores) -> Scores:
        """The scores with what is measured at the end only; what a stop costs then is that alone."""
        if not any(map(at_end, self.spec.metrics)):
            return scores
        if self.spec.track == "native":
            self.save()
        with self.clock.evaluating():
            return self.guard.call("its clone", self.exam.complete, scores, clone, self.spec.metrics)

    def _finish(self, report: Report, should_stop: ShouldStop) -> None:
        clone = self.attack.learner.clone
        standard = self.spec.track == "standard"
        if standard and self.record.rows:
            clone = self._fit_standard(report, should_stop)
        if self.scores is None:
            raise OracleError(f"{self.guard.who}: proposed no query at all")
        with self._divergence_ends():
            self.oracle.raise_pending()
        self.scores = self._completed(clone, self.scores)
        save_clone(self.folder.path / "clone.safetensors", clone)
        save_grid(self.folder.path / "samples.png", self.samples, self.prepared.spec)
        self.clock.queries = self.ledger.spent
        write_result(
            self.spec,
            self.folder,
            self.prepared,
            clone,
            self.scores,
            victim_accuracy=self.exam.victim_accuracy,
            initial_hash=self.initial_hash,
            ledger=self.ledger.state_dict() | {"spent": self.ledger.spent},
            best=None if standard else self.place.best,
            query_labels=self.labels.halves,
            diverged=self.place.diverged,
            origin=registry().origin("attack", self.entry.name),
        )
        self.record.remove()
