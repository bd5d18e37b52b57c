"""`mebench.plan` and `mebench.run`: what the commands do, from Python."""

from __future__ import annotations

import inspect
import json
import subprocess
import sys
from functools import partial

import numpy as np
import pytest
import yaml
from benchmark_files import NOISE, write_benchmark

import mebench
from mebench.cli import main
from mebench.plan.file import load_benchmark
from mebench.report.notebook.run import run
from mebench.run.speeds import speeds_to_measure

BROKEN = """\
from mebench import AttackEntry, hookimpl


@hookimpl
def mebench_attacks():
    return [AttackEntry("broken", "Fails.", "broken:build")]


def build(context):
    raise ValueError("no")
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A benchmark file and the folder of its finished run, one trial."""
    place = tmp_path_factory.mktemp("done")
    file = write_benchmark(place, NOISE, seeds=1, budget=64)
    return file, mebench.run(file, out=place / "out", engine="inline", progress=False)


def test_a_plan_is_what_the_command_plans(folder, capsys):
    file = write_benchmark(folder, NOISE, seeds=2)
    planned = mebench.plan(file)
    assert main(["plan", str(file), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert planned.trials["trial"].tolist() == said["ids"]
    assert planned.trials["state"].tolist() == ["new"] * 2
    assert planned.rows["queries_left"].sum() == said["queries_left"]
    assert planned.rows["seeds"].tolist() == [len(row["seeds"]) for row in said["rows"]]
    assert main(["plan", str(file)]) == 0
    printed = capsys.readouterr().out.splitlines()
    assert repr(planned).splitlines()[0] == printed[0]
    assert repr(planned).splitlines()[-1] == printed[-1].replace("--measure", "measure=True")


def test_a_mapping_is_the_same_benchmark_as_its_file(folder):
    file = write_benchmark(folder, NOISE, seeds=2)
    given = mebench.plan(yaml.safe_load(file.read_text()))
    assert given.trials["trial"].tolist() == mebench.plan(file).trials["trial"].tolist()


def test_mistakes_in_a_mapping_are_told_all_at_once_without_a_place(folder):
    content = yaml.safe_load(write_benchmark(folder, NOISE).read_text())
    content["profiles"]["quick"]["scale"] = "reducd"
    content["victims"]["tiny"]["network"] = "lenet"
    with pytest.raises(mebench.ConfigurationError) as caught:
        mebench.plan(content)
    assert caught.value.problems == (
        "benchmark: profiles.quick.scale: must be reduced or paper, not 'reducd'",
        "benchmark: victims.tiny.network: unknown network 'lenet'. Did you mean 'lenet5'?",
    )
    with pytest.raises(mebench.ConfigurationError, match="benchmark: a benchmark cannot hold a set"):
        mebench.plan({**content, "name": {"a", "b"}})


@pytest.mark.parametrize("change", [{"runs.*.budgets": [500]}, ["runs.*.budgets=[500]"], "runs.*.budgets=[500]"])
def test_values_are_changed_as_by_set(folder, change):
    planned = mebench.plan(write_benchmark(folder, NOISE), set=change, only="noise", seeds=[3])
    assert planned.trials["budget"].tolist() == [500]
    assert planned.trials["seed"].tolist() == [3]


def test_a_benchmark_that_comes_with_mebench_is_planned_by_its_name(repository):
    by_path = mebench.plan(repository / "benchmarks/table1.yaml")
    assert mebench.plan("table1").trials["trial"].tolist() == by_path.trials["trial"].tolist()


def test_a_plan_measures_what_is_left_and_keeps_it(folder, monkeypatch):
    monkeypatch.setenv("MEBENCH_CACHE", str(folder / "cache"))
    monkeypatch.setattr("mebench.report.notebook.plan.speeds_to_measure", partial(speeds_to_measure, seconds=0.05))
    file = write_benchmark(folder, NOISE, references=[])
    before = mebench.plan(file)
    assert before.rows["measured"].tolist() == [""]
    assert "measure=True runs each for a few seconds" in repr(before)
    planned = mebench.plan(file, measure=True)
    assert planned.rows["measured"].tolist() == ["machine"]
    assert planned.rows["seconds_left"].tolist() == mebench.plan(file).rows["seconds_left"].tolist()
    assert not (folder / "runs").exists()


def test_what_cannot_be_measured_is_a_note_of_the_plan(folder, monkeypatch):
    (folder / "plugins").mkdir()
    (folder / "plugins" / "broken.py").write_text(BROKEN)
    monkeypatch.setenv("MEBENCH_PLUGIN_DIR", str(folder / "plugins"))
    monkeypatch.setenv("MEBENCH_CACHE", str(folder / "cache"))
    monkeypatch.setattr("mebench.report.notebook.plan.speeds_to_measure", partial(speeds_to_measure, seconds=0.05))
    file = write_benchmark(folder, {"attack": "broken", "channel": "probability"}, references=[])
    assert mebench.plan(file, measure=True).notes[-1].startswith("not measured: broken: ")


def test_a_file_beside_that_differs_by_its_suffix_is_a_note_of_the_plan(folder, capfd):
    (folder / "table1.yaml").write_text("mine")
    assert "for the file here, write table1.yaml" in mebench.plan("table1").notes[-1]
    assert capfd.readouterr() == ("", "")


def test_a_run_gives_its_results_and_writes_the_leaderboard(done):
    _, found = done
    (root,) = found.roots
    assert found.trials["status"].tolist() == ["finished"]
    assert (root / "leaderboard.json").exists()
    assert found.failures.empty


def test_a_second_run_runs_nothing_and_says_nothing(done, capfd):
    file, found = done
    (root,) = found.roots
    before = {path: path.stat().st_mtime_ns for path in root.rglob("result.json")}
    again = mebench.run(file, out=root, engine="inline", progress=False)
    assert {path: path.stat().st_mtime_ns for path in root.rglob("result.json")} == before
    assert repr(again) == repr(found)
    assert capfd.readouterr() == ("", "")


def test_a_run_and_the_command_write_the_same_results(done, folder, capsys):
    file, found = done
    assert main(["run", str(file), "--workers", "0", "--out", "other", "--quiet"]) == 0
    (root,) = found.roots
    (ours,) = root.glob("*/result.json")
    (theirs,) = folder.glob("other/*/result.json")
    assert ours.read_bytes() == theirs.read_bytes()


def test_trials_that_fail_are_told_and_do_not_raise(folder):
    (folder / "plugins").mkdir()
    (folder / "plugins/broken.py").write_text(BROKEN)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MEBENCH_PLUGIN_DIR", str(folder / "plugins"))
        file = write_benchmark(folder, NOISE, {"attack": "broken", "channel": "probability"}, seeds=1, budget=32)
        found = mebench.run(file, out="out", engine="inline", progress=False)
    assert found.trials.set_index("attack")["status"].to_dict() == {"noise": "finished", "broken": "failed"}
    assert "attack broken" in found.failures["reason"][0]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"engine": "proceses"}, "engine 'proceses': there is no such engine. Did you mean 'processes'?"),
        ({"engine": "processes", "workers": 0}, "workers 0 is the engine inline, not processes"),
        ({"engine": "inline", "workers": 2}, "workers: the engine inline has one worker, not 2"),
        ({"engine": "processes", "scheduler": "tcp://here:1"}, "scheduler is for the engine dask, not for processes"),
        ({"cluster_options": "a.yaml"}, "cluster_options needs cluster, whose options they are"),
        ({"workers": -1}, "workers: must be a whole number of at least 0, not -1"),
        ({"threads": None}, "threads: must be a whole number of at least 1, not None"),
        ({"threads": 10**9}, "threads: must be at most 1,024, not 1000000000"),
        ({"retries": None}, "retries: must be a whole number of at least 0, not None"),
        ({"timeout": True}, "timeout: must be a number of seconds above 0, not True"),
        ({"timeout": 10**400}, "timeout: must be at most 1,000,000,000 seconds"),
        ({"engine": ["inline"]}, "engine: must be a text, not ['inline']"),
        ({"engine": ""}, "engine '': there is no such engine"),
        ({"cluster": 3}, "cluster: must be a text, not 3"),
        ({"cluster": "none"}, "cluster: must be one of slurm, pbs, sge, lsf, not 'none'"),
        ({"profile": ["quick"]}, "profile: must be a text, not ['quick']"),
        ({"fresh": "no"}, "fresh: must be True or False, not 'no'"),
        ({"keep_other_code": 2.5}, "keep_other_code: must be True or False, not 2.5"),
        ({"seeds": range(10**12)}, "seeds: must be at most 10,000"),
        ({"threads": "2"}, "threads: must be a whole number of at least 1, not '2'"),
        ({"timeout": float("nan")}, "timeout: must be a number of seconds above 0, not nan"),
        ({"device": "gpu"}, "device: must be cpu, cuda, cuda:N or auto, not 'gpu'"),
        ({"only": "megex"}, "--only megex: matches no trial"),
        ({"only": 3}, "only: must be a text or a list of texts, not 3"),
        ({"set": {"runs.*.budgets": {1}}}, "set: Object of type set is not JSON serializable"),
        ({"set": 3}, "set: must be a text or a list of texts, not 3"),
        ({"seeds": 0}, "--seeds 0: must be at least 1"),
        ({"seeds": ["a"]}, "seeds: must be a number, or different seeds from 0 to 4,294,967,295, not ['a']"),
        ({"seeds": [1, 1]}, "seeds: must be a number, or different seeds"),
        ({"seeds": []}, "seeds: must be a number, or different seeds"),
        ({"seeds": 2.5}, "seeds: must be a number, or different seeds"),
        ({"shard": "x"}, "shard: must be NUMBER/COUNT, such as 3/16, not 'x'"),
        ({"shard": 3}, "shard: must be NUMBER/COUNT, such as 3/16, not '3'"),
    ],
)
def test_wrong_arguments_are_one_line_each_and_nothing_runs(folder, arguments, said):
    file = write_benchmark(folder, NOISE)
    with pytest.raises(mebench.ConfigurationError) as caught:
        mebench.run(file, out="out", progress=False, **arguments)
    assert str(caught.value).startswith(said)
    assert not (folder / "out").exists()


