from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from benchmark_files import NOISE, write_benchmark
from once import once

from mebench.cli import main
from mebench.plan.recorded import recorded_plan, recorded_threads
from mebench.results.heartbeat import Heartbeat, heartbeat_of, write_heartbeat
from mebench.results.trial_folder import TrialFolder, trial_folders

BYTES = ("result.json", "curve.jsonl", "clone.safetensors")
Call = Callable[..., tuple[int, str]]


def finished(folder: Path) -> Path:
    file = write_benchmark(folder, NOISE, seeds=3)
    assert main(["run", str(file), "--out", str(folder / "out"), "--workers", "0", "-q"]) == 0
    return folder / "out"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The results of three seeds."""
    shutil.copytree(once("rerun", finished), tmp_path / "out")
    return tmp_path / "out"


@pytest.fixture
def call(root: Path, capsys: pytest.CaptureFixture[str]) -> Call:
    def call(*words: str) -> tuple[int, str]:
        capsys.readouterr()
        code = main(["rerun", *words, "--out", str(root), "--workers", "0"])
        return code, capsys.readouterr().err

    return call


def contents(folder: TrialFolder) -> dict[str, bytes]:
    return {name: (folder.path / name).read_bytes() for name in BYTES}


def fail(folder: TrialFolder) -> None:
    """Make a trial one that has failed."""
    spec = folder.spec()
    (folder.path / "result.json").unlink()
    folder.fail(spec, "no luck")


def test_a_finished_trial_runs_once_more_to_the_same_bytes_and_what_was_there_is_kept(root: Path, call: Call) -> None:
    folder = trial_folders(root)[1]
    before, board = contents(folder), (root / "leaderboard.json").read_bytes()
    code, err = call("s1")
    assert code == 0
    assert f"1 finished result is now in {root / '.old-1'}" in err
    assert contents(folder) == contents(TrialFolder(root / ".old-1" / folder.path.name)) == before
    assert (root / "leaderboard.json").read_bytes() == board


def test_all_that_have_failed_run_again_and_nothing_else(root: Path, call: Call) -> None:
    folders = trial_folders(root)
    before = {folder.path: (folder.path / "result.json").stat().st_mtime_ns for folder in folders}
    for folder in folders[:2]:
        fail(folder)
    code, err = call("--failed")
    assert code == 0
    assert "2 trials (2 failed before, will be tried again)" in err
    assert [folder.status for folder in folders] == ["finished"] * 3
    assert (folders[2].path / "result.json").stat().st_mtime_ns == before[folders[2].path]
    assert not (root / ".old-1").exists()
    assert call("--failed") == (0, "no trial has failed\n")


def test_a_failure_of_a_rerun_ends_as_that_of_a_run(root: Path, call: Call) -> None:
    fail(trial_folders(root)[0])
    code, err = call("--failed", "--timeout", "1e-6")
    assert code == 3
    assert "1 of 1 trial failed:" in err
    assert trial_folders(root)[0].failure()["cause"] == "timeout"


def test_a_trial_that_runs_is_left_alone(root: Path, call: Call) -> None:
    folder = trial_folders(root)[0]
    fail(folder)
    write_heartbeat(heartbeat_of(folder.log), Heartbeat("node7", 12, "@elsewhere", 1.0))
    code, err = call("s0")
    assert (code, err) == (
        2,
        f"mebench: {folder.path.name}: process 12 on node7 is running it: stop that first, or leave it out\n",
    )
    assert folder.status == "failed"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "name the trials, or give --failed"),
        (("s0", "--failed"), "name the trials, or give --failed"),
        (("l1",), "'l1' may mean 3 trials"),
        (("niose",), "Did you mean 'noise'?"),
    ],
)
def test_what_is_meant_must_be_clear(call: Call, words: tuple[str, ...], said: str) -> None:
    code, err = call(*words)
    assert code == 2
    assert said in err


def test_a_pattern_means_all_that_match(root: Path, call: Call) -> None:
    for folder in trial_folders(root):
        fail(folder)
    assert call("noise*", "--max-failures", "1", "--timeout", "1e-6")[0] == 3
    assert call("*")[0] == 0
    assert [folder.status for folder in trial_folders(root)] == ["finished"] * 3


def test_a_trial_that_has_not_begun_or_is_of_another_version_is_left_to_its_file(root: Path, call: Call) -> None:
    first, second, _ = trial_folders(root)
    shutil.rmtree(first.path)
    second.path.rename(root / "noise-another-name")
    code, err = call("s0", "noise-another")
    assert code == 2
    assert f"{first.path.name}: cannot run from its folder (it has not begun): run its benchmark file" in err
    assert f"noise-another-name: cannot run from its folder (its spec is that of {second.path.name}" in err


def test_a_trial_that_was_set_aside_and_did_not_begin_again_runs_all_the_same(root: Path, call: Call) -> None:
    folder = trial_folders(root)[0]
    for number in (1, 2):
        shutil.copytree(folder.path, root / f".old-{number}" / folder.path.name)
    (root / ".old-1" / folder.path.name / "spec.json").write_text("{")
    shutil.rmtree(folder.path)
    assert call("s0")[0] == 0
    assert contents(folder) == contents(TrialFolder(root / ".old-2" / folder.path.name))


def test_a_spec_that_is_damaged_is_read_from_the_failure(root: Path) -> None:
    folder = trial_folders(root)[0]
    spec = folder.spec()
    fail(folder)
    (folder.path / "spec.json").write_text("{")
    assert recorded_plan(root, [folder.path.name]).trials == [spec]


def test_trials_run_where_and_with_as_many_threads_as_before(root: Path) -> None:
    folder = trial_folders(root)[0]
    fail(folder)
    assert recorded_plan(root, [folder.path.name]).settings.device == "cpu"
    assert recorded_threads(root, [folder.path.name]) == 1
    for one in trial_folders(root):
        (one.path / "env.json").write_text('{"device": "cuda:3"}')
    assert recorded_plan(root, [folder.path.name]).settings.device == "cuda"
    for one in trial_folders(root):
        (one.path / "env.json").unlink()
    assert recorded_plan(root, [folder.path.name]).settings.device == "auto"
