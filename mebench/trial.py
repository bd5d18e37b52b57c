"""Runs one trial; the only place with the loop. A trial is a pure function of its spec, and resumes bit for bit."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from mebench.api import Attack, AttackContext, ResponseChannel
from mebench.data.pools import Pool
from mebench.errors import OracleError
from mebench.metrics import Examination, Scores
from mebench.oracle import Oracle, QueryLedger
from mebench.plugins import registry
from mebench.progress import Progress, Report, ShouldStop, ignore, never
from mebench.provenance import environment, provenance
from mebench.randomness import RandomStreams, derive_seed
from mebench.registry import AttackEntry
from mebench.serial import load_state, save_state, weights_hash
from mebench.spec import TrialSpec
from mebench.store import TrialFolder
from mebench.trial_clock import TrialClock
from mebench.victims.loading import PreparedVictim, prepare_victim

CHECKPOINT_SECONDS = 20.0
EARLY_POINTS = (0.01, 0.02)
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
    with folder.locked():
        folder.begin(spec)
        torch.backends.cuda.matmul.allow_tf32 = spec.tf32
        torch.backends.cudnn.allow_tf32 = spec.tf32
        victim = prepare_victim(spec.victim, device=device, report=report, should_stop=should_stop)
        if spec.kind == "supervised":
            from mebench.references import run_supervised

            return run_supervised(spec, folder, victim, device=device, report=report, should_stop=should_stop)
        trial = Trial(spec, folder, victim, torch.device(device))
        return trial.run(report, should_stop, checkpoint_seconds)


@dataclass
class _Turns:
    """Where the loop is: turns taken, evaluations done, the best test score (a diagnostic, never used)."""

    turns: int = 0
    evaluations: int = 0
    best: dict[str, Any] = field(default_factory=lambda: {"accuracy": 0.0, "queries": 0})
    exhausted: bool = False


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
        channel: ResponseChannel = registry().channel(spec.channel.name).load()(**spec.channel.parameters)
        self.ledger = QueryLedger(spec.budget)
        self.oracle = Oracle(victim.victim, channel, self.ledger, spec.attack.name)
        self.attack = self._build_attack(channel, device)
        self.exam = Examination.of(victim.victim, victim.test_inputs.to(device), victim.test_labels.to(device))
        self.grid = evaluation_grid(spec.budget, spec.evaluations)
        self.place = _Turns()
        self.samples = torch.empty(0)
        self.scores: Scores | None = None
        self.clock = TrialClock(folder.path / "timing.json")

    def _build_attack(self, channel: ResponseChannel, device: torch.device) -> Attack:
        spec = self.spec
        context = AttackContext(
            spec=self.prepared.spec,
            channel=channel,
            budget=spec.budget,
            clone=initial_clone(spec, self.prepared).to(device),
            device=device,
            random=self.random,
            pool=load_pool(spec),
        )
        attack: Attack = self.entry.load()(context, **spec.attack.parameters)
        return attack

    def run(self, report: Report, should_stop: ShouldStop, checkpoint_seconds: float) -> Outcome:
        """Run the loop from where the checkpoint left it; see `run_trial`."""
        self._resume()
        self.folder.truncate_curve(self.place.evaluations)
        with self.clock:
            saved = time.monotonic()
            while self.oracle.remaining and not self.place.exhausted:
                if should_stop():
                    self.save()
                    return "stopped"
                self._turn()
                self._evaluate_if_due()
                report(self._progress())
                if time.monotonic() - saved > checkpoint_seconds:
                    self.save()
                    saved = time.monotonic()
            self._finish()
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

    def _evaluate_if_due(self) -> None:
        due = sum(self.ledger.spent >= point for point in self.grid)
        last_point = not self.oracle.remaining or self.place.exhausted
        if due <= self._grid_points_passed and not last_point:
            return
        self._grid_points_passed = due
        self.oracle.raise_pending()
        with self.clock.evaluating():
            self.scores = self.exam.score(self.attack.learner.clone)
        self.place.evaluations += 1
        if self.scores.accuracy > self.place.best["accuracy"]:
            self.place.best = {"accuracy": self.scores.accuracy, "queries": self.ledger.spent}
        self.folder.append_curve(
            {"queries": self.ledger.spent, "accuracy": self.scores.accuracy, "fidelity": self.scores.fidelity}
        )

    _grid_points_passed: int = 0

    def _progress(self) -> Progress:
        accuracy = self.scores.accuracy if self.scores else None
        return Progress(self.ledger.spent, self.spec.budget, accuracy=accuracy)

    def save(self) -> None:
        """Write a checkpoint of everything that changes."""
        save_state(
            self.folder.checkpoint,
            {
                "strategy": self.attack.strategy.state_dict(),
                "learner": self.attack.learner.state_dict(),
                "ledger": self.ledger.state_dict(),
                "random": self.random.state_dict(),
                "place": vars(self.place),
                "grid_points_passed": self._grid_points_passed,
                "samples": self.samples,
                "scores": None if self.scores is None else vars(self.scores),
            },
        )

    def _resume(self) -> None:
        if not self.folder.checkpoint.exists():
            return
        state = load_state(self.folder.checkpoint)
        self.attack.strategy.load_state_dict(state["strategy"])
        self.attack.learner.load_state_dict(state["learner"])
        self.ledger.load_state_dict(state["ledger"])
        self.random.load_state_dict(state["random"])
        self.place = _Turns(**state["place"])
        self._grid_points_passed = state["grid_points_passed"]
        self.samples = state["samples"]
        self.scores = Scores(**state["scores"]) if state["scores"] else None

    def _finish(self) -> None:
        from mebench.samples import save_grid

        if self.scores is None:
            raise OracleError(f"{self.spec.attack.name}: proposed no query at all")
        self.oracle.raise_pending()
        clone = self.attack.learner.clone
        save_clone(self.folder.path / "clone.safetensors", clone)
        save_grid(self.folder.path / "samples.png", self.samples, self.prepared.spec)
        self.clock.queries = self.ledger.spent
        write_result(
            self.spec,
            self.folder,
            self.prepared,
            clone,
            self.scores,
            ledger=self.ledger.state_dict() | {"spent": self.ledger.spent},
            best=self.place.best,
            origin=registry().origin("attack", self.entry.name),
        )


def evaluation_grid(budget: int, points: int) -> list[int]:
    """Queries at which a clone is evaluated: evenly spaced, and 1 % and 2 % of the budget."""
    fractions: Sequence[float] = (*EARLY_POINTS, *(k / points for k in range(1, points + 1)))
    return sorted({max(1, round(fraction * budget)) for fraction in fractions})


def initial_clone(spec: TrialSpec, victim: PreparedVictim) -> nn.Module:
    """The freshly initialised clone: the same for every attack with this seed and clone network."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive_seed(spec.seed, "clone"))
        network: nn.Module = registry().get("network", spec.clone.name).load()(victim.spec, **spec.clone.parameters)
    return network


