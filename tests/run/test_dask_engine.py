"""The engine that runs jobs on dask workers: the same outcomes as processes, whatever happens to the workers."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from dask_clusters import kill_worker_of, two_workers
from test_process_engine import Recorder, is_alive, job, pids, wait_until
from trials import VICTIM, tiny_trial

from mebench.api.errors import ConfigurationError, MebenchError
from mebench.api.progress import Progress
from mebench.cli import main
from mebench.models.victims.cache import victims_dir
from mebench.results.trial_folder import TrialFolder, trial_folders
from mebench.run import session
from mebench.run.engine import EngineSettings, Interrupts, Job, Listener, Outcome, ProcessEngine, open_engine
from mebench.run.engine.dask import crew, luggage
from mebench.run.engine.dask.calls import Question, Survey
from mebench.run.tasks import TrialWork

SAME = ("result.json", "curve.jsonl", "clone.safetensors", "samples.png")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """The address of a scheduler, and the folder that its workers' cache is in."""
    folder = tmp_path_factory.mktemp("dask")
    with two_workers(folder) as host:
        yield host.address, folder


@pytest.fixture
def settings(cluster: tuple[str, Path], tmp_path: Path) -> EngineSettings:
    return EngineSettings(folder=tmp_path / "out", scheduler=cluster[0], interrupts=Interrupts())


