"""Signals to a whole run: a script of its own is started, and looked at by process id."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from forked import Forked
from test_process_engine import is_alive, pids, wait_until
from without_torch import without_torch

SCRIPT = """
import sys
from pathlib import Path
from mebench.run.engine import InlineEngine, Interrupts, Job, Listener, ProcessEngine, handle

handle.SILENCE_SECONDS = 1.0

kind, function, folder = sys.argv[1:]

class Loud(Listener):
    def interrupted(self, level):
        print("interrupted", level, flush=True)

jobs = [
    Job("one", "one", f"engine_fakes:{function}", Path(folder)),
    Job("two", "two", "engine_fakes:double", 2, needs=("one",)),
]
with Interrupts(raise_when_killed=kind == "inline") as interrupts:
    engine = InlineEngine(interrupts=interrupts) if kind == "inline" else ProcessEngine(["cpu"], 1, interrupts)
    for key, outcome in engine.run(jobs, [Loud()]).items():
        print(key, outcome.ending, flush=True)
"""


@pytest.fixture
def start(tmp_path: Path):
    running = []

    def start(function: str = "count_until_stopped", kind: str = "process") -> subprocess.Popen[str] | Forked:
        words = [kind, function, str(tmp_path)]
        if kind == "process":
            script = tmp_path / "script.py"
            script.write_text(SCRIPT)
            process = subprocess.Popen(
                [sys.executable, script, *words],
                env=without_torch(),
                stdout=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
        else:  # the engine itself needs torch
            process = Forked(SCRIPT, words, tmp_path)
        running.append(process)
        assert wait_until((tmp_path / "pids").exists, 60)
        return process

    yield start
    for process in running:
        for pid in [*descendants(process.pid), *workers_of(tmp_path)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()


def workers_of(folder: Path) -> list[int]:
    """Those processes in ``folder``'s file of process ids that still run."""
    return [pid for pid in pids(folder) if is_alive(pid)] if (folder / "pids").exists() else []


def descendants(pid: int) -> list[int]:
    """Every process of the session that ``pid`` leads, whatever its parent is now."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(fields[3]) == pid and fields[0] != "Z":
            found.append(int(stat.parent.name))
    return found


@pytest.mark.parametrize("kind", ["process", "inline"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_request_saves_and_starts_nothing_more(
    start, tmp_path: Path, kind: str, number: signal.Signals
) -> None:
    process = start(kind=kind)
    os.killpg(process.pid, number)  # as the terminal does: to all processes of the group
    output, _ = process.communicate(timeout=20)
    assert output.splitlines()[-1:] == ["one stopped"]
    assert "two" not in output
    assert int((tmp_path / "count").read_text()) >= 1
    assert wait_until(lambda: not descendants(process.pid))


def test_the_engine_tells_that_it_stops(start) -> None:
    process = start()
    process.send_signal(signal.SIGINT)
    assert process.stdout.readline() == "interrupted 1\n"


def test_a_signal_that_comes_twice_at_once_is_one_request(start, tmp_path: Path) -> None:
    process = start()
    process.send_signal(signal.SIGINT)
    time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=20)
    assert "interrupted 2" not in output
    assert (tmp_path / "count").exists()


@pytest.mark.parametrize("kind", ["process", "inline"])
def test_the_second_request_kills_what_does_not_listen(start, tmp_path: Path, kind: str) -> None:
    process = start("hang", kind)
    process.send_signal(signal.SIGINT)
    time.sleep(0.8)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    process.wait(timeout=20)
    if kind == "process":
        assert not any(map(is_alive, pids(tmp_path)))
    else:  # what the work has started is nobody's here
        os.kill(pids(tmp_path)[1], signal.SIGKILL)
    assert "one stopped\n" in process.stdout.readlines()


def test_the_first_request_ends_what_catches_everything_and_gives_no_sign_of_life(start, tmp_path: Path) -> None:
    process = start("catch_all")
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=30)
    assert output.splitlines()[-1] == "one stopped"
    assert not any(map(is_alive, pids(tmp_path)))


def test_the_second_request_ends_what_catches_everything_in_this_very_process(start) -> None:
    process = start("catch_all", "inline")
    process.send_signal(signal.SIGINT)
    time.sleep(0.8)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=30)
    assert output.splitlines()[-1:] == ["one stopped"] or process.returncode == 130


def test_workers_of_a_killed_engine_save_themselves_and_nothing_is_left(start, tmp_path: Path) -> None:
    process = start()
    assert len(descendants(process.pid)) >= 3  # engine, fork server, worker
    process.kill()
    process.wait()
    assert wait_until((tmp_path / "count").exists)
    assert wait_until(lambda: not descendants(process.pid))


def test_a_worker_outlives_the_fork_server_no_longer_than_the_engine_notices(start, tmp_path: Path) -> None:
    process = start()
    (worker,) = pids(tmp_path)
    server = int(Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(server, signal.SIGKILL)
    output, _ = process.communicate(timeout=20)
    assert "one failed" in output
    assert wait_until(lambda: not descendants(process.pid))


def test_workers_stand_still_while_the_run_is_suspended(start, tmp_path: Path) -> None:
    process = start()
    (worker,) = pids(tmp_path)

    def state(pid: int) -> str:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]

    process.send_signal(signal.SIGTSTP)
    assert wait_until(lambda: state(worker) == "T" and state(process.pid) == "T")
    process.send_signal(signal.SIGCONT)
    assert wait_until(lambda: state(worker) != "T")
    process.send_signal(signal.SIGINT)
    assert "one stopped" in process.communicate(timeout=20)[0]
