from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from benchmark_files import DFME, MEGEX, NOISE, write_benchmark
from make_results import make_trial
from trials import VICTIM, tiny_trial

from mebench.api.exit_codes import ExitCode
from mebench.api.notices import notices_to
from mebench.api.spec import Component
from mebench.cli import main
from mebench.plan.file import load_benchmark
from mebench.plan.plan import make_plan
from mebench.registry.code import Code
from mebench.registry.parts import plugin_code
from mebench.results.trial_folder import TrialFolder
from mebench.run.engine import Job, Listener, Outcome
from mebench.run.machine import usable_cores
from mebench.run.runner import data_needed, execute, jobs, set_aside, titles


def test_each_victim_is_prepared_once_and_its_trials_wait_for_it(tmp_path: Path) -> None:
    other = replace(VICTIM, name="other")
    trials = [tiny_trial(seed=seed, victim=victim) for seed in (0, 1) for victim in (VICTIM, other)]
    made = jobs(trials, tmp_path, timeout=7)
    assert [job.key for job in made[:2]] == ["victim-tiny", "victim-other"]
    assert {job.key: job.needs for job in made[2:]} == {trial.id: (f"victim-{trial.victim.name}",) for trial in trials}
    assert {job.timeout for job in made[:2]} == {None}
    assert {job.timeout for job in made[2:]} == {7}
    assert made[2].log == TrialFolder.of(tmp_path, trials[0]).log


def test_titles_say_no_more_than_tells_trials_apart() -> None:
    two_seeds = [tiny_trial(seed=0), tiny_trial(seed=1), tiny_trial("megex", "vg", seed=0)]
    assert list(titles(two_seeds).values()) == ["dfme l1 seed 0", "dfme l1 seed 1", "megex l1 seed 0"]
    two_budgets = [tiny_trial(budget=700), tiny_trial(budget=1400)]
    assert list(titles(two_budgets).values()) == ["dfme l1 700 queries", "dfme l1 1,400 queries"]
    assert list(titles(two_seeds[:1]).values()) == ["dfme l1"]


def test_titles_tell_all_trials_of_a_file_apart(tmp_path: Path) -> None:
    file = write_benchmark(tmp_path, NOISE, DFME, MEGEX, references=["supervised"], seeds=3)
    names = titles(make_plan(load_benchmark(file)).trials)
    assert len(set(names.values())) == len(names) == 12


def test_folders_are_set_aside_under_a_new_number(tmp_path: Path) -> None:
    (tmp_path / ".old-7").mkdir()
    trials = [tiny_trial(seed=0), tiny_trial(seed=1)]
    TrialFolder.of(tmp_path, trials[0]).begin(trials[0])
    assert set_aside(trials, tmp_path) == (0, tmp_path / ".old-8")
    assert (tmp_path / ".old-8" / trials[0].id / "spec.json").exists()
    assert not TrialFolder.of(tmp_path, trials[0]).path.exists()


@pytest.mark.parametrize(
    ("content", "cores"), [("100000 100000", 1), ("50000 100000", 1), ("max 100000", None), ("", None)]
)
def test_the_quota_of_a_container_limits_the_cores(tmp_path: Path, content: str, cores: int | None) -> None:
    quota = tmp_path / "cpu.max"
    quota.write_text(content)
    without = usable_cores(tmp_path / "no such file")
    assert usable_cores(quota) == (cores or without)


def test_a_pool_of_other_data_is_looked_for_too() -> None:
    pool = Component("mnist", {"root": None, "rows": None})
    wanted = list(data_needed([tiny_trial(), tiny_trial(seed=1, pool=pool)]))
    assert [(data.name, split) for data, split, _ in wanted] == [
        ("fashion-mnist-10k", "test"),
        ("fashion-mnist-10k", "train"),
        ("mnist", "train"),
    ]
    assert wanted[0].data.parameters == {}
    assert [one.image_size for one in wanted] == [wanted[0].image_size] * 3


