"""Runs one trial. A trial is a pure function of its spec, and resumes bit for bit."""

from __future__ import annotations

import json
import logging
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Literal

import torch
from torch import nn

from mebench.api.errors import MebenchError, OracleError, PluginFaultError, ResultsError
from mebench.api.progress import OnProgress, Progress, ShouldStop, Stopped, ignore, never
from mebench.api.random_streams import RandomStreams
from mebench.api.spec import TrialSpec
from mebench.data.datasets import load_pool
from mebench.guard.call import Guard
from mebench.guard.possession import Possession
from mebench.guard.process_state import begin_as_fresh, watched
from mebench.guard.surroundings import Surroundings
from mebench.guard.wrappers import guarded_channel, held_by
from mebench.models.clones import initial_clone
from mebench.models.networks.compiling import make_ready_to_compile
from mebench.models.victims.loading import PreparedVictim, prepare_victim
from mebench.models.weights import weights_hash
from mebench.plan.state import code_changes
from mebench.registry.catalogue import registry
from mebench.registry.entries import AttackEntry
from mebench.registry.parts import trial_code
from mebench.results.trial_folder import TrialFolder
from mebench.trial.chain import Chain
from mebench.trial.checkpoint import Checkpoint, Part
from mebench.trial.clock import TrialClock
from mebench.trial.early_end import EarlyEnd
from mebench.trial.evaluation import Evaluation
from mebench.trial.links.recovering import RecoveryStates, recovering
from mebench.trial.links.setup import Links
from mebench.trial.loop import turns
from mebench.trial.metrics.examination import Examination
from mebench.trial.pictures import Pictures
from mebench.trial.result import Ending, write_result
from mebench.trial.setup import build_attack, build_context, check_gradients
from mebench.trial.standard_track import StandardTrack
from mebench.trial.supervised import run_supervised

CHECKPOINT_SECONDS = 20.0
HowItEnded = Literal["finished", "stopped"]
_log = logging.getLogger(__name__)


def run_trial(
    spec: TrialSpec,
    folder: TrialFolder,
    *,
    device: str = "cpu",
    on_progress: OnProgress = ignore,
    should_stop: ShouldStop = never,
    checkpoint_seconds: float = CHECKPOINT_SECONDS,
    on_note: Callable[[str], None] = _log.warning,
) -> HowItEnded:
    """Run a trial to its end, or until it is asked to stop; go on from the folder's checkpoint if there is one.

    Args:
        spec: the resolved trial.
        folder: where its files go; locked meanwhile.
        device: ``cpu`` or ``cuda``.
        on_progress: told how far it is, at every turn of the loop.
        should_stop: asked at every turn; once true, a checkpoint is written and ``"stopped"`` returned.
        checkpoint_seconds: time between checkpoints.
        on_note: told in one line where a checkpoint is damaged and the trial starts anew.

    Raises:
        MebenchError: the trial cannot be run as described, or the attack broke a rule.
    """
    with folder.locked(), watched():
        _begin(spec, folder)
        set_process_up(spec)
        victim = prepare_victim(spec.victim, device=device, on_progress=on_progress, should_stop=should_stop)
        _log.info("victim %s: %s, accuracy %.1f %%", spec.victim.name, victim.source, 100 * victim.accuracy)
        if spec.kind == "supervised":
            return run_supervised(spec, folder, victim, device=device, on_progress=on_progress, should_stop=should_stop)
        check_gradients(spec, victim)
        trial = _prepared(lambda: Trial(spec, folder, victim, torch.device(device), should_stop), folder, on_note)
        return trial.run(on_progress, should_stop, checkpoint_seconds)


def set_process_up(spec: TrialSpec) -> None:
    """Set what holds for the whole process as a trial asks for it, whatever has run there before."""
    begin_as_fresh()
    if spec.compile:
        make_ready_to_compile()
    torch.backends.cuda.matmul.allow_tf32 = spec.tf32
    torch.backends.cudnn.allow_tf32 = spec.tf32


def _begin(spec: TrialSpec, folder: TrialFolder) -> None:
    """Make the folder ready; what other code has begun in it is not gone on with."""
    code = trial_code(spec, registry())
    if folder.status != "finished" and (changed := code_changes(folder, code)):
        _log.warning("%s: the trial starts anew", "; ".join(changed))
        folder.clear()
    folder.begin(spec, code)


def _prepared(make: Callable[[], Trial], folder: TrialFolder, on_note: Callable[[str], None]) -> Trial:
    """A trial that can run: it goes on from the folder's checkpoint, or starts anew where that is damaged."""
    if folder.checkpoint.exists():
        try:
            trial = make()
            trial.prepare()
            return trial
        except ResultsError as error:
            on_note(f"{error}: the trial starts anew")
            folder.checkpoint.unlink()
    trial = make()
    trial.prepare()
    return trial


