from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from benchmark_files import DFME, NOISE, VICTIM, write_benchmark

from mebench.cli import main
from mebench.results.trial_folder import TrialFolder, trial_folders

BYTES = ("result.json", "curve.jsonl", "clone.safetensors")


class Run:
    """What one call of ``mebench run`` did."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]):
    def run(file: Path, out: Path, *options: Any) -> Run:
        capfd.readouterr()
        code = main(["run", str(file), "--out", str(out), *map(str, options)])
        return Run(code, *capfd.readouterr())

    return run


def folders(out: Path) -> list[TrialFolder]:
    return trial_folders(out)


def by_prefix(out: Path, prefix: str) -> TrialFolder:
    (found,) = [folder for folder in folders(out) if folder.path.name.startswith(prefix)]
    return found


def test_a_run_leaves_results_and_prints_the_leaderboard_and_a_second_one_runs_nothing(run, tmp_path: Path) -> None:
    file, out = write_benchmark(tmp_path, NOISE, seeds=2, note="small on purpose"), tmp_path / "out"
    first = run(file, out)
    assert first.code == 0
    assert "noise" in first.out
    assert "small on purpose" in first.err
    assert "2 trials (2 new), up to 1,400 queries" in first.err
    assert "done    noise l1 seed 1: accuracy" in first.err
    assert {path.name for path in out.glob("leaderboard.*")} == {
        "leaderboard.json",
        "leaderboard.csv",
        "leaderboard.md",
    }
    assert json.loads((out / "benchmark.json").read_text())["profile"] == "quick"
    results = list(out.glob("*/result.json"))
    before = {path: path.stat().st_mtime_ns for path in results}
    assert len(before) == 2

    second = run(file, out)
    assert second.code == 0
    assert "2 trials (2 finished before), up to 0 queries" in second.err
    assert second.out == first.out
    assert {path: path.stat().st_mtime_ns for path in results} == before


def test_a_reduced_scale_is_said_on_screen(run, tmp_path: Path) -> None:
    assert "not the paper's" in run(write_benchmark(tmp_path), tmp_path / "out").err


def test_json_is_all_that_stdout_holds(run, tmp_path: Path) -> None:
    done = run(write_benchmark(tmp_path), tmp_path / "out", "--json")
    assert json.loads(done.out) == json.loads((tmp_path / "out" / "leaderboard.json").read_text())
    assert "noise" in done.err


def test_quiet_leaves_only_the_leaderboard(run, tmp_path: Path) -> None:
    done = run(write_benchmark(tmp_path), tmp_path / "out", "--quiet")
    assert done.err == ""
    assert "noise" in done.out


def test_the_number_of_workers_does_not_change_a_byte(run, tmp_path: Path) -> None:
    file = write_benchmark(tmp_path, NOISE, DFME, references=["victim", "supervised"])
    for workers in (0, 1, 2):
        assert run(file, tmp_path / str(workers), "--workers", workers).code == 0
    names = [folder.path.name for folder in folders(tmp_path / "0")]
    assert len(names) == 3
    for name in names:
        for part in BYTES if not name.startswith("supervised") else ("result.json", "clone.safetensors"):
            contents = {(tmp_path / str(workers) / name / part).read_bytes() for workers in (0, 1, 2)}
            assert len(contents) == 1, f"{name}/{part}"


@pytest.mark.parametrize("workers", [0, 1])
def test_a_trial_past_its_timeout_fails_with_its_reason_and_the_next_run_tries_it_again(
    run, tmp_path: Path, workers: int
) -> None:
    file, out = write_benchmark(tmp_path, DFME, budget=12_000), tmp_path / "out"
    late = run(file, out, "--timeout", 0.4, "--workers", workers)
    assert late.code == 3
    assert "1 of 1 trial failed:" in late.err
    reason = f"took longer than 0.4 s (--timeout), while it ran attack dfme (mebench {version('mebench')})"
    assert f"  dfme l1: {reason} (log: {out}" in late.err or workers == 0
    assert folders(out)[0].failure()["reason"] == reason
    assert "failed" in late.out

    again = run(file, out, "--set", "runs.*.budgets=[12000]")
    assert again.code == 0
    assert "1 failed before, will be tried again" in again.err
    assert folders(out)[0].status == "finished"


def test_a_run_stops_after_so_many_failures_and_the_same_command_goes_on(run, tmp_path: Path) -> None:
    file, out = write_benchmark(tmp_path, NOISE, seeds=3), tmp_path / "out"
    stopped = run(file, out, "--timeout", 1e-6, "--workers", 0, "--max-failures", 2)
    assert stopped.code == 3
    assert [folder.failure()["cause"] for folder in folders(out)] == ["timeout", "timeout"]
    assert "2 of 3 trials failed:" in stopped.err
    assert "stopped after 2 failures (--max-failures)" in stopped.err
    assert run(file, out, "--workers", 0, "--max-failures", 1).code == 0
    assert len(folders(out)) == 3


def test_a_victim_that_fails_fails_its_trials_with_the_reason_and_others_go_on(run, tmp_path: Path) -> None:
    weights = tmp_path / "broken.safetensors"
    weights.write_bytes(b"no weights")
    broken = {"data": VICTIM["data"], "image_size": [8, 8], "network": "mlp", "weights": str(weights)}
    file, out = write_benchmark(tmp_path, NOISE, victims={"broken": broken, "tiny": VICTIM}), tmp_path / "out"
    done = run(file, out)
    assert done.code == 3
    assert by_prefix(out, "noise-l1-tiny").status == "finished"
    failed = by_prefix(out, "noise-l1-broken")
    assert failed.status == "failed"
    assert failed.failure()["reason"].startswith("victim 'broken': ")
    assert "1 of 2 trials failed:" in done.err
    assert f"log: {out / 'logs' / 'victim-broken.txt'}" in done.err


def test_fresh_runs_all_again_and_loses_nothing(run, tmp_path: Path) -> None:
    file, out = write_benchmark(tmp_path, NOISE), tmp_path / "out"
    run(file, out)
    (folder,) = folders(out)
    kept = (folder.path / "result.json").read_bytes()
    for number in (1, 2):
        again = run(file, out, "--fresh")
        assert again.code == 0
        assert f"1 finished result is now in {out / f'.old-{number}'}" in again.err
        assert (out / f".old-{number}" / folder.path.name / "result.json").read_bytes() == kept
    assert (folder.path / "result.json").read_bytes() == kept
    assert len(folders(out)) == 1


def test_everything_that_is_missing_is_said_at_once_and_nothing_is_run(run, tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    victims = {
        "tiny": VICTIM,
        "no-data": {**VICTIM, "data": {"name": "mnist", "root": str(nowhere)}},
        "no-weights": {"data": VICTIM["data"], "network": "mlp", "weights": str(nowhere / "w.safetensors")},
    }
    file = write_benchmark(tmp_path, NOISE, victims=victims, device="cuda", needs_gpu=True)
    done = run(file, tmp_path / "out")
    assert done.code == 2
    lines = done.err.splitlines()
    missing = [line for line in lines if line.startswith("mebench: ")]
    assert any("profile 'quick' needs a GPU" in line for line in missing)
    assert any("'mnist'" in line and str(nowhere) in line for line in missing)
    assert any(f"victim 'no-weights': {nowhere / 'w.safetensors'}: no such file" in line for line in missing)
    assert len(missing) == 3
    assert "Traceback" not in done.err
    assert not (tmp_path / "out").exists()


def test_a_profile_for_gpus_runs_on_a_cpu_if_the_user_insists(run, tmp_path: Path) -> None:
    file = write_benchmark(tmp_path, NOISE, device="cuda", needs_gpu=True)
    assert run(file, tmp_path / "out", "--device", "cpu").code == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--device", "tpu"], "must be cpu, cuda, cuda:N or auto, not 'tpu'"),
        (["--workers", "-1"], "--workers"),
        (["--threads", "0"], "--threads"),
        (["--timeout", "0"], "--timeout"),
        (["--only", "dfme"], "--only dfme: matches no trial"),
        (["--profile", "quik"], "Did you mean 'quick'?"),
    ],
)
def test_a_wrong_option_is_said_in_words(run, tmp_path: Path, options: list[str], words: str) -> None:
    done = run(write_benchmark(tmp_path), tmp_path / "out", *options)
    assert done.code == 2
    assert words in done.err
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written_is_said_in_words(run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = run(write_benchmark(tmp_path), tmp_path / "file", "--quiet")
    assert done.code == 2
    assert "file cannot hold files" in done.err


def test_only_what_is_selected_is_run(run, tmp_path: Path) -> None:
    file = write_benchmark(tmp_path, NOISE, DFME)
    assert run(file, tmp_path / "out", "--only", "noise", "--seeds", 2).code == 0
    assert {folder.spec().attack.name for folder in folders(tmp_path / "out")} == {"noise"}
    assert {folder.spec().seed for folder in folders(tmp_path / "out")} == {0, 1}


def test_shards_run_each_trial_once_and_leave_the_leaderboard_of_one_run(run, tmp_path: Path) -> None:
    file = write_benchmark(tmp_path, NOISE, seeds=3)
    one, parts, shared = tmp_path / "one", tmp_path / "parts", tmp_path / "shared"
    assert run(file, one, "--workers", 0).code == 0
    for number in (1, 2):
        done = run(file, parts / str(number), "--workers", 0, "--shard", f"{number}/2")
        assert done.code == 0
        assert f"profile quick, shard {number}/2 of 3 trials" in done.err
        assert run(file, shared, "--workers", 0, "--shard", f"{number}/2").code == 0
    assert run(file, parts / "3", "--shard", "4/4", "--workers", 0).code == 0  # has no trial
    names = [sorted(folder.path.name for folder in folders(parts / str(number))) for number in (1, 2, 3)]
    assert [len(each) for each in names] == [2, 1, 0]
    assert sorted(names[0] + names[1]) == [folder.path.name for folder in folders(one)]
    assert main(["merge", str(tmp_path / "merged"), *(str(parts / str(number)) for number in (3, 2, 1))]) == 0
    for name in ("leaderboard.json", "leaderboard.csv", "leaderboard.md", "benchmark.json"):
        contents = {(out / name).read_bytes() for out in (one, shared, tmp_path / "merged")}
        assert len(contents) == 1, name


def test_a_trial_that_another_process_runs_is_left_alone(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mebench.run.tasks.BUSY_SECONDS", 0.2)
    file, out = write_benchmark(tmp_path, NOISE), tmp_path / "out"
    run(file, out)
    (folder,) = folders(out)
    (folder.path / "result.json").unlink()
    with folder.locked():
        done = run(file, out, "--workers", 0)
        assert done.code == 3
        assert "is running this trial" in done.err
        assert run(file, out, "--fresh").code == 2
    assert folder.status == "partial"
    assert not (out / ".old-1").exists()