class Idle:
    """Runs nothing, and remembers what it was asked to run."""

    def __init__(self) -> None:
        self.keys: list[str] = []

    def run(self, jobs: Sequence[Job], listeners: Sequence[Listener] = ()) -> dict[str, Outcome]:
        self.keys = [job.key for job in jobs if job.needs]
        return {}


@pytest.mark.parametrize("kept", [False, True])
def test_results_of_other_code_are_set_aside_and_run_anew_unless_they_are_kept(kept: bool, tmp_path: Path) -> None:
    plan = make_plan(load_benchmark(write_benchmark(tmp_path, NOISE, seeds=2)))
    first, second = plan.trials
    other, same = Code("mebench", digest="aaaa"), plugin_code(first, plan.registry)
    for trial, code in ((first, {"attack noise": other}), (second, same)):
        TrialFolder.of(tmp_path / "out", trial).begin(trial, code)
        TrialFolder.of(tmp_path / "out", trial).finish({"id": trial.id, "status": "finished"})
    engine, said = Idle(), list[str]()
    with notices_to(said.append):
        execute(engine, plan, tmp_path / "out", keep_other_code=kept)
    assert engine.keys == ([] if kept else [first.id])
    assert (tmp_path / "out" / ".old-1" / first.id / "result.json").exists() is not kept
    assert [line.partition(" is now")[0] for line in said] == ([] if kept else ["1 trial of other code, 1 finished,"])


def test_a_run_deletes_what_killed_processes_left_in_results_and_caches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MEBENCH_CACHE", str(tmp_path / "cache"))
    plan = make_plan(load_benchmark(write_benchmark(tmp_path, NOISE)))
    trial = TrialFolder.of(tmp_path / "out", plan.trials[0]).path
    data = tmp_path / "cache" / "datasets" / "wallpapers"
    left = [trial / "samples" / ".a.png.x.partial", trial / ".timing.json.x.partial", tmp_path / "out" / ".a.x.partial"]
    left += [tmp_path / "cache" / "victims" / ".partial-x" / "half", data / ".partial-x" / "half"]
    kept = [trial / "log.txt", tmp_path / "cache" / "victims" / "a-1" / "victim.json", data / "1" / "a.npy"]
    for file in (*left, *kept):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("{}")
    execute(Idle(), plan, tmp_path / "out", keep_other_code=True)
    assert [file for file in left if file.exists()] == []
    assert [file for file in kept if not file.exists()] == []


def test_what_is_damaged_is_set_aside_and_runs_anew(tmp_path: Path) -> None:
    plan = make_plan(load_benchmark(write_benchmark(tmp_path, NOISE, seeds=2)))
    first = plan.trials[0]
    for trial in plan.trials:
        folder = TrialFolder.of(tmp_path / "out", trial)
        folder.begin(trial, plugin_code(trial, plan.registry))
        folder.finish({"id": trial.id, "status": "finished"})
    (TrialFolder.of(tmp_path / "out", first).path / "result.json").write_text('{"id": ')
    (TrialFolder.of(tmp_path / "out", first).path / ".lease-1").mkdir()
    engine, said = Idle(), list[str]()
    with notices_to(said.append):
        execute(engine, plan, tmp_path / "out")
    assert engine.keys == [first.id]
    assert (tmp_path / "out" / ".old-1" / first.id / "result.json").read_text() == '{"id": '
    assert [line.partition(" is now")[0] for line in said] == ["1 damaged trial, 1 finished,"]


def test_a_row_that_is_invalid_for_no_damage_ends_a_run_with_3(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_benchmark(tmp_path, NOISE, seeds=1)
    (trial,) = make_plan(load_benchmark(file)).trials
    folder = make_trial(tmp_path / "out", trial, 0.7, spent=7)
    folder.finish(folder.result())
    assert main(["run", str(file), "--out", str(tmp_path / "out"), "-q"]) == ExitCode.INCOMPLETE
    assert "invalid: noise" in capsys.readouterr().err
    assert not list((tmp_path / "out").glob(".old-*"))