class Trial:
    """One attack before one oracle, and what watches, evaluates and saves it.

    Args:
        spec: the resolved trial.
        folder: where its files go.
        victim: with its test set.
        device: where tensors live.
        should_stop: asked while defences and detectors learn.
    """

    def __init__(
        self,
        spec: TrialSpec,
        folder: TrialFolder,
        victim: PreparedVictim,
        device: torch.device,
        should_stop: ShouldStop = never,
    ) -> None:
        self.spec, self.folder, self.prepared, self.device = spec, folder, victim, device
        self.random = RandomStreams(spec.seed, device)
        self.random.seed_globals()
        self.surroundings = Surroundings()
        self.guard = Guard.of(AttackEntry, spec.attack.name)
        service = guarded_channel(spec.channel)
        self.links = links = Links(spec, victim, service, self.random, should_stop)
        self.standard = StandardTrack(spec, folder, victim, service) if spec.track == "standard" else None
        observers = [self.standard.recorder] if self.standard else []
        self.chain = Chain(spec.budget, victim, service, self.random, self.guard.who, observers, **links.owners)
        pool = load_pool(spec, victim.spec)
        clone = initial_clone(spec, victim, pool)
        self.initial_hash = weights_hash(clone.state_dict())
        self.possession = Possession(victim.victim, clone)
        self.recoveries = links.recoveries(self.chain.description, self.chain.defended, pool)
        context = build_context(spec, victim.spec, self.chain.description, self.random, pool=pool, clone=clone)
        context = replace(context, budget=int(spec.budget // math.prod(one.queries_per_row for one in self.recoveries)))
        self.attack = build_attack(spec, context, self.guard)
        self.clock = TrialClock(folder.path / "timing.json")
        self.clock.more = lambda: self.chain.seconds
        self.exam = Examination.of(
            victim.victim, victim.test_inputs.to(device), victim.test_labels.to(device), seed=spec.seed
        )
        if spec.defences or spec.detectors:
            self.exam = replace(self.exam, service=links.service(lambda: self.chain.seen, self._fidelity_after))
        self.evaluation = Evaluation(spec, folder, self.exam, self.attack, self.guard, self.chain.labels, self.clock)
        self.pictures = Pictures(folder, victim.spec, spec.budget)
        self.early_end = EarlyEnd(self.attack, self.chain.ledger)
        self.oracle, learner = recovering(self.chain.oracle, self.attack.learner, self.recoveries)
        self.loop = turns(self.oracle, self.attack.strategy, learner)
        parts: dict[str, Part] = {
            "strategy": self.attack.strategy,
            "learner": self.attack.learner,
            "chain": self.chain,
            "random": self.random,
            "early_end": self.early_end,
            "pictures": self.pictures,
            "evaluation": self.evaluation,
        }
        if self.recoveries:
            parts["recoveries"] = RecoveryStates(self.recoveries)
        belongs_to = {"trial": spec.id, "victim": victim.weights_hash}
        self.checkpoint = Checkpoint(folder.checkpoint, parts, self.guard, belongs_to)

    def prepare(self) -> None:
        """Try what is measured at the end, and go on from the checkpoint, if there is one; `run` comes next.

        Raises:
            ResultsError: the checkpoint is damaged; this object is of no use any more.
        """
        self.evaluation.rehearse()
        self.checkpoint.resume()
        if self.evaluation.contradicts(self.chain.ledger.spent):
            raise ResultsError(f"{self.folder.checkpoint}: its ledger and its curve are not of one moment")
        if self.standard:
            self.standard.recorder.start()
        self.evaluation.write_curve()

    def run(self, on_progress: OnProgress, should_stop: ShouldStop, checkpoint_seconds: float) -> HowItEnded:
        """Take the turns that are left, then score the clone; see `run_trial`."""
        with self.clock, self._blaming():
            try:
                self._take_turns(on_progress, should_stop, checkpoint_seconds)
                self._finish(on_progress, should_stop)
            except Stopped:
                return "stopped"
        return "finished"

    @contextmanager
    def _blaming(self) -> Iterator[None]:
        """Blame the attack where mebench's own code fails with functions or settings that the attack has changed."""
        try:
            yield
        except (MebenchError, MemoryError, torch.OutOfMemoryError):
            raise
        except Exception as error:
            if problem := self.surroundings.problem():
                raise PluginFaultError(f"{self.guard.who}: {problem}") from error
            raise

    @property
    def more_to_come(self) -> bool:
        """Whether there is a turn left to take."""
        return self.oracle.remaining > 0 and not self.early_end

    def _take_turns(self, on_progress: OnProgress, should_stop: ShouldStop, checkpoint_seconds: float) -> None:
        saved = time.monotonic()
        on_progress(self.progress())  # what is done from here on tells the pace
        while self.more_to_come:
            if should_stop():
                self._save()
                raise Stopped
            self.take_turn()
            on_progress(self.progress())
            if time.monotonic() - saved > checkpoint_seconds:
                self._save()
                saved = time.monotonic()

    def _save(self) -> None:
        """Write the checkpoint, unless another process has gone on with the trial."""
        self.folder.check_held()
        self.checkpoint.save()

    def take_turn(self) -> None:
        """Take one turn of the loop, then look at what is due after it."""
        with self.early_end.noticed():
            self.pictures.note_turn(next(self.loop))
        spent, more = self.chain.ledger.spent, self.more_to_come
        first_is_kept = self.evaluation.grid_passed > 0
        last = not self.oracle.remaining
        self.pictures.keep_between_if_due(spent, first_is_kept=first_is_kept, last=last)
        if self.evaluation.is_due(spent) or not more:
            if not first_is_kept:
                self.pictures.keep_first()
            if not self.standard:  # its clone is trained at the end
                self._evaluate(last=not more)
        if problem := self.chain.problem():
            self.guard.fail(problem)

    def _evaluate(self, *, last: bool) -> None:
        with self.early_end.noticed():
            self.chain.raise_pending()
        self._check_attack()
        self.evaluation.evaluate(self.chain.ledger.spent, last=last or bool(self.early_end))

    def _check_attack(self) -> None:
        """Fail if the attack holds the victim, other than through its oracle, or has changed what all share."""
        for problem in (self.possession.problem(held_by(self.attack)), self.surroundings.problem()):
            if problem:
                self.guard.fail(problem)

    def _fidelity_after(self, queries: int) -> float | None:
        """The fidelity of the last evaluation within so many queries."""
        points = [json.loads(line) for line in self.evaluation.lines]
        within = [point["fidelity"] for point in points if point["queries"] <= queries]
        return within[-1] if within else None

    def progress(self) -> Progress:
        """How far the trial is."""
        scores = self.evaluation.scores
        return Progress(self.chain.ledger.spent, self.spec.budget, accuracy=scores.accuracy if scores else None)

    def _finish(self, on_progress: OnProgress, should_stop: ShouldStop) -> None:
        clone = self._scored_clone(on_progress, should_stop)
        if self.evaluation.scores is None:
            raise OracleError(f"{self.guard.who}: proposed no query at all")
        with self.early_end.noticed():
            self.chain.raise_pending()
        if self.evaluation.measures_at_end:
            if not self.standard:
                self._save()  # what a stop costs from here on is these metrics alone
            self.evaluation.complete(clone)
        self._check_attack()
        self.pictures.keep_last()
        self.clock.queries = self.chain.ledger.spent
        self.evaluation.write_curve()  # whatever has become of the file meanwhile: the result seals it
        write_result(self.spec, self.folder, self.prepared, self._ending(clone))
        if self.standard:
            self.standard.recorder.remove()

    def _scored_clone(self, on_progress: OnProgress, should_stop: ShouldStop) -> nn.Module:
        """The attack's own clone, or the standard learner's, which is trained now."""
        if self.standard is None or not self.standard.recorder.rows:
            return self.attack.learner.clone
        self._save()
        clone = self.standard.clone(self.device, on_progress=on_progress, should_stop=should_stop)
        self.evaluation.evaluate_only(clone, self.chain.ledger.spent)
        return clone

    def _ending(self, clone: nn.Module) -> Ending:
        assert self.evaluation.scores is not None
        return Ending(
            clone,
            self.evaluation.scores,
            victim_accuracy=self.exam.victim_accuracy,
            initial_hash=self.initial_hash,
            ledger=self.chain.ledger,
            origin=registry().origin(AttackEntry, self.spec.attack.name),
            best=None if self.standard else self.evaluation.best,
            query_labels=self.chain.labels.halves,
            diverged=self.early_end.diverged,
            unexplained_passes=self._passes_are_unexplained(),
            victims_weights=self.possession.same_weights(clone),
            links=self.links.record(self.chain.seen, self._fidelity_after),
        )

    def _passes_are_unexplained(self) -> bool:
        """Whether the victim has computed more than it was asked; the log says how much."""
        forward, backward = self.chain.unexplained
        if forward <= 0 and backward <= 0:
            return False
        ledger = self.chain.ledger
        _log.warning(
            "%s: the victim computed %d rows forward and %d back; %d queries and their explanations explain %d and %d",
            self.guard.who,
            ledger.victim_forward,
            ledger.victim_backward,
            ledger.spent,
            ledger.victim_forward - forward,
            ledger.victim_backward - backward,
        )
        return True
