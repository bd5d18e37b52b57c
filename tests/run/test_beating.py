from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mebench.api.progress import Progress, ignore
from mebench.results.heartbeat import Heartbeat, heartbeat_of, read_heartbeat, write_heartbeat
from mebench.run.engine.beating import beating, bury


def wait_for(fact: Callable[[], object]) -> bool:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if fact():
            return True
        time.sleep(0.01)
    return False


def sign(log: Path) -> Heartbeat | None:
    found = read_heartbeat(heartbeat_of(log))
    return found[0] if found else None


def test_a_job_that_runs_says_where_and_how_far_it_is_and_nothing_is_left_of_it(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    told: list[Progress] = []
    with beating(log, "cpu", told.append, period=0.02) as on_progress:
        assert wait_for(lambda: sign(log))
        on_progress(Progress(10, 100, accuracy=0.25))
        assert wait_for(lambda: (one := sign(log)) and one.done == 10)
        on_progress(Progress(30, 100, accuracy=0.5))
        assert wait_for(lambda: (one := sign(log)) and one.rate)
        one = sign(log)
    assert one is not None
    assert (one.pid, one.device, one.total, one.accuracy) == (os.getpid(), "cpu", 100, 0.5)
    assert told == [Progress(10, 100, accuracy=0.25), Progress(30, 100, accuracy=0.5)]
    assert list(tmp_path.iterdir()) == []


def test_it_goes_on_while_the_job_tells_nothing(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    with beating(log, "cpu", ignore, period=0.02):
        assert wait_for(lambda: (one := sign(log)) and one.beats > 3)


def test_a_new_phase_has_a_rate_of_its_own(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    with beating(log, "cpu", ignore, period=0.02) as on_progress:
        on_progress(Progress(0, 100))
        assert wait_for(lambda: (one := sign(log)) and one.total == 100)
        on_progress(Progress(90, 100))
        assert wait_for(lambda: (one := sign(log)) and one.rate)
        on_progress(Progress(1, 5, "epochs", phase="standard"))
        assert wait_for(lambda: (one := sign(log)) and one.unit == "epochs")
        one = sign(log)
        assert one is not None
        assert one.rate is None


def test_the_sign_of_another_living_process_is_left_alone(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    other = replace(Heartbeat.begun("cpu"), host="node7", pid=1, machine="@elsewhere")
    write_heartbeat(heartbeat_of(log), other)
    with beating(log, "cpu", ignore, period=0.02):
        time.sleep(0.1)
    assert sign(log) == other


def test_the_sign_of_a_process_that_is_gone_is_written_over(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    write_heartbeat(heartbeat_of(log), replace(Heartbeat.begun("cpu"), pid=1, machine="@elsewhere"))
    os.utime(heartbeat_of(log), (1000, 1000))
    with beating(log, "cpu", ignore, period=0.02):
        assert wait_for(lambda: (one := sign(log)) and one.pid == os.getpid())


def test_a_sign_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    with beating(tmp_path / "nowhere" / "log.txt", "cpu", ignore, period=0.02) as on_progress:
        on_progress(Progress(1, 2))
    assert not (tmp_path / "nowhere").exists()


def test_no_thread_is_left(tmp_path: Path) -> None:
    before = threading.active_count()
    with pytest.raises(ZeroDivisionError), beating(tmp_path / "log.txt", "cpu", ignore):
        raise ZeroDivisionError
    assert threading.active_count() == before


def test_the_sign_of_a_process_that_died_is_buried_by_who_knows_that_alone(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    write_heartbeat(heartbeat_of(log), Heartbeat.begun("cpu"))
    bury(log, os.getpid() + 1)
    assert sign(log)
    bury(log, os.getpid())
    assert not sign(log)
    bury(log, os.getpid())
    bury(None, os.getpid())
