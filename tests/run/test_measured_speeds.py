"""Measuring how fast trials and trainings are."""

from __future__ import annotations

import json
import time

import pytest
from trials import VICTIM, tiny_trial

from mebench.api.spec import TrainingRecipe
from mebench.cli import main
from mebench.run.engine import InlineEngine, Job, ProcessEngine
from mebench.run.speeds import Measurement, measured
from mebench.trial import speed as speed_module
from mebench.trial.metrics.schedule import evaluation_grid
from mebench.trial.speed import supervised_speed, training_speed, trial_speed

FILE = """\
name: example
victims:
  small: {data: {name: fashion-mnist-10k, rows: [0, 200]}, image_size: [8, 8], network: mlp, training: {epochs: 1}}
profiles:
  quick:
    scale: reduced
    note: One attack, and one that cannot be.
    seeds: 2
    evaluations: 2
    runs:
      - victims: [small]
        clone: mlp
        budgets: [64]
        attacks:
          - {attack: noise, channel: probability}
"""


class Clock:
    """Goes on by a tick at every look."""

    def __init__(self, tick):
        self.now, self.tick = 0.0, tick

    def monotonic(self):
        self.now += self.tick
        return self.now


def test_the_speed_of_a_trial_is_that_of_its_turns_and_its_evaluations(monkeypatch):
    trial = tiny_trial("noise", budget=160, parameters={"batch_size": 16}, evaluations=4)
    times = iter([10.0, 0.5, 2.0])
    clock = speed_module._seconds_of

    def timed(work):
        clock(work)
        return next(times)

    monkeypatch.setattr(speed_module, "_seconds_of", timed)

    def one_turn(trial, seconds):
        trial.take_turn()
        trial.clock.evaluation_seconds = 4.0

    monkeypatch.setattr(speed_module, "_take_turns", one_turn)
    between = len(evaluation_grid(160, 4)) - 1
    turns = (10.0 - 4.0) * 160 / 16  # one turn of 16 queries
    assert trial_speed(trial, seconds=1) == pytest.approx(160 / (turns + between * 0.5 + 2.0))


def test_a_trial_is_measured_no_longer_than_asked_and_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    trial = tiny_trial("noise", budget=10**9, parameters={"batch_size": 16})
    start = time.monotonic()
    assert trial_speed(trial, seconds=0.05) > 0
    assert time.monotonic() - start < 250  # and not years
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("attack", "channel"), [("dfme", "probability"), ("megex", "vg")])
def test_an_attack_that_estimates_or_is_told_gradients_is_measured_in_a_process_of_its_own(attack, channel):
    job = Job("speed", "its speed", "mebench.run.speeds:measure", Measurement(tiny_trial(attack, channel), 0.01))
    speeds, failed = measured(ProcessEngine(["cpu"]), [job])
    assert not failed
    assert speeds["speed"] > 0


def test_the_time_of_a_training_is_that_of_a_step_times_all_steps(monkeypatch):
    monkeypatch.setattr(speed_module, "time", Clock(2.0))
    recipe = TrainingRecipe(epochs=10, batch_size=100)
    victim = VICTIM.__class__(**{**vars(VICTIM), "training": recipe})
    assert 1 / training_speed(victim, seconds=7) == pytest.approx(2.0 * 10 * 6)  # 600 images in 6 batches
    trial = tiny_trial("noise", parameters={}, kind="supervised", victim=victim)
    assert 1 / supervised_speed(trial, seconds=7) == pytest.approx(2.0 * 10 * 6)


def test_a_training_of_a_single_step_is_measured_too():
    victim = VICTIM.__class__(**{**vars(VICTIM), "training": TrainingRecipe(epochs=1, batch_size=1000)})
    assert training_speed(victim, seconds=7) > 0


def test_what_cannot_be_measured_is_told_and_the_rest_is_measured():
    good, bad = tiny_trial("noise", budget=32, parameters={}), tiny_trial("noise", channel="label", parameters={})
    jobs = [
        Job(title, title, "mebench.run.speeds:measure", Measurement(what, 0.01))
        for title, what in (("good", good), ("bad", bad))
    ]
    speeds, failed = measured(InlineEngine(), jobs)
    assert list(speeds) == ["good"]
    (line,) = failed
    assert line.startswith("bad: ")


@pytest.mark.slow
def test_the_plan_measures_each_row_and_the_training_and_remembers(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MEBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("mebench.run.speeds.SECONDS", 0.05)
    (tmp_path / "b.yaml").write_text(FILE)
    assert main(["plan", "b.yaml", "--measure", "--json"]) == 0
    first = json.loads(capsys.readouterr().out)
    assert {row["attack"]: row["measured"] for row in first["rows"]} == {"supervised": "machine", "noise": "machine"}
    assert first["seconds_left"] > 0
    assert first["training_seconds"]["small"] > 0
    assert not (tmp_path / "runs").exists()
    assert main(["plan", "b.yaml", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == first
