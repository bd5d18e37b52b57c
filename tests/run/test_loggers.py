"""Loggers: what they are told of a run, and that nothing that they do touches it."""

from __future__ import annotations

import json
import os
import pickle
import re
from pathlib import Path
from types import SimpleNamespace

import pytest
from benchmark_files import NOISE, write_benchmark

import mebench
from mebench import EvaluationPoint, LoggedRun, RunEnd, RunLogger, TrialEnd
from mebench.api.errors import ConfigurationError
from mebench.api.notices import notices_to
from mebench.api.run_events import CALLS
from mebench.cli import main
from mebench.plan.file import load_benchmark
from mebench.plan.plan import make_plan
from mebench.results.trial_folder import TrialFolder
from mebench.run.engine import Outcome
from mebench.run.loggers import told as told_module
from mebench.run.loggers.asked import AskedLogger, check, loggers_asked_for
from mebench.run.loggers.life import RunLife
from mebench.run.loggers.told import ToldHere, ToldProcess
from mebench.run.runner import jobs

STRANGERS = """
import os, sys, time
from mebench import LoggerEntry, Parameter, RunLogger, hookimpl

WORDS = (Parameter("word", "str", "none", "What it writes first."),)


@hookimpl
def mebench_loggers():
    return [
        LoggerEntry("writes", "Writes calls down.", "strangers:Writes", WORDS),
        LoggerEntry("raises", "Raises.", "strangers:Raises"),
        LoggerEntry("dies", "Ends its process.", "strangers:Dies"),
        LoggerEntry("hangs", "Hangs.", "strangers:Hangs"),
        LoggerEntry("unmade", "Cannot be made.", "strangers:unmade"),
        LoggerEntry("unpacked", "Needs what is not there.", "strangers:Writes", packages=("nowhere_to_be_found",),
                    install="nowhere-to-be-found"),
    ]


class Writes(RunLogger):
    def __init__(self, run, word):
        self.file = (run.folder / "written.txt").open("w")
        print(word, os.getpid(), file=self.file, flush=True)
        print("printed")

    def trial_finished(self, trial, end):
        print("trial_finished", trial.id, end.metrics["accuracy"], file=self.file, flush=True)

    def run_ended(self, run, end):
        print("run_ended", end.ending, end.reason, file=self.file, flush=True)


class Raises:
    def __init__(self, run):
        pass

    def evaluated(self, trial, point):
        raise ValueError("no\\nway")


class Dies:
    def __init__(self, run):
        pass

    def trial_started(self, trial):
        os._exit(7)


class Hangs:
    def __init__(self, run):
        pass

    def run_ended(self, run, end):
        time.sleep(1000)


def unmade(run):
    sys.exit("never")
"""


@pytest.fixture
def strangers(tmp_path, monkeypatch):
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins/strangers.py").write_text(STRANGERS)
    monkeypatch.setenv("MEBENCH_PLUGIN_DIR", str(tmp_path / "plugins"))


@pytest.fixture
def file(tmp_path):
    return write_benchmark(tmp_path, NOISE, seeds=2, budget=64)


class Recorder(RunLogger):
    """Keeps every call."""

    def __init__(self) -> None:
        self.calls: list[tuple] = []

    def __getattribute__(self, name):
        if name in CALLS:
            return lambda *arguments: self.calls.append((name, *arguments))
        return super().__getattribute__(name)

    @property
    def names(self) -> list[str]:
        return [name for name, *_ in self.calls]


def life_of(file: Path, root: Path, *loggers: object, between: bool = True) -> tuple[RunLife, list]:
    """The life of a run of a file's trials, and their jobs."""
    plan = make_plan(load_benchmark(file))
    run = LoggedRun("little", "", "quick", "reduced", root, len(plan.trials), "0")
    told = [ToldHere(one) for one in loggers]
    work = [job for job in jobs(plan.trials, root) if job.needs]
    return RunLife(told, run, plan, plan.trials, between=between, hurry=lambda: False), work


