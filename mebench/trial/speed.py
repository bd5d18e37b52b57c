"""How fast a trial or a training would be on this machine, from its first seconds."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from mebench.api.progress import Stopped
from mebench.api.spec import TrainingRecipe, TrialSpec, VictimSpec
from mebench.data.datasets import load_dataset
from mebench.data.pools import DatasetPool
from mebench.guard.process_state import watched
from mebench.models.clones import initial_clone
from mebench.models.victims.loading import untrained_victim
from mebench.models.victims.training import steps_of, train_classifier
from mebench.results.trial_folder import TrialFolder
from mebench.trial.trial import Trial, set_process_up


def trial_speed(spec: TrialSpec, *, seconds: float, device: str = "cpu") -> float:
    """Queries per second of a trial with all its evaluations, before a victim that has not been trained.

    Args:
        spec: of the trial.
        seconds: to take turns for; the turn in which they end is finished.
        device: where it runs.

    Raises:
        MebenchError: the trial cannot be run as described, or the attack broke a rule.
    """
    victim = untrained_victim(spec.victim, device=device)
    with tempfile.TemporaryDirectory() as parent:
        folder = TrialFolder(Path(parent) / spec.id)
        with folder.locked(), watched():
            set_process_up(spec)
            trial = Trial(spec, folder, victim, torch.device(device))
            trial.prepare()
            turns = _seconds_of(lambda: _take_turns(trial, seconds)) - trial.clock.evaluation_seconds
            spent = trial.chain.ledger.spent
            between = _seconds_of(lambda: trial.evaluation.evaluate(spent, last=False))
            last = _seconds_of(lambda: trial.evaluation.evaluate(spent, last=True))
    whole = turns * spec.budget / spent + (len(trial.evaluation.grid) - 1) * between + last
    return spec.budget / whole


def supervised_speed(spec: TrialSpec, *, seconds: float, device: str = "cpu") -> float:
    """Supervised references per second: the training of the clone's network by the victim's recipe."""
    victim = untrained_victim(spec.victim, device=device)
    recipe = spec.victim.training or TrainingRecipe()
    return _trainings_per_second(initial_clone(spec, victim), spec.victim, recipe, seconds, device)


def training_speed(spec: VictimSpec, *, seconds: float, device: str = "cpu") -> float:
    """Trainings of a victim per second."""
    assert spec.training is not None
    network = untrained_victim(spec, device=device).victim.network
    return _trainings_per_second(network.requires_grad_(), spec, spec.training, seconds, device)


def _take_turns(trial: Trial, seconds: float) -> None:
    end = time.monotonic() + seconds
    while trial.more_to_come and time.monotonic() < end:
        trial.take_turn()


def _seconds_of(work: Callable[[], None]) -> float:
    start = time.monotonic()
    work()
    return time.monotonic() - start


class _Steps:
    """Counts the steps of a training, and ends it after some seconds; the first step is not timed."""

    def __init__(self, seconds: float) -> None:
        self._seconds, self._times = seconds, list[float]()

    def __call__(self) -> bool:
        self._times.append(time.monotonic())
        return len(self._times) > 2 and self._times[-1] - self._times[1] > self._seconds

    @property
    def each(self) -> float:
        """Seconds of a step."""
        return (self._times[-1] - self._times[1]) / (len(self._times) - 2)


def _trainings_per_second(
    network: nn.Module, victim: VictimSpec, recipe: TrainingRecipe, seconds: float, device: str
) -> float:
    data = load_dataset(victim.data, "train", victim.image_size)
    steps = _Steps(seconds)
    with contextlib.suppress(Stopped):
        train_classifier(
            network,
            DatasetPool(data, victim.image_size),
            data.labels,
            replace(recipe, epochs=max(recipe.epochs, 3)),
            generator=torch.Generator().manual_seed(0),
            device=device,
            should_stop=steps,
        )
    return 1 / (steps.each * steps_of(recipe, len(data.labels)))