@pytest.fixture
def nothing_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the workers see no folder of this process."""
    nowhere = Path("/nowhere")
    monkeypatch.setattr(luggage, "Question", lambda versions, *more: Question(versions, nowhere, nowhere, None))


def run(settings: EngineSettings, *jobs: Job, listener: Listener | None = None) -> dict[str, Outcome]:
    with open_engine("dask", settings) as engine:
        return engine.run(jobs, [listener] if listener else [])


def trial_job(root: Path, **more: Any) -> Job:
    spec = tiny_trial(evaluations=20, **more)
    folder = TrialFolder.of(root, spec)
    work = TrialWork(spec, folder.path)
    return Job(spec.id, "trial", "mebench.run.tasks:run", work, log=folder.log, folder=folder.path)


class Killer(Listener):
    """Kills the worker of a trial the first times that it tells how far it is."""

    def __init__(self, log: Path, times: int = 1) -> None:
        self.log, self.left = log, times

    def progressed(self, job: Job, progress: Progress) -> None:
        if self.left and progress.unit == "queries" and progress.done:
            self.left -= 1
            kill_worker_of(self.log)


class KillerOfAll(Listener):
    """Kills the worker of every third trial, once it tells how far it is."""

    def __init__(self, times: int) -> None:
        self.left, self.seen = times, set[str]()

    def progressed(self, job: Job, progress: Progress) -> None:
        if job.key not in self.seen:
            self.seen.add(job.key)
            if self.left and len(self.seen) % 3 == 0:
                self.left -= 1
                kill_worker_of(job.log)


def test_outcomes_are_those_of_processes_and_a_crash_loses_its_own_job_alone(settings):
    recorder = Recorder()
    jobs = (
        job("double", 21),
        job("where"),
        job("raise_error", "1/0"),
        job("raise_user_error", "put the file there"),
        job("call_os_exit", 7),
        job("kill_itself", signal.SIGKILL),
    )
    outcomes = run(settings, *jobs, listener=recorder)
    assert outcomes["double"].value == 42
    assert outcomes["where"].value["threads"] == 1
    assert outcomes["where"].value["environment"]["PYTHONHASHSEED"] == "0"
    assert outcomes["where"].value["environment"]["MALLOC_TRIM_THRESHOLD_"] == str(16 << 30)
    assert {key: one.reason for key, one in outcomes.items() if one.ending == "failed"} == {
        "raise_error": "ZeroDivisionError: 1/0",
        "raise_user_error": "put the file there",
        "call_os_exit": "its process ended with exit code 7 and without a result",
        "kill_itself": "killed by SIGKILL (out of memory?)",
    }
    assert sorted(recorder.events) == sorted(
        [("started", one.key) for one in jobs] + [(outcomes[one.key].ending, one.key) for one in jobs]
    )


def test_a_job_waits_for_what_it_needs_and_fails_with_it(settings):
    outcomes = run(settings, job("raise_error", "no"), job("double", 1, needs=("raise_error",)))
    assert outcomes["double"].reason == "raise_error: ZeroDivisionError: no"


def test_a_job_past_its_timeout_saves_itself_if_it_listens(settings, tmp_path):
    outcome = run(settings, job("count_until_stopped", tmp_path, timeout=0.5))["count_until_stopped"]
    assert (outcome.reason, outcome.cause) == ("took longer than 0.5 s (--timeout)", "timeout")
    assert int((tmp_path / "count").read_text()) > 1


def test_what_passes_is_tried_again(settings, tmp_path):
    outcome = run(settings, job("kill_itself_once", tmp_path / "flag", retries=1))["kill_itself_once"]
    assert (outcome.ending, outcome.value) == ("done", "done at last")


def test_a_first_request_saves_and_stops_and_what_has_not_started_is_not_started(settings, tmp_path):
    settings = replace(settings, workers=1)
    threading.Thread(target=lambda: pids(tmp_path) and settings.interrupts.stop()).start()
    outcomes = run(settings, job("count_until_stopped", tmp_path), job("double", 1))
    assert {key: one.ending for key, one in outcomes.items()} == {"count_until_stopped": "stopped"}
    assert int((tmp_path / "count").read_text()) > 0


def test_a_second_request_kills_with_all_that_a_job_has_started(settings, tmp_path):
    def kill() -> None:
        pids(tmp_path)
        settings.interrupts.level = 2

    threading.Thread(target=kill).start()
    assert run(settings, job("hang", tmp_path))["hang"].ending == "stopped"
    assert wait_until(lambda: not any(map(is_alive, pids(tmp_path))))


def test_a_trial_whose_worker_is_killed_goes_on_elsewhere_from_its_checkpoint_to_the_same_bytes(settings, tmp_path):
    lost, whole = trial_job(tmp_path / "lost", budget=12_000), trial_job(tmp_path / "whole", budget=12_000)
    assert lost.log
    assert whole.log
    outcomes = run(settings, lost, listener=Killer(lost.log))
    assert outcomes[lost.key].ending == "done", outcomes[lost.key].reason
    assert lost.log.read_text().count("--- ") == 2
    assert "goes on from its checkpoint" in lost.log.read_text()
    assert ProcessEngine(["cpu"]).run([whole])[whole.key].ending == "done"
    for name in SAME:
        assert (lost.log.parent / name).read_bytes() == (whole.log.parent / name).read_bytes(), name


def test_trials_whose_workers_are_killed_again_and_again_have_the_bytes_of_processes(settings, tmp_path):
    lost = [trial_job(tmp_path / "lost", seed=seed, budget=200) for seed in range(6)]
    whole = [trial_job(tmp_path / "whole", seed=seed, budget=200) for seed in range(6)]
    killer = KillerOfAll(times=2)
    outcomes = run(settings, *lost, listener=killer)
    assert killer.left == 0
    assert {one.ending for one in outcomes.values()} == {"done"}
    ProcessEngine(["cpu"] * 2).run(whole)
    for there, here in zip(lost, whole, strict=True):
        for name in SAME:
            assert (there.folder / name).read_bytes() == (here.folder / name).read_bytes(), name


def test_a_job_that_loses_worker_after_worker_and_comes_no_further_is_given_up():
    errand = luggage.Errand(job("double", 1))
    errand.far(7)
    assert errand.lose()
    for _ in range(9):
        errand.far(7)
        assert errand.lose()
    errand.far(7)
    assert not errand.lose()


def test_a_job_is_blamed_less_for_workers_that_are_lost_before_it_has_told_how_far_it_is():
    errand = luggage.Errand(job("double", 1))
    assert [errand.lose() for _ in range(31)] == [True] * 30 + [False]


def test_a_job_that_comes_further_each_time_goes_on_however_often_its_worker_is_lost():
    errand = luggage.Errand(job("double", 1))
    for done in range(1, 20):
        errand.far(done)
        assert errand.lose()


def test_where_nothing_is_shared_results_are_sent_back_and_victims_are_sent_there_once(
    settings, cluster, tmp_path, nothing_shared
):
    there = cluster[1] / "cache" / "victims"
    shutil.rmtree(there, ignore_errors=True)
    prepare = Job("victim-tiny", "victim tiny", "mebench.run.tasks:prepare", VICTIM, log=tmp_path / "logs" / "v.txt")
    trial = replace(trial_job(tmp_path / "out"), needs=("victim-tiny",))
    outcomes = run(settings, prepare, trial)
    assert outcomes[trial.key].ending == "done", outcomes[trial.key].reason
    cached = outcomes["victim-tiny"].value["cached"]
    assert (victims_dir() / cached / "weights.safetensors").read_bytes() == (
        there / cached / "weights.safetensors"
    ).read_bytes()
    assert "victim tiny" in (tmp_path / "logs" / "v.txt").read_text()

    shutil.rmtree(there)
    again = replace(trial, key="again")
    shutil.rmtree(trial.folder)
    assert run(settings, prepare, replace(again, needs=("victim-tiny",)))["again"].ending == "done"
    assert "victim tiny: cache" in trial.log.read_text()
    whole = trial_job(tmp_path / "whole")
    ProcessEngine(["cpu"]).run([whole])
    for name in SAME:
        assert (trial.folder / name).read_bytes() == (whole.folder / name).read_bytes(), name
    assert not (trial.folder / "checkpoint.safetensors").exists()


def test_where_nothing_is_shared_a_stopped_trial_comes_back_with_its_checkpoint(settings, tmp_path, nothing_shared):
    class Stopper(Listener):
        def progressed(self, job: Job, progress: Progress) -> None:
            if progress.unit == "queries" and progress.done:
                settings.interrupts.stop()

    trial = trial_job(tmp_path / "out", budget=12_000)
    assert run(settings, trial, listener=Stopper())[trial.key].ending == "stopped"
    assert (trial.folder / "checkpoint.safetensors").exists()
    assert not (trial.folder / "result.json").exists()
    assert TrialFolder(trial.folder).holder() is None


def test_a_run_by_the_command_has_the_bytes_of_processes_and_leaves_nothing(cluster, tmp_path, capfd):
    from benchmark_files import NOISE, write_benchmark

    file = write_benchmark(tmp_path, NOISE)
    arguments = ["run", str(file), "--workers", "2"]
    assert main([*arguments, "--out", str(tmp_path / "dask"), "--scheduler", cluster[0]]) == 0
    said = capfd.readouterr().err
    assert "done    noise l1: accuracy" in said
    assert "distributed" not in said
    assert main([*arguments, "--out", str(tmp_path / "processes")]) == 0
    for path in (tmp_path / "processes").glob("*/*"):
        if path.name in SAME:
            assert path.read_bytes() == (tmp_path / "dask" / path.parent.name / path.name).read_bytes()
    assert not list((tmp_path / "dask").glob(".mebench-*"))


LOGGER = """
from mebench import LoggerEntry, RunLogger, hookimpl