def load_pool(spec: TrialSpec) -> Pool | None:
    """The unlabelled inputs of the spec, if it names any."""
    if spec.pool is None:
        return None
    dataset = registry().dataset(spec.pool.name).load()("train", **spec.pool.parameters)
    return Pool(dataset, spec.victim.image_size)


def save_clone(path: Path, clone: nn.Module) -> None:
    """Write the clone's weights as safetensors."""
    from safetensors.torch import save

    from mebench.store import write_atomically

    tensors: dict[str, Tensor] = {
        name: value.detach().cpu().contiguous().clone() for name, value in clone.state_dict().items()
    }
    write_atomically(path, save(tensors))


def write_result(
    spec: TrialSpec,
    folder: TrialFolder,
    victim: PreparedVictim,
    clone: nn.Module,
    scores: Scores,
    *,
    ledger: dict[str, Any],
    best: dict[str, Any] | None,
    origin: str,
) -> None:
    """Write ``env.json`` and then ``result.json``, which marks the trial as finished."""
    device = next(clone.parameters()).device
    folder.write_environment(environment(device))
    folder.finish(
        {
            "format": 1,
            "id": spec.id,
            "spec": spec.to_json(),
            "status": "finished",
            "metrics": {"accuracy": scores.accuracy, "fidelity": scores.fidelity},
            "best_on_test": best,
            "ledger": ledger,
            "victim": {
                "name": spec.victim.name,
                "weights_hash": victim.weights_hash,
                "accuracy": victim.accuracy,
                "data_hash": victim.data_hash,
            },
            "clone": {
                "weights_hash": weights_hash(clone.state_dict()),
                "parameters": sum(parameter.numel() for parameter in clone.parameters()),
            },
            "flags": trial_flags(scores, victim.spec.num_classes),
            "provenance": provenance(device, spec.tf32, origin),
        }
    )


def trial_flags(scores: Scores, num_classes: int) -> list[str]:
    """``diverged`` if logits are not finite; ``collapsed`` if the clone is no better than 1.5 times chance."""
    flags = []
    if not scores.finite:
        flags.append("diverged")
    if scores.accuracy <= 1.5 / num_classes:
        flags.append("collapsed")
    return flags
