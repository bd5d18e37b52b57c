"""Clusters that a run starts: options of batch systems, and a run on the jobs of a Slurm that is none."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import fake_slurm
import pytest
from benchmark_files import NOISE, write_benchmark
from test_process_engine import is_alive, wait_until
from without_torch import without_torch

from mebench.api.errors import ConfigurationError, MebenchError
from mebench.api.notices import notices_to
from mebench.cli import main
from mebench.run.engine import EngineSettings, Interrupts, open_engine
from mebench.run.engine.dask import host, solitude
from mebench.run.engine.dask.clusters import batch_cluster, local_cluster
from mebench.run.engine.dask.solitude import Solitude
from mebench.run.engine.jobs import Job

SAME = ("result.json", "curve.jsonl", "clone.safetensors")


def options(folder: Path, text: str) -> Path:
    file = folder / "slurm.yaml"
    file.write_text(text)
    return file


def test_a_run_on_the_jobs_of_a_batch_system_has_the_bytes_of_one_machine_and_ends_its_jobs(
    tmp_path, monkeypatch, capfd
):
    slurm = tmp_path / "slurm"
    monkeypatch.setenv("PATH", f"{fake_slurm.install(slurm)}{os.pathsep}{os.environ['PATH']}")
    file = write_benchmark(tmp_path, NOISE)
    wanted = options(tmp_path, "cores: 2\nmemory: 1GB\nprocesses: 1\ninterface: lo\nwalltime: '00:10:00'\n")
    arguments = ["run", str(file), "--out", str(tmp_path / "slurm-run")]
    assert main([*arguments, "--cluster", "slurm", "--cluster-options", str(wanted)]) == 0
    said = capfd.readouterr()
    assert "done    noise l1: accuracy" in said.err
    assert "distributed" not in said.err + said.out
    assert "#SBATCH -t 00:10:00" in (slurm / "jobs" / "1.sh").read_text()
    assert (slurm / "1.cancelled").exists()
    assert wait_until(lambda: not any(map(is_alive, fake_slurm.processes(slurm))))
    assert main(["run", str(file), "--out", str(tmp_path / "here"), "--workers", "0"]) == 0
    for path in (tmp_path / "here").glob("*/*"):
        if path.name in SAME:
            assert path.read_bytes() == (tmp_path / "slurm-run" / path.parent.name / path.name).read_bytes(), path.name


def descendants(process: int) -> set[int]:
    """The processes below one."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    found: set[int] = set()
    latest = {process}
    while latest:
        latest = {pid for pid, parent in parents.items() if parent in latest} - found
        found |= latest
    return found