def write_curve(root: Path, trial: str, *queries: int) -> None:
    folder = TrialFolder(root / trial)
    folder.path.mkdir(parents=True, exist_ok=True)
    points = [{"queries": count, "accuracy": count / 100, "kl": None, "diagnostics": {"own": 1}} for count in queries]
    folder.write_curve([json.dumps(point) for point in points])


def test_a_run_is_told_from_its_start_to_its_end(file, tmp_path):
    heard = Recorder()
    life, (first, second) = life_of(file, tmp_path, heard)
    with life:
        life.started(first)
        write_curve(tmp_path, first.key, 10, 20)
        life.tick()
        write_curve(tmp_path, first.key, 10, 20, 64)
        life.ended(first, Outcome("done", seconds=2.0))
        life.ended(second, Outcome("failed", reason="no"))
    evaluated = ["evaluated"] * 3
    ends = ["trial_finished", "trial_started", "trial_failed", "run_ended"]
    assert heard.names == ["run_started", "trial_started", *evaluated, *ends]
    points = [call[2] for call in heard.calls if call[0] == "evaluated"]
    assert points[1] == EvaluationPoint(20, {"accuracy": 0.2, "own": 1.0})
    assert heard.calls[-1][2] == RunEnd("finished", 1, 1)
    assert heard.calls[-2][2] == TrialEnd("failed", reason="no")


def test_a_trial_that_goes_on_tells_each_evaluation_once(file, tmp_path):
    heard = Recorder()
    life, (first, _) = life_of(file, tmp_path, heard)
    with life:
        write_curve(tmp_path, first.key, 10, 20, 30)  # of the run before
        life.started(first)
        life.tick()
        write_curve(tmp_path, first.key, 10, 20)  # its checkpoint was older
        life._looked = float("-inf")
        life.tick()
        write_curve(tmp_path, first.key, 10, 20, 30, 64)
        life.ended(first, Outcome("stopped"))
        life.interrupted(1)
    assert [call[2].queries for call in heard.calls if call[0] == "evaluated"] == [10, 20, 30, 64]
    assert heard.names[-2:] == ["trial_stopped", "run_ended"]
    assert heard.calls[-1][2].ending == "stopped"


def test_a_run_that_fails_as_a_whole_says_why(file, tmp_path):
    heard = Recorder()
    life, _ = life_of(file, tmp_path, heard)
    with pytest.raises(ValueError, match="the disk"), life:
        raise ValueError("the disk")
    assert heard.calls[-1][2] == RunEnd("failed", reason="the disk")


def test_curves_are_read_at_the_end_alone_where_trials_run_in_this_process(file, tmp_path):
    heard = Recorder()
    life, (first, _) = life_of(file, tmp_path, heard, between=False)
    with life:
        life.started(first)
        write_curve(tmp_path, first.key, 10)
        life.tick()
        assert "evaluated" not in heard.names
        life.ended(first, Outcome("done"))
    assert "evaluated" in heard.names


def test_what_is_told_is_plain_and_can_go_to_another_process(file, tmp_path):
    heard = Recorder()
    life, (first, _) = life_of(file, tmp_path, heard)
    with life:
        life.started(first)
    run, trial = heard.calls[0][1], heard.calls[1][1]
    assert pickle.loads(pickle.dumps((run, trial))) == (run, trial)
    assert (trial.id, trial.attack, trial.victim, trial.budget) == (first.key, "noise", "tiny", 64)
    assert trial.parameters["batch_size"] == 16
    assert trial.folder == tmp_path / first.key


def test_an_object_that_raises_is_named_once_and_told_on(file, tmp_path):
    class Wrong:
        def trial_started(self, trial):
            raise ValueError("no")

    heard, said = Recorder(), []
    life, (first, second) = life_of(file, tmp_path, Wrong(), heard)
    with notices_to(said.append), life:
        life.started(first)
        life.started(second)
    assert said == [
        "logger Wrong: trial_started failed: ValueError: no; the run goes on",
        "logger Wrong: trial_started failed: ValueError: no: 2 times",
    ]
    assert heard.names.count("trial_started") == 2


