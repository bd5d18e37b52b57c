"""Leases: one holder at a time, on one machine or on many, whatever becomes of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from mebench.api import lease as leases
from mebench.api.lease import HeldError, LeasePlace, LostError

HOLD = (
    "import sys; from pathlib import Path; from mebench.api.lease import LeasePlace\n"
    "LeasePlace(Path(sys.argv[1])).take(); print('held', flush=True); sys.stdin.read()"
)


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(leases.time, "monotonic", lambda: self.now)


@pytest.fixture
def clock(monkeypatch):
    return Clock(monkeypatch)


def held_on_another_machine(folder: Path, count: int = 3, number: int = 1) -> Path:
    """The file of a holder of which nothing is known here but what it says."""
    about = {"process": os.getpid(), "started": 1, "machine": "@elsewhere", "host": "there"}
    path = folder / f".lease-{number}"
    path.write_text(f"{count:012d}{json.dumps(about)}\n")
    return path


def test_a_second_one_is_told_who_holds_it_and_gets_it_once_it_is_let_go(tmp_path):
    first = LeasePlace(tmp_path).take()
    with pytest.raises(HeldError, match=rf"process {os.getpid()} on "):
        LeasePlace(tmp_path).take()
    first.release()
    assert LeasePlace(tmp_path).holder() is None
    LeasePlace(tmp_path).take().release()


def test_of_many_who_take_it_at_once_one_gets_it_also_where_the_holder_before_is_gone(tmp_path):
    held_on_another_machine(tmp_path).write_text("free        ")
    won, start = [], threading.Barrier(8)

    def try_it() -> None:
        place = LeasePlace(tmp_path)
        start.wait()
        for _ in range(20):
            try:
                won.append(place.take())
            except HeldError:
                time.sleep(0.001)

    threads = [threading.Thread(target=try_it) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 1
    assert [path.name for path in tmp_path.iterdir()] == [".lease-2"]
    won[0].release()


def test_a_holder_that_is_killed_holds_nothing(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        assert process.stdout.readline() == "held\n"
        assert LeasePlace(tmp_path).holder() == f"process {process.pid} on {leases.socket.gethostname()}"
        with pytest.raises(HeldError):
            LeasePlace(tmp_path).take()
        process.kill()
        process.wait()
    assert LeasePlace(tmp_path).holder() is None
    LeasePlace(tmp_path).take().release()


def test_a_process_that_has_got_the_number_of_a_dead_holder_holds_nothing(tmp_path):
    path = held_on_another_machine(tmp_path)
    about = json.loads(path.read_text()[12:]) | {"machine": leases._place_of_processes(), "started": 1}
    path.write_text(f"{7:012d}{json.dumps(about)}\n")
    assert LeasePlace(tmp_path).holder() is None


def test_a_holder_elsewhere_that_counts_on_keeps_it_whatever_its_clock_says(tmp_path, clock):
    place = LeasePlace(tmp_path)
    for count in range(20):
        path = held_on_another_machine(tmp_path, count)
        os.utime(path, (0, 0))  # its machine's clock, or the disk's, is half a century behind
        with pytest.raises(HeldError, match=r"process [0-9]+ on there"):
            place.take()
        clock.now += leases.EXPIRY_SECONDS - 1
    assert not place.is_silent


def test_a_holder_elsewhere_that_stands_still_is_taken_over_after_a_while_on_this_clock(tmp_path, clock):
    held_on_another_machine(tmp_path)
    place = LeasePlace(tmp_path)
    for _ in range(3):
        with pytest.raises(HeldError):
            place.take()
        assert place.is_silent
        clock.now += leases.EXPIRY_SECONDS / 3
    clock.now += 1
    mine = place.take()
    mine.confirm()
    mine.release()


def test_who_has_only_looked_once_takes_nothing_over(tmp_path, clock):
    held_on_another_machine(tmp_path)
    clock.now += 1e6
    with pytest.raises(HeldError):
        LeasePlace(tmp_path).take()


def test_a_holder_that_is_only_being_made_is_a_holder_until_it_has_stood_still(tmp_path, clock):
    (tmp_path / ".lease-1").touch()
    place = LeasePlace(tmp_path)
    with pytest.raises(HeldError, match="another process"):
        place.take()
    clock.now += leases.EXPIRY_SECONDS + 1
    place.take().release()


def test_who_stood_still_too_long_is_told_that_it_has_lost_it(tmp_path):
    mine = LeasePlace(tmp_path).take()
    mine.confirm()
    held_on_another_machine(tmp_path, number=2)
    with pytest.raises(LostError, match=r"process [0-9]+ on there"):
        mine.confirm()
    mine.release()
    assert LeasePlace(tmp_path).holder() is not None


def test_who_read_an_old_number_and_makes_it_again_gets_nothing(tmp_path, monkeypatch):
    late = LeasePlace(tmp_path)
    read = leases._Record(1, leases._FREE, {})
    held_on_another_machine(tmp_path, number=5)
    monkeypatch.setattr(late, "_newest", lambda: read)
    with pytest.raises(HeldError):
        late.take()
    assert [path.name for path in tmp_path.iterdir()] == [".lease-5"]


def test_a_holder_counts_on(tmp_path, monkeypatch):
    monkeypatch.setattr(leases, "BEAT_SECONDS", 0.01)
    monkeypatch.setattr(leases, "_heart", leases._Heart())
    mine = LeasePlace(tmp_path).take()
    deadline = time.monotonic() + 20
    while int((tmp_path / ".lease-1").read_text()[:12]) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert int((tmp_path / ".lease-1").read_text()[:12]) >= 3
    mine.release()
    assert (tmp_path / ".lease-1").read_text().startswith("free")


def test_a_fork_of_the_holder_lets_nothing_go(tmp_path):
    mine = LeasePlace(tmp_path).take()
    if (child := os.fork()) == 0:
        mine.release()
        os._exit(0)
    os.waitpid(child, 0)
    assert LeasePlace(tmp_path).holder() is not None
    mine.release()


@pytest.mark.parametrize("content", ["", "no count", "000000000001[]", "000000000001{", "\x00" * 50, "9" * 5000])
def test_a_damaged_lease_is_somebody_s_until_it_has_stood_still(tmp_path, clock, content):
    (tmp_path / ".lease-3").write_text(content)
    place = LeasePlace(tmp_path)
    assert place.holder() == "another process"
    with pytest.raises(HeldError):
        place.take()
    clock.now += leases.EXPIRY_SECONDS + 1
    place.take().release()