def test_a_second_request_ends_a_cluster_of_the_runs_own_with_all_its_processes(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", without_torch()["PYTHONPATH"])
    interrupts, before = Interrupts(), descendants(os.getpid())
    begun: set[int] = set()

    def insist() -> None:
        try:
            assert wait_until((tmp_path / "pids").exists, 300)  # a cluster takes its time on a busy machine
            begun.update(descendants(os.getpid()) - before)
        finally:
            interrupts.stop()
            interrupts.level = 2

    threading.Thread(target=insist).start()
    settings = EngineSettings(workers=1, folder=tmp_path / "out", interrupts=interrupts)
    with open_engine("dask", settings) as engine:
        outcomes = engine.run([Job("hang", "hang", "engine_fakes:hang", tmp_path)])
    assert outcomes["hang"].ending == "stopped"
    assert len(begun) >= 4  # the cluster, a worker, its fork server, the job
    assert wait_until(lambda: not any(map(is_alive, begun)))


SLEEPY = "#!/bin/sh\necho 'Submitted batch job 1'\n"


def waiting_run(folder: Path, monkeypatch: pytest.MonkeyPatch, then: Callable[[Interrupts], None]) -> list[str]:
    """What is said of a run none of whose jobs ever starts, until ``then`` stops it."""
    for program, text in (("sbatch", SLEEPY), ("scancel", "#!/bin/sh\n")):
        (folder / program).write_text(text)
        (folder / program).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    wanted = options(folder, "cores: 1\nmemory: 1GB\ninterface: lo\njobs: 3\n")
    settings = EngineSettings(folder=folder / "out", cluster="slurm", cluster_options=wanted, interrupts=Interrupts())
    said: list[str] = []
    with notices_to(lambda line: (said.append(line), then(settings.interrupts))), open_engine("dask", settings) as one:
        assert one.run([Job("double", "double", "engine_fakes:double", 1)]) == {}
    return said


def test_a_run_whose_jobs_do_not_start_says_what_it_waits_for_and_can_be_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(solitude, "LONELY_SECONDS", 0.5)
    begun = time.monotonic()
    said = waiting_run(tmp_path, monkeypatch, Interrupts.stop)
    assert time.monotonic() - begun < 20
    [line] = said
    assert line.startswith("no dask worker since ")
    assert line.endswith(
        f"waiting for one of 3 slurm jobs to start; see `squeue`, and what they print in {tmp_path / 'out' / 'logs'}"
    )


def test_what_a_run_waits_for_is_said_again_after_ever_longer_pauses(monkeypatch):
    now = 1000.0
    monkeypatch.setattr(solitude.time, "monotonic", lambda: now)
    said: list[float] = []
    with notices_to(lambda line: said.append(now - 1000)):
        alone = Solitude("a worker")
        while now < 1000 + 4 * 3600:
            alone.look()
            now += 1
    assert said == [30, 60, 120, 240, 480, 960, 1920, 3720, 5520, 7320, 9120, 10920, 12720]


def test_a_cluster_that_is_still_starting_is_given_up_at_the_first_request(tmp_path):
    interrupts = Interrupts()
    interrupts.stop()
    settings = EngineSettings(folder=tmp_path, interrupts=interrupts)
    with open_engine("dask", settings) as engine:
        assert engine.run([Job("double", "double", "engine_fakes:double", 1)]) == {}
    assert not list(tmp_path.glob(".mebench-*"))


class Nanny:
    """What dask has for each worker of this machine, without the worker."""

    def __init__(self, status: str, alive: bool) -> None:
        self.status, self.alive = SimpleNamespace(name=status), alive

    def is_alive(self) -> bool:
        return self.alive

    def instantiate(self) -> None:
        self.alive = True


def test_workers_that_dask_does_not_start_again_are_started_again(monkeypatch):
    fine, killed_as_it_began, closed = Nanny("running", True), Nanny("running", False), Nanny("closed", False)
    scaled: list[object] = []
    cluster = SimpleNamespace(
        workers={0: fine, 1: killed_as_it_began, 2: closed},
        worker_spec={0: "", 1: "", 2: "", 3: ""},
        sync=lambda do: do(),
        scale=lambda *number, **jobs: scaled.append(number or jobs),
    )
    looks = iter([False, True, False, True])
    monkeypatch.setattr(host, "_nobody_listens", lambda seconds: next(looks))
    host._tend(cluster, None)
    assert cluster.workers == {0: fine, 1: killed_as_it_began}
    assert killed_as_it_began.alive
    host._tend(cluster, 7)
    assert scaled == [(4,), {"jobs": 7}]


def test_a_batch_system_that_is_not_there_is_said_in_one_line(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    wanted = options(tmp_path, "cores: 1\nmemory: 1GB\ninterface: lo\n")
    settings = EngineSettings(folder=tmp_path, cluster="slurm", cluster_options=wanted)
    with open_engine("dask", settings) as engine, pytest.raises(MebenchError, match=r"^--cluster slurm: .*sbatch here"):
        engine.run([Job("double", "double", "engine_fakes:double", 1)])


def test_a_job_that_is_not_taken_is_said_with_what_the_batch_system_said(tmp_path, monkeypatch):
    (tmp_path / "sbatch").write_text("#!/bin/sh\necho 'sbatch: error: invalid partition' >&2\nexit 1\n")
    (tmp_path / "sbatch").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    wanted = options(tmp_path, "cores: 1\nmemory: 1GB\ninterface: lo\n")
    settings = EngineSettings(folder=tmp_path / "out", cluster="slurm", cluster_options=wanted)
    with open_engine("dask", settings) as engine, pytest.raises(MebenchError, match="invalid partition"):
        engine.run([Job("double", "double", "engine_fakes:double", 1)])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("coers: 4\nmemory: 1GB\n", r"slurm.yaml:1:1: unknown option 'coers'. Did you mean 'cores'\?"),
        ("cores: 4\nmemory: 1GB\njobs: 0\n", r"slurm.yaml:3:7: jobs: a whole number from 1 to 10,000, not 0"),
        ("cores: 4\n", r"slurm.yaml: lacks memory: "),
        ("- cores\n", r"slurm.yaml:1:1: must be a mapping with options of dask-jobqueue"),
        ("", r"slurm.yaml: the file is empty; see docs/many-machines.md"),
        ("cores: 4\ncores: 5\nmemory: 1GB\n", r"slurm.yaml:2:1: this key is given twice"),
        ("cores: 4\nmemory: 1GB\nscheduler_cls: x\n", r"slurm.yaml:3:1: unknown option 'scheduler_cls'"),
    ],
)
def test_options_that_are_wrong_are_said_with_their_place(tmp_path, text, said):
    with pytest.raises(ConfigurationError, match=said):
        batch_cluster("slurm", options(tmp_path, text), tmp_path)