def test_a_registered_logger_is_told_in_a_process_of_its_own_and_results_stay_the_same(
    strangers, file, tmp_path, capsys
):
    words = ["--log", "writes", "--log-set", "writes.word=first", "--log", "raises", "--log", "dies"]
    assert main(["run", str(file), "--workers", "0", "--out", str(tmp_path / "logged"), "--quiet", *words]) == 0
    heard = capsys.readouterr().err
    assert main(["run", str(file), "--workers", "0", "--out", str(tmp_path / "plain"), "--quiet"]) == 0
    results = sorted((tmp_path / "logged").glob("*/result.json"))
    assert len(results) == 2
    for one in results:
        assert one.read_bytes() == (tmp_path / "plain" / one.parent.name / "result.json").read_bytes()
    first, *lines = (tmp_path / "logged/written.txt").read_text().splitlines()
    assert first.split()[0] == "first"
    assert int(first.split()[1]) != os.getpid()
    assert [line.split()[:2] for line in lines[:-1]] == [["trial_finished", one.parent.name] for one in results]
    assert lines[-1] == "run_ended finished "
    assert (tmp_path / "logged/logs/logger-writes.txt").read_text() == "printed\n"
    assert "logger raises (plugins/strangers.py" in heard
    assert "evaluated failed: ValueError: no way; the run goes on" in heard
    assert "its process ended with exit code 7; it is told nothing more, and the run goes on" in heard


def test_a_logger_that_cannot_begin_ends_the_run_before_it_has_begun(strangers, file, tmp_path, capsys):
    assert main(["run", str(file), "--workers", "0", "--out", str(tmp_path / "out"), "--log", "unmade"]) == 2
    assert "its constructor failed: called sys.exit (its log: " in capsys.readouterr().err
    assert not list((tmp_path / "out").glob("*/spec.json"))


def test_a_logger_that_hangs_is_ended_when_the_run_is_over(strangers, tmp_path, monkeypatch):
    monkeypatch.setattr(told_module, "CLOSE_SECONDS", 0.2)
    run, said = LoggedRun("b", "", "quick", "reduced", tmp_path, 0, "0"), []
    one = ToldProcess("hangs", "logger hangs", {}, tmp_path / "log.txt")
    one.begin(run)
    one.tell("run_ended", run, RunEnd("finished"))
    with notices_to(said.append):
        one.end(lambda: False)
    assert said == ["logger hangs: had not done all that it was told when the run was over, and was ended"]


def test_a_logger_whose_log_cannot_be_written_is_one_line(strangers, tmp_path):
    (tmp_path / "logs").write_text("in the way")
    one = ToldProcess("writes", "logger writes", {}, tmp_path / "logs/log.txt")
    with pytest.raises(ConfigurationError, match="logger writes: cannot be started: "):
        one.begin(LoggedRun("b", "", "quick", "reduced", tmp_path, 0, "0"))


