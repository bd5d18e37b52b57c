from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import pytest

from mebench.api.progress import Progress
from mebench.run.engine import Engine, InlineEngine, Job, Listener, Outcome, ProcessEngine, handle


def job(function: str, payload: Any = None, key: str = "", **more: Any) -> Job:
    key = key or function
    return Job(key, key, f"engine_fakes:{function}", payload, **more)


def run(*jobs: Job, slots: int = 2, threads: int = 1, listener: Listener | None = None) -> dict[str, Outcome]:
    return ProcessEngine(["cpu"] * slots, threads).run(jobs, [listener] if listener else [])


def is_alive(pid: int) -> bool:
    """Whether a process runs; a zombie that init has not fetched yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):  # the latter where it ends while it is read
        return False


def wait_until(fact: Callable[[], Any], seconds: float = 20) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if fact():
            return True
        time.sleep(0.02)
    return False


def pids(folder: Path) -> list[int]:
    assert wait_until((folder / "pids").exists)
    return [int(word) for word in (folder / "pids").read_text().split()]


class Recorder(Listener):
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str]] = []
        self.progress: list[Progress] = []

    def started(self, job: Job) -> None:
        self.events.append(("started", job.key))

    def progressed(self, job: Job, progress: Progress) -> None:
        self.progress.append(progress)

    def ended(self, job: Job, outcome: Outcome) -> None:
        self.events.append((outcome.ending, job.key))


def test_values_come_back_by_key_from_processes_of_their_own() -> None:
    outcomes = run(job("double", 21), job("where"))
    assert outcomes["double"].value == 42
    assert outcomes["where"].value["pid"] != os.getpid()


def test_an_exception_fails_its_job_alone_with_reason_and_traceback() -> None:
    outcomes = run(job("raise_error", "1/0"), job("double", 1))
    assert outcomes["raise_error"].reason == "ZeroDivisionError: 1/0"
    assert "raise ZeroDivisionError(payload)" in outcomes["raise_error"].traceback
    assert outcomes["double"].ending == "done"


def test_the_reason_of_a_user_error_is_its_message_alone() -> None:
    assert run(job("raise_user_error", "put the file there"))["raise_user_error"].reason == "put the file there"


@pytest.mark.parametrize(
    ("function", "payload", "reason"),
    [
        ("call_sys_exit", 0, "called sys.exit(0)"),
        ("call_os_exit", 0, "its process ended with exit code 0 and without a result"),
        ("call_os_exit", 7, "its process ended with exit code 7 and without a result"),
        ("kill_itself", signal.SIGKILL, "killed by SIGKILL (out of memory?)"),
        ("kill_itself", signal.SIGSEGV, "killed by SIGSEGV"),
        ("no_such_function", None, "AttributeError: module 'engine_fakes' has no attribute 'no_such_function'"),
    ],
)
def test_a_process_that_dies_fails_its_job_alone(function: str, payload: Any, reason: str) -> None:
    outcomes = run(job(function, payload), job("double", 1))
    assert (outcomes[function].ending, outcomes[function].reason) == ("failed", reason)
    assert outcomes["double"].ending == "done"


def test_a_job_whose_process_is_killed_is_tried_again_and_done(tmp_path: Path) -> None:
    recorder = Recorder()
    outcomes = run(job("kill_itself_once", tmp_path / "tried", retries=1), listener=recorder)
    assert outcomes["kill_itself_once"].value == "done at last"
    assert [event for event, _ in recorder.events] == ["started", "started", "done"]


def test_a_job_past_its_timeout_is_killed_with_its_children(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handle, "STOP_GRACE_SECONDS", 0.3)
    outcomes = run(job("hang", tmp_path, timeout=0.5), job("double", 1))
    assert outcomes["hang"].ending == "failed"
    assert (outcomes["hang"].cause, outcomes["hang"].reason) == ("timeout", "took longer than 0.5 s (--timeout)")
    assert outcomes["double"].ending == "done"
    assert wait_until(lambda: not any(map(is_alive, pids(tmp_path))))


def test_a_job_past_its_timeout_saves_itself_if_it_listens(tmp_path: Path) -> None:
    outcome = run(job("count_until_stopped", tmp_path, timeout=0.5))["count_until_stopped"]
    assert outcome.reason == "took longer than 0.5 s (--timeout)"
    assert int((tmp_path / "count").read_text()) > 1


def test_a_job_that_gives_no_sign_of_life_is_ended_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handle, "STOP_GRACE_SECONDS", 0.3)
    outcomes = run(job("hang_at_once", stall=2.0, subject="attack a (b 1)"), job("double", 1, stall=2.0))
    assert outcomes["hang_at_once"].ending == "failed"
    reason = "gave no sign of life for 2 s (--stall-timeout), while it ran attack a (b 1)"
    assert outcomes["hang_at_once"].reason == reason
    assert outcomes["double"].ending == "done"


def test_work_that_takes_longer_than_the_limit_but_gives_signs_of_life_is_done() -> None:
    signs = ("report", "should_stop", "optimizer", "heartbeat")
    outcomes = run(*(job("work_for_long", sign, sign, stall=3.0) for sign in signs), slots=4)
    assert {key: (one.ending, one.value) for key, one in outcomes.items()} == {sign: ("done", sign) for sign in signs}


def test_work_that_must_end_ends_although_its_code_catches_everything() -> None:
    outcomes = run(job("refuse_to_end", "attack a (b 1): asks on and on"), job("double", 1))
    assert (outcomes["refuse_to_end"].ending, outcomes["refuse_to_end"].reason) == (
        "failed",
        "attack a (b 1): asks on and on",
    )
    assert outcomes["double"].ending == "done"


def test_a_job_that_is_done_but_hangs_at_exit_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handle, "EXIT_GRACE_SECONDS", 0.3)
    outcome = run(job("hang_at_exit", 5))["hang_at_exit"]
    assert (outcome.ending, outcome.value) == ("done", 5)


def test_children_that_a_job_leaves_behind_are_ended(tmp_path: Path) -> None:
    assert run(job("leave_a_child_behind", tmp_path))["leave_a_child_behind"].ending == "done"
    assert wait_until(lambda: not any(map(is_alive, pids(tmp_path))))


@pytest.mark.skipif(sys.platform != "linux", reason="no other system tells descendants apart")
@pytest.mark.parametrize("ending", ["is done", "raises", "killed", "hangs"])
def test_children_in_sessions_of_their_own_end_with_their_job_and_none_of_anybody_else(
    ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handle, "STOP_GRACE_SECONDS", 0.1)
    other = subprocess.Popen(["sleep", "300"], start_new_session=True)
    try:
        run(job("leave_escaped_children", (tmp_path, ending), timeout=2.0 if ending == "hangs" else None))
        assert not any(map(is_alive, pids(tmp_path)))
        assert is_alive(other.pid)
    finally:
        other.kill()
        other.wait()


def test_a_worker_killed_from_outside_fails_and_one_that_is_terminated_saves_itself(tmp_path: Path) -> None:
    def terminate() -> None:
        os.kill(pids(tmp_path)[0], signal.SIGTERM)

    killer = threading.Thread(target=terminate)
    killer.start()
    outcome = run(job("count_until_stopped", tmp_path))["count_until_stopped"]
    killer.join()
    assert outcome.reason == "was asked to stop by SIGTERM from outside mebench"
    assert (tmp_path / "count").exists()


def test_a_job_starts_after_those_that_it_needs() -> None:
    outcomes = run(job("span", 0.1, "second", needs=("first",)), job("span", 0.3, "first"), slots=2)
    assert outcomes["second"].value[0] >= outcomes["first"].value[1]


def test_jobs_that_need_a_failed_one_fail_with_its_reason_and_others_go_on() -> None:
    recorder = Recorder()
    outcomes = run(
        job("raise_error", "no data", "victim-a"),
        job("double", 1, "trial-a", needs=("victim-a",)),
        job("double", 2, "trial-a-2", needs=("trial-a",)),
        job("double", 3, "victim-b"),
        job("double", 4, "trial-b", needs=("victim-b",)),
        listener=recorder,
    )
    assert outcomes["trial-a"].reason == "victim-a: ZeroDivisionError: no data"
    assert outcomes["trial-a-2"].ending == "failed"
    assert outcomes["trial-b"].value == 8
    assert ("started", "trial-a") not in recorder.events
    assert ("failed", "trial-a") in recorder.events


def test_as_many_jobs_run_at_once_as_there_are_slots(tmp_path: Path) -> None:
    outcomes = run(*[job("meet", (tmp_path, 3), str(k)) for k in range(3)], slots=3)
    assert [one.value for one in outcomes.values()] == [True, True, True]


@pytest.mark.parametrize("slots", [1, 2])
def test_no_more_jobs_run_at_once_than_there_are_slots(slots: int) -> None:
    spans = [one.value for one in run(*[job("span", 0.4, str(k)) for k in range(4)], slots=slots).values()]
    assert max(sum(begin <= moment < end for begin, end in spans) for moment, _ in spans) <= slots


def test_jobs_start_in_the_order_given() -> None:
    recorder = Recorder()
    run(*[job("double", k, str(k)) for k in range(5)], slots=1, listener=recorder)
    assert [key for event, key in recorder.events if event == "started"] == list("01234")


def test_each_slot_gives_its_device() -> None:
    outcomes = ProcessEngine(["cuda:0", "cuda:1"]).run([job("where", key=str(k)) for k in range(4)])
    assert {one.value["device"] for one in outcomes.values()} == {"cuda:0", "cuda:1"}


def test_a_worker_has_the_threads_asked_for_whatever_runs_beside() -> None:
    for threads, jobs in ((1, 1), (2, 1), (2, 2)):
        outcomes = run(*[job("where", key=str(k)) for k in range(jobs)], threads=threads)
        assert {one.value["threads"] for one in outcomes.values()} == {threads}
        assert {one.value["interop"] for one in outcomes.values()} == {1}


def test_progress_is_throttled_in_the_worker() -> None:
    recorder = Recorder()
    seconds = run(job("many_reports", 100_000), listener=recorder)["many_reports"].value
    assert 1 <= len(recorder.progress) <= seconds / 0.2 + 1


def test_output_of_python_and_of_children_goes_to_the_log_of_the_job_and_is_appended(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "deep" / "log.txt"
    run(job("talk", "once", log=log))
    run(job("talk", "twice", log=log))
    text = log.read_text()
    for word in ("once", "twice"):
        assert f"from python: {word}\n" in text
        assert f"from a child: {word}\n" in text
    assert text.count("--- ") == 2
    assert capfd.readouterr() == ("", "")


def test_a_reason_of_any_length_comes_back_with_its_beginning_its_end_and_what_was_left_out(tmp_path: Path) -> None:
    outcome = run(job("raise_long_error", 1_000_000, log=tmp_path / "log.txt"))["raise_long_error"]
    assert outcome.reason.startswith("ValueError: begin word")
    assert outcome.reason.endswith("word end")
    assert re.search(r"\[\.\.\. [\d,]{9} characters left out \.\.\.\]", outcome.reason)
    assert len(outcome.reason) < 3_000
    assert len(outcome.traceback) < 101_000
    assert (tmp_path / "log.txt").stat().st_size < 110_000


def test_a_traceback_is_in_the_log_too(tmp_path: Path) -> None:
    run(job("raise_error", "boom", log=tmp_path / "log.txt"))
    assert "ZeroDivisionError: boom" in (tmp_path / "log.txt").read_text()


def test_the_parents_environment_is_left_as_it_was() -> None:
    before = dict(os.environ)
    run(job("double", 1))
    assert dict(os.environ) == before


def test_workers_see_settings_as_they_are_now(monkeypatch: pytest.MonkeyPatch) -> None:
    for value in ("first", "second"):
        monkeypatch.setenv("MEBENCH_TEST", value)
        assert run(job("where"))["where"].value["environment"]["MEBENCH_TEST"] == value
    monkeypatch.delenv("MEBENCH_TEST")
    assert "MEBENCH_TEST" not in run(job("where"))["where"].value["environment"]


@pytest.mark.parametrize("function", ["double", "raise_user_error", "call_sys_exit", "raise_keyboard_interrupt"])
def test_inline_and_process_engines_agree(function: str) -> None:
    one = job(function, 3)
    inline, process = InlineEngine().run([one])[function], run(one)[function]
    assert (inline.ending, inline.value, inline.reason) == (process.ending, process.value, process.reason)


def test_an_inline_job_past_its_timeout_fails_where_it_asks(tmp_path: Path) -> None:
    outcome = InlineEngine().run([job("count_until_stopped", tmp_path, timeout=0.2)])["count_until_stopped"]
    assert outcome.reason == "took longer than 0.2 s (--timeout)"


def test_a_keyboard_interrupt_that_no_user_asked_for_is_a_failure_and_stops_nothing_else() -> None:
    outcomes = InlineEngine().run([job("raise_keyboard_interrupt", subject="attack bad"), job("double", 1)])
    assert outcomes["raise_keyboard_interrupt"].reason == "KeyboardInterrupt, while it ran attack bad"
    assert outcomes["double"].ending == "done"


@pytest.mark.parametrize("engine", [InlineEngine(), ProcessEngine(["cpu"])], ids=["inline", "process"])
def test_a_job_that_closes_its_streams_is_done_and_what_comes_after_it_writes(
    engine: Engine, capfd: pytest.CaptureFixture[str]
) -> None:
    assert engine.run([job("close_streams", 3)])["close_streams"].ending == "done"
    os.write(1, b"still here")
    click.echo(" and here")
    assert capfd.readouterr().out == "still here and here\n"
