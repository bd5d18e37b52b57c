"""What is left to run, and for how long."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from contextlib import contextmanager

import pytest
from benchmark_texts import GOOD, load, toy_registry

from mebench.api.errors import ResultsError
from mebench.api.files import write_json
from mebench.plan.forecast import forecast, measured_speeds
from mebench.plan.plan import make_plan
from mebench.results.trial_folder import TrialFolder


@pytest.fixture
def plan(tmp_path):
    return make_plan(load(tmp_path, GOOD), registry=toy_registry())


def finish(out, trial, speed=None, seconds=None):
    folder = TrialFolder.of(out, trial)
    folder.begin(trial)
    write_json(folder.path / "timing.json", {"queries_per_second": speed, "seconds": seconds})
    folder.finish({"id": trial.id, "status": "finished"})


def row_of(ahead, attack, budget):
    return next(row for row in ahead.rows if (row.attack, row.budget) == (attack, budget))


def trial_of(plan, attack, budget, seed=0):
    return next(t for t in plan.trials if (t.attack.name, t.budget, t.seed) == (attack, budget, seed))


def test_nothing_is_known_of_time_before_anything_has_run(plan, tmp_path):
    ahead = forecast(plan, tmp_path / "none")
    assert ahead.states() == {"new": 18}
    assert ahead.queries == 4 * 2 * 61_000
    assert ahead.unmeasured == 18
    assert all(row.seconds is None for row in ahead.rows)


def test_states_are_read_from_the_results_folder(plan, tmp_path):
    done, begun, failed = (
        trial_of(plan, "chooser", budget, seed) for budget, seed in ((1000, 0), (1000, 1), (60_000, 0))
    )
    finish(tmp_path, done)
    TrialFolder.of(tmp_path, begun).begin(begun)
    TrialFolder.of(tmp_path, failed).fail(failed, "out of memory")
    ahead = forecast(plan, tmp_path)
    assert row_of(ahead, "chooser", 1000).states == {"partial": 1, "done": 1}
    assert row_of(ahead, "chooser", 60_000).states == {"new": 1, "failed": 1}
    assert ahead.states() == {"new": 15, "partial": 1, "done": 1, "failed": 1}
    assert row_of(ahead, "chooser", 1000).queries == 1000


def test_time_is_measured_on_finished_trials_of_the_same_attack_victim_and_clone(plan, tmp_path):
    finish(tmp_path, trial_of(plan, "chooser", 1000, 0), speed=100.0)
    finish(tmp_path, trial_of(plan, "chooser", 1000, 1), speed=300.0)
    finish(tmp_path, trial_of(plan, "supervised", 0, 0), seconds=4.0)
    ahead = forecast(plan, tmp_path)
    assert measured_speeds(tmp_path)["chooser", "small", "lenet5"] == pytest.approx(150)  # harmonic: equal queries
    assert row_of(ahead, "chooser", 60_000).seconds == pytest.approx(120_000 / 150)
    assert row_of(ahead, "chooser", 60_000).measured == "results"
    assert row_of(ahead, "chooser", 1000).seconds == 0
    assert row_of(ahead, "supervised", 0).seconds == pytest.approx(4)
    assert row_of(ahead, "gradients", 1000).seconds is None


def test_the_speed_that_the_file_states_is_used_until_there_is_a_measurement(tmp_path):
    text = GOOD.replace(
        "note: a small one", "speed: {machine: a laptop, queries_per_second: {chooser: 50, gradients: 10}}"
    )
    plan = make_plan(load(tmp_path, text), registry=toy_registry())
    row = row_of(forecast(plan, tmp_path), "chooser", 1000)
    assert (row.seconds, row.measured) == (40, "file")
    finish(tmp_path, trial_of(plan, "chooser", 60_000), speed=100.0)
    row = row_of(forecast(plan, tmp_path), "chooser", 1000)
    assert (row.seconds, row.measured) == (20, "results")


def test_a_half_run_trial_has_only_its_rest_left_if_there_is_a_checkpoint(plan, tmp_path):
    trial = trial_of(plan, "chooser", 1000)
    folder = TrialFolder.of(tmp_path, trial)
    folder.begin(trial)
    folder.append_curve({"queries": 400, "accuracy": 0.5, "fidelity": 0.5})
    assert row_of(forecast(plan, tmp_path), "chooser", 1000).queries == 2000
    folder.checkpoint.write_bytes(b"")
    assert row_of(forecast(plan, tmp_path), "chooser", 1000).queries == 1600


@pytest.mark.parametrize("broken", ["", "[]", '{"queries_per_second": null}', '{"queries_per_second": -1}', "{}"])
def test_a_broken_timing_file_is_passed_over(plan, tmp_path, broken):
    trial = trial_of(plan, "chooser", 1000)
    finish(tmp_path, trial)
    (TrialFolder.of(tmp_path, trial).path / "timing.json").write_text(broken)
    assert measured_speeds(tmp_path) == {}


@contextmanager
def held_elsewhere(folder):
    """Let another process hold a trial's folder."""
    code = (
        "import sys; from pathlib import Path; from mebench.results.trial_folder import TrialFolder\n"
        "with TrialFolder(Path(sys.argv[1])).locked(): print('held', flush=True); sys.stdin.read()"
    )
    program = [sys.executable, "-c", code, str(folder.path)]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield process


def test_what_another_process_is_at_work_on_is_running_and_its_process_is_named(plan, tmp_path):
    trial = trial_of(plan, "chooser", 1000)
    folder = TrialFolder.of(tmp_path, trial)
    folder.begin(trial)
    folder.append_curve({"queries": 400})
    with held_elsewhere(folder) as process:
        ahead = forecast(plan, tmp_path)
        assert row_of(ahead, "chooser", 1000).states == {"new": 1, "running": 1}
        assert ahead.running == {trial.id: f"process {process.pid} on {socket.gethostname()}"}
        assert row_of(ahead, "chooser", 1000).queries == 1600
        with pytest.raises(ResultsError, match=f"process {process.pid} on .* is running this trial"), folder.locked():
            pass
        process.kill()  # and what it said of itself stays in the file
        process.wait()
        ahead = forecast(plan, tmp_path)
        assert row_of(ahead, "chooser", 1000).states == {"new": 1, "partial": 1}
        assert not ahead.running
    with folder.locked():
        assert folder.holder() == f"process {os.getpid()} on {socket.gethostname()}"
    assert folder.holder() is None


def test_a_finished_trial_is_not_running_whoever_holds_its_folder(plan, tmp_path):
    trial = trial_of(plan, "chooser", 1000)
    finish(tmp_path, trial, speed=100.0)
    with TrialFolder.of(tmp_path, trial).locked():
        assert row_of(forecast(plan, tmp_path), "chooser", 1000).states == {"new": 1, "done": 1}


@pytest.mark.parametrize("line", ["[1]", "7", "not json", "\xff"])
def test_a_curve_that_is_no_curve_leaves_all_queries_to_be_asked(plan, tmp_path, line):
    trial = trial_of(plan, "chooser", 1000)
    folder = TrialFolder.of(tmp_path, trial)
    folder.begin(trial)
    folder.checkpoint.write_bytes(b"")
    (folder.path / "curve.jsonl").write_bytes(line.encode("latin-1"))
    assert row_of(forecast(plan, tmp_path), "chooser", 1000).queries == 2000