def test_a_second_request_to_stop_waits_for_no_logger(strangers, tmp_path):
    run = LoggedRun("b", "", "quick", "reduced", tmp_path, 0, "0")
    one = ToldProcess("hangs", "logger hangs", {}, tmp_path / "log.txt")
    one.begin(run)
    one.tell("run_ended", run, RunEnd("stopped"))
    with notices_to(lambda line: None):
        one.end(lambda: True)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (AskedLogger("tensrboard"), "unknown logger 'tensrboard'. Did you mean 'tensorboard'?"),
        (AskedLogger("mlflow", {"experiments": "x"}), "logger mlflow: experiments: mlflow has no such parameter"),
        (AskedLogger("wandb", {"mode": "onlin"}), "logger wandb: mode: "),
        (
            AskedLogger("unpacked"),
            "logger unpacked needs nowhere_to_be_found, which is not installed: pip install 'nowhere-to-be-found'",
        ),
    ],
)
def test_what_a_logger_lacks_is_one_line(strangers, asked, said):
    with pytest.raises(ConfigurationError) as caught:
        check([asked])
    assert str(caught.value).startswith(said)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (
            ["--log-set", "mlflow.experiment=x"],
            "--log-set mlflow.experiment: there is no --log mlflow: name it by --log",
        ),
        (["--log", "mlflow", "--log-set", "mlfow.x=1"], "there is no --log mlfow. Did you mean 'mlflow'?"),
        (["--log", "mlflow", "--log-set", "experiment=1"], "--log-set experiment: must be NAME.PARAMETER=VALUE"),
        (["--log", "tensrboard"], "unknown logger 'tensrboard'. Did you mean 'tensorboard'?"),
    ],
)
def test_wrong_options_are_one_line_and_exit_2(file, tmp_path, capsys, options, said):
    assert main(["run", str(file), "--out", str(tmp_path / "out"), *options]) == 2
    assert said in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_python_takes_names_mappings_objects_and_lists_of_them():
    heard = Recorder()
    asked = loggers_asked_for(["tensorboard", {"mlflow": {"experiment": "x"}, "wandb": None}, heard])
    assert asked == (
        AskedLogger("tensorboard"),
        AskedLogger("mlflow", {"experiment": "x"}),
        AskedLogger("wandb"),
        heard,
    )
    with pytest.raises(ConfigurationError, match="log: a int has none of the methods run_started"):
        loggers_asked_for(3)


def test_an_object_is_told_a_run_from_python(file, tmp_path):
    heard = Recorder()
    found = mebench.run(file, out=tmp_path / "out", seeds=1, engine="inline", progress=False, log=heard)
    assert heard.names[:2] == ["run_started", "trial_started"]
    assert heard.names[-2:] == ["trial_finished", "run_ended"]
    end = heard.calls[-2][2]
    assert end.metrics["accuracy"] == found.trials["accuracy"][0]
    assert [call[2].queries for call in heard.calls if call[0] == "evaluated"] == found.curves["queries"].tolist()


def test_a_logger_needs_nothing_of_the_folder_that_a_run_is_started_in(strangers, tmp_path, monkeypatch):
    """A module of that folder must not take the place of one of Python's."""
    (tmp_path / "pickle.py").write_text("raise SystemExit('not this')")
    monkeypatch.chdir(tmp_path)
    one = ToldProcess("writes", "logger writes", {"word": "x"}, tmp_path / "log.txt")
    one.begin(LoggedRun("b", "", "quick", "reduced", tmp_path, 0, "0"))
    one.end(lambda: False)
    assert (tmp_path / "written.txt").read_text().endswith("run_ended stopped the process of the run is gone\n")


def test_the_logger_of_the_documentation_writes_what_it_says(repository, tmp_path, monkeypatch):
    text = (repository / "docs/loggers.md").read_text(encoding="utf-8")
    (example,) = [block for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "LoggerEntry" in block]
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins/lines.py").write_text(example)
    monkeypatch.setenv("MEBENCH_PLUGIN_DIR", str(tmp_path / "plugins"))
    check([AskedLogger("lines")])
    run, trial = LoggedRun("b", "", "quick", "reduced", tmp_path, 1, "0"), SimpleNamespace(attack="noise", seed=3)
    one = ToldProcess("lines", "logger lines", {}, tmp_path / "log.txt")
    one.begin(run)
    one.tell("trial_finished", trial, TrialEnd("finished", {"accuracy": 0.5}))
    one.tell("trial_failed", trial, TrialEnd("failed", reason="no"))
    one.tell("run_ended", run, RunEnd("finished"))
    one.end(lambda: False)
    assert (tmp_path / "lines.txt").read_text() == "noise 3 0.5\nnoise 3 no\n"


def test_the_documentation_lists_every_call(repository):
    text = (repository / "docs/loggers.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| `(\w+_\w+|evaluated)` \| [^|]* \| `", text, re.MULTILINE) == list(CALLS)