@pytest.mark.parametrize(
    "same",
    [
        {"seeds": np.int64(2)},
        {"seeds": np.arange(2)},
        {"seeds": [np.int64(0), np.int64(1)]},
        {"seeds": 2, "set": {"runs.*.budgets": [np.int64(700)]}},
        {"seeds": 2, "set": {"runs.*.budgets": np.array([700])}},
        {"seeds": 2, "only": {"noise"}},
    ],
)
def test_numbers_of_numpy_are_numbers(folder, same):
    file = write_benchmark(folder, NOISE)
    assert [*mebench.plan(file, **same).trials["trial"]] == [*mebench.plan(file, seeds=2).trials["trial"]]


def test_a_run_takes_numbers_of_numpy(folder):
    file = write_benchmark(folder, NOISE, seeds=1, budget=32)
    numbers = {"workers": np.int64(0), "threads": np.int32(1), "timeout": np.float32(60), "fresh": np.bool_(False)}
    found = mebench.run(file, out="out", progress=np.False_, **numbers)
    assert [*found.trials["status"]] == ["finished"]


@pytest.mark.parametrize("path", ["", "a\0b", "a" * 3000])
def test_a_path_that_no_file_can_have_is_one_line(folder, path):
    file = write_benchmark(folder, NOISE)
    for name, call in (
        ("file", lambda: mebench.plan(path)),
        ("out", lambda: mebench.plan(file, out=path)),
        ("out", lambda: mebench.run(file, out=path, progress=False)),
        ("results", lambda: mebench.results(path)),
    ):
        with pytest.raises(mebench.ConfigurationError, match=f"^{name}: ") as caught:
            call()
        assert len(str(caught.value)) < 150
    assert sorted(one.name for one in folder.iterdir()) == ["benchmark.yaml"]