def test_no_options_at_all_are_asked_for():
    with pytest.raises(ConfigurationError, match=r"^--cluster needs --cluster-options: what each job is to have"):
        batch_cluster("pbs", None, Path())


@pytest.mark.parametrize("system", ["slurm", "pbs", "sge", "lsf"])
def test_every_batch_system_knows_the_common_options(tmp_path, system):
    file = options(tmp_path, "cores: 4\nmemory: 1GB\nqueue: q\nwalltime: '1:00'\njobs: 3\nlog_directory: mine\n")
    _, wanted, jobs = batch_cluster(system, file, tmp_path)
    assert jobs == 3
    assert wanted == {"cores": 4, "memory": "1GB", "queue": "q", "walltime": "1:00", "log_directory": "mine"}


def test_a_local_cluster_has_two_workers_and_is_reached_from_this_machine_alone():
    _, wanted, _ = local_cluster(EngineSettings(workers=3, most=10))
    assert (wanted["n_workers"], wanted["threads_per_worker"], wanted["host"]) == (2, 2, "127.0.0.1")
    assert local_cluster(EngineSettings(workers=3, most=1))[1]["n_workers"] == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["--engine", "processes", "--scheduler", "tcp://h:1"],
            "--scheduler is for the engine dask, not for processes",
        ),
        (["--scheduler", "tcp://h:1", "--cluster", "slurm"], "--scheduler and --cluster: give one of them"),
        (["--cluster-options", "a.yaml"], "--cluster-options needs --cluster, whose options they are"),
        (["--engine", "dask", "--workers", "0"], "--workers 0 is the engine inline, not dask"),
    ],
)
def test_options_that_do_not_go_together_end_with_2(tmp_path, capsys, arguments, said):
    assert main(["run", str(write_benchmark(tmp_path, NOISE)), *arguments]) == 2
    assert said in capsys.readouterr().err


def test_an_engine_whose_extra_is_missing_says_how_to_get_it(tmp_path, capsys, monkeypatch):
    from mebench.run.engine import table

    monkeypatch.setattr(table.importlib.util, "find_spec", lambda name: None)
    assert main(["run", str(write_benchmark(tmp_path, NOISE)), "--engine", "dask"]) == 2
    assert capsys.readouterr().err.splitlines()[-1] == (
        "mebench: the engine dask needs distributed, which is not installed: pip install 'mebench[dask]'"
    )
