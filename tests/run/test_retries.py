from __future__ import annotations

import errno
import signal
from pathlib import Path

import pytest
import torch

from mebench.api.errors import PluginFaultError, UnwritableError
from mebench.run.engine import Interrupts, Job, Listener, Outcome
from mebench.run.engine import retries as retries_module
from mebench.run.engine.jobs import Cause
from mebench.run.engine.retries import cause_of_death, cause_of_error, out_of_memory_kills
from mebench.run.engine.schedule import Schedule
from mebench.run.failure_limit import FailureLimit
from mebench.run.state import RunState


def job(key: str, retries: int = 0, *needs: str) -> Job:
    return Job(key, key, "nowhere:work", needs=needs, retries=retries)


def failed(cause: Cause) -> Outcome:
    return Outcome("failed", reason="it broke", cause=cause)


class Told(Listener):
    """What it was told, in order."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def retried(self, job: Job, outcome: Outcome) -> None:
        self.lines.append(f"{job.key} again: {outcome.reason}")

    def ended(self, job: Job, outcome: Outcome) -> None:
        self.lines.append(f"{job.key} {outcome.ending}: {outcome.reason}")


def raised_from(error: BaseException) -> BaseException:
    try:
        raise PluginFaultError("attack a (b 1): propose failed") from error
    except PluginFaultError as wrapped:
        return wrapped


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (ValueError("out of memory"), "error"),
        (MemoryError(), "out of memory"),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), "out of memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"), "out of memory"),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED"), "out of memory"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "out of memory"),
        (raised_from(MemoryError()), "out of memory"),
        (RuntimeError("shapes do not match"), "error"),
        (OSError(errno.ENOSPC, "No space left on device"), "full disk"),
        (OSError(errno.EACCES, "Permission denied"), "error"),
    ],
    ids=repr,
)
def test_the_cause_of_an_error_is_told_by_what_led_to_it(error: BaseException, cause: Cause) -> None:
    assert cause_of_error(error) == cause


def test_the_cause_of_an_unwritable_file_is_what_the_system_said() -> None:
    error = UnwritableError("result.json", "No space left on device")
    error.__cause__ = OSError(errno.ENOSPC, "No space left on device")
    assert cause_of_error(error) == "full disk"


def test_errors_that_lead_to_each_other_have_a_cause_too() -> None:
    first, second = ValueError("a"), ValueError("b")
    first.__cause__, second.__cause__ = second, first
    assert cause_of_error(first) == "error"


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        (-signal.SIGKILL, "lost worker"),
        (-signal.SIGTERM, "lost worker"),
        (-signal.SIGSEGV, "crash"),
        (-signal.SIGABRT, "crash"),
        (0, "crash"),
        (7, "crash"),
        (None, "crash"),
    ],
)
def test_a_process_ended_from_outside_was_lost_and_one_that_ended_itself_has_crashed(
    code: int | None, cause: Cause
) -> None:
    assert cause_of_death(code, out_of_memory_kills()) == cause


def test_a_process_that_was_killed_when_the_kernel_ran_out_of_memory_lacked_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counters = tmp_path / "vmstat"
    monkeypatch.setattr(retries_module, "_VMSTAT", counters)
    assert out_of_memory_kills() == 0
    counters.write_text("nr_free_pages 7\noom_kill 3\nother 1\n")
    assert cause_of_death(-signal.SIGKILL, 3) == "lost worker"
    assert cause_of_death(-signal.SIGKILL, 2) == "out of memory"
    assert cause_of_death(-signal.SIGTERM, 2) == "lost worker"


def test_a_job_whose_cause_passes_is_tried_again_as_often_as_it_may_be() -> None:
    told = Told()
    schedule = Schedule([job("a", retries=2), job("b")], [told])
    for _ in range(2):
        one = schedule.next()
        assert one is not None
        assert one.key in "ab"
        schedule.end(one, failed("lost worker") if one.key == "a" else Outcome("done"))
    assert (schedule.waiting, list(schedule.outcomes)) == (True, ["b"])
    for _ in range(2):
        one = schedule.next()
        assert one is not None
        schedule.end(one, failed("lost worker"))
    assert not schedule.waiting
    assert told.lines == [
        "a again: it broke",
        "b done: ",
        "a again: it broke",
        "a failed: it broke (the last of 3 tries)",
    ]


@pytest.mark.parametrize("cause", ["error", "crash", "timeout", "stall", "full disk"])
def test_a_job_whose_cause_does_not_pass_is_not_tried_again(cause: Cause) -> None:
    schedule = Schedule([job("a", retries=5)])
    one = schedule.next()
    assert one is not None
    schedule.end(one, failed(cause))
    assert schedule.outcomes["a"].reason == "it broke"
    assert not schedule.waiting


def test_a_job_that_lacked_memory_runs_alone_after_all_others() -> None:
    schedule = Schedule([job(key, retries=1) for key in "abc"])
    first, second = schedule.next(), schedule.next()
    assert first is not None
    assert second is not None
    schedule.end(first, failed("out of memory"))
    third = schedule.next()
    assert third is not None
    assert [second.key, third.key] == ["b", "c"]
    schedule.end(second, failed("out of memory"))
    assert schedule.next() is None
    schedule.end(third, Outcome("done"))
    alone = schedule.next()
    assert alone is not None
    assert (alone.key, schedule.next()) == ("a", None)
    schedule.end(alone, Outcome("done"))
    assert schedule.next() == second


def test_what_needs_a_job_waits_until_its_last_try_has_failed() -> None:
    schedule = Schedule([job("victim", retries=1), job("trial", 0, "victim")])
    for cause in ("out of memory", "lost worker"):
        one = schedule.next()
        assert one is not None
        assert (one.key, list(schedule.outcomes), schedule.next()) == ("victim", [], None)
        schedule.end(one, failed("out of memory" if cause == "out of memory" else "lost worker"))
    assert schedule.outcomes["trial"].reason == "victim: it broke (the last of 2 tries)"
    assert schedule.outcomes["trial"].cause == "lost worker"


def test_a_run_with_too_many_failures_is_asked_to_save_and_stop() -> None:
    interrupts = Interrupts()
    limit = FailureLimit(2, interrupts)
    trials = [job(key, 0, "victim") for key in "abc"]
    limit.ended(job("victim"), failed("error"))  # no trial
    limit.ended(trials[0], failed("error"))
    limit.ended(trials[1], Outcome("done"))
    assert (interrupts.level, limit.reached) == (0, False)
    limit.ended(trials[2], failed("error"))
    assert (interrupts.level, limit.reached) == (1, True)


def test_without_a_limit_any_number_of_trials_may_fail() -> None:
    interrupts = Interrupts()
    limit = FailureLimit(None, interrupts)
    for key in "abc":
        limit.ended(job(key, 0, "victim"), failed("error"))
    assert (interrupts.level, limit.reached) == (0, False)


def test_a_job_that_will_be_tried_again_is_neither_running_nor_failed() -> None:
    state = RunState([])
    one = job("a", 1, "victim")
    state.started(one)
    state.retried(one, failed("lost worker"))
    assert (state.running, state.failed) == ({}, 0)
    state.started(one)
    state.ended(one, Outcome("done"))
    assert (state.done, state.failed) == (1, 0)