@hookimpl
def mebench_loggers():
    return [LoggerEntry("lines", "Writes calls down.", "lines:Lines")]

class Lines(RunLogger):
    def __init__(self, run):
        self.file = (run.folder / "lines.txt").open("w")

    def trial_started(self, trial):
        print("started", trial.id, file=self.file, flush=True)

    def trial_finished(self, trial, end):
        print("finished", trial.id, end.metrics["accuracy"], file=self.file, flush=True)
"""


def test_what_has_failed_runs_again_on_a_cluster_to_the_bytes_of_one_machine_and_a_logger_is_told(
    cluster, tmp_path, capfd, monkeypatch
):
    from benchmark_files import NOISE, write_benchmark

    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "lines.py").write_text(LOGGER)
    monkeypatch.setenv("MEBENCH_PLUGIN_DIR", str(tmp_path / "plugins"))

    file = write_benchmark(tmp_path, NOISE)
    root = tmp_path / "out"
    assert main(["run", str(file), "--workers", "0", "--out", str(root)]) == 0
    [folder] = trial_folders(root)
    before = {name: (folder.path / name).read_bytes() for name in SAME if (folder.path / name).exists()}
    spec = folder.spec()
    (folder.path / "result.json").unlink()
    folder.fail(spec, "no luck")
    capfd.readouterr()
    there: list[str] = []
    monkeypatch.setattr(session, "open_engine", lambda name, *more: there.append(name) or open_engine(name, *more))
    assert main(["rerun", "--failed", "--out", str(root), "--scheduler", cluster[0], "--log", "lines"]) == 0
    assert "done    noise l1: accuracy" in capfd.readouterr().err
    told = [line.split() for line in (root / "lines.txt").read_text().splitlines()]
    assert [line[:2] for line in told] == [["started", spec.id], ["finished", spec.id]]
    assert there == ["dask"]
    assert {name: (folder.path / name).read_bytes() for name in before} == before


@pytest.mark.parametrize("name", ["distributed", "distributed.client", "distributed.core"])
def test_what_dask_says_goes_to_the_logs_of_the_run_alone(settings, capfd, name):
    with open_engine("dask", settings) as engine:
        engine.run([job("double", 1)])
        logging.getLogger(name).warning("lost something")
    logging.getLogger(name).warning("lost all")
    assert "lost" not in "".join(capfd.readouterr())
    assert (settings.folder / "logs" / "dask.txt").read_text().count(f"{name} lost something") == 1


def test_a_scheduler_that_does_not_answer_is_said_in_one_line(tmp_path, monkeypatch):
    from mebench.run.engine.dask import connection

    monkeypatch.setattr(connection, "CONNECT_SECONDS", 0.2)
    settings = EngineSettings(folder=tmp_path, scheduler="tcp://127.0.0.1:1")
    with pytest.raises(ConfigurationError, match=r"^dask scheduler tcp://127.0.0.1:1: no answer \(.*\)[^\n]*$"):
        run(settings, job("double", 1))


def test_a_worker_with_other_versions_is_given_nothing_and_the_run_says_why(settings, monkeypatch):
    other = {**luggage.versions(), "torch": "0.1"}
    monkeypatch.setattr(luggage, "versions", lambda: other)
    with pytest.raises(
        MebenchError, match=r"^dask worker tcp://.* has torch .* in place of 0\.1: install the same there"
    ):
        run(settings, job("double", 1))


HERE = Survey("here", (), True, True)


def a_crew(threads: dict[str, int], devices: tuple[str, ...] = ("cpu",), **more: int) -> crew.Crew:
    made = crew.Crew(**more)
    made.met(threads)
    made.equip(devices)
    for address in threads:
        made.introduce(address, HERE)
    return made


def filled(some: crew.Crew) -> list[str]:
    """Give jobs until there is no more room; return where each went."""
    given = []
    while place := some.free():
        place[1].take(False)
        given.append(f"{place[0].address} {place[1].device}")
    return given


def test_the_worker_with_the_most_room_is_next_and_no_more_run_at_once_than_asked_for():
    some = crew.Crew(most=3)
    assert some.met({"a": 1, "b": 4}) == (["a", "b"], [])
    assert some.free() is None
    for address in "ab":
        some.introduce(address, HERE)
    assert filled(some) == ["b cpu"] * 3
    assert some.slots == 3
    assert some.met({"a": 1}) == ([], ["b"])
    assert some.slots == 1


def test_a_worker_that_is_lost_while_it_is_asked_is_asked_again_and_not_refused():
    some = crew.Crew()
    assert some.met({"a": 1}) == (["a"], [])
    some.introduce("a", ConnectionResetError("gone"))
    assert not some.refused
    assert some.met({"a": 1}) == (["a"], [])
    some.introduce("a", ImportError("no mebench"))
    assert "install the same there" in some.refused["a"]


def test_small_trials_share_a_gpu_and_are_spread_over_those_of_a_worker():
    assert sorted(filled(a_crew({"a": 16}, ("cuda:0", "cuda:1"), per_gpu=2))) == ["a cuda:0"] * 2 + ["a cuda:1"] * 2
    assert sorted(filled(a_crew({"a": 16, "b": 16}, ("cuda",)))) == ["a cuda", "b cuda"]
    assert len(filled(a_crew({"a": 3}, ("cuda:0", "cuda:1"), per_gpu=2))) == 3


def test_a_device_becomes_free_for_what_must_be_alone_and_nothing_joins_it_while_others_go_on():
    some = a_crew({"a": 16}, ("cuda:0", "cuda:1"), per_gpu=2)
    filled(some)
    assert some.free(alone=True) is None
    some.keep_one()
    some.keep_one()
    kept, other = some.hand("a").berths
    assert (kept.kept, other.kept) == (True, False)
    kept.give_back()
    assert some.free() is None
    kept.give_back()
    assert some.free() is None
    assert some.free(alone=True)[1] is kept
    kept.take(True)
    other.give_back()
    assert filled(some) == ["a cuda:1"]
    kept.give_back()
    assert filled(some) == ["a cuda:0"] * 2


def test_a_job_without_memory_is_tried_once_more_alone_although_no_retries_are_asked_for(settings, tmp_path):
    jobs = [job("need_memory_alone", tmp_path / "one"), *(job("meet", (tmp_path, 1), key=str(k)) for k in range(3))]
    outcomes = run(settings, *jobs)
    assert outcomes["need_memory_alone"].value == "done alone"
    assert {one.ending for one in outcomes.values()} == {"done"}


def test_the_processes_of_a_worker_have_none_of_its_own_variables_of_mebench_replaced(settings, cluster):
    assert run(settings, job("where"))["where"].value["environment"]["MEBENCH_CACHE"] == str(cluster[1] / "cache")
    assert os.environ["MEBENCH_CACHE"] != str(cluster[1] / "cache")