def test_an_empty_name_of_a_profile_is_not_the_default(folder):
    with pytest.raises(mebench.ConfigurationError, match="no profile ''"):
        mebench.plan(write_benchmark(folder, NOISE), "")


def test_what_is_said_meanwhile_is_kept_and_nothing_is_printed(folder, capfd):
    class Wrong:
        def trial_finished(self, trial, end):
            raise ValueError("no")

    file = write_benchmark(folder, NOISE, seeds=1, budget=32)
    found = mebench.run(file, out="out", engine="inline", progress=False, log=Wrong())
    assert found.notes[0] == "logger Wrong: trial_finished failed: ValueError: no; the run goes on"
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("given", [3, None, [1], b"x"])
def test_what_is_no_path_is_one_line(given):
    with pytest.raises(mebench.ConfigurationError, match=f"file: must be a path, not a {type(given).__name__}"):
        mebench.plan(given)
    with pytest.raises(mebench.ConfigurationError, match="results: must be a path"):
        mebench.results(given)


def test_an_interrupt_saves_and_the_same_call_goes_on(folder, monkeypatch):
    from mebench.run.engine import Interrupts

    file = write_benchmark(folder, NOISE, seeds=2, budget=64)
    entered = Interrupts.__enter__

    def pressed(self):
        self.level = 1
        return entered(self)

    monkeypatch.setattr(Interrupts, "__enter__", pressed)
    with pytest.raises(KeyboardInterrupt, match="the same call goes on from here"):
        mebench.run(file, out="out", engine="inline", progress=False)
    monkeypatch.undo()
    monkeypatch.chdir(folder)
    assert mebench.run(file, out="out", engine="inline", progress=False).trials["status"].tolist() == ["finished"] * 2


def test_rooms_of_the_package_are_called_and_are_still_its_modules():
    import mebench.run.runner
    from mebench.run.runner import titles

    assert mebench.run.runner.titles is titles
    assert inspect.signature(mebench.run) == inspect.signature(run)
    assert mebench.run.__call__.__doc__ == run.__doc__
    assert {"plan", "results", "run"} <= set(mebench.__all__)


def test_the_names_are_there_without_torch_and_pandas():
    code = (
        "import sys, mebench\n"
        "from mebench import plan, results, run\n"
        "assert callable(run) and callable(plan) and callable(results) and 'run' in dir(mebench)\n"
        "print('torch' in sys.modules, 'pandas' in sys.modules, 'rich' in sys.modules)\n"
        "mebench.plan('table1')\n"
        "print('torch' in sys.modules, 'pandas' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["False False False", "False False"]


def test_a_benchmark_given_as_a_mapping_can_be_loaded_where_files_are(folder):
    assert load_benchmark(yaml.safe_load(write_benchmark(folder, NOISE).read_text())).file.name == "benchmark"
