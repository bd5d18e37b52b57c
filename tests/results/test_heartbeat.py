from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from mebench.results import heartbeat
from mebench.results.heartbeat import (
    LOST,
    QUIET,
    Heartbeat,
    file_system_clock,
    heartbeat_of,
    life,
    read_heartbeat,
    write_heartbeat,
)

OWN = Heartbeat.begun("cpu")
ELSEWHERE = replace(OWN, host="node7", pid=1, machine="@elsewhere")


@pytest.fixture
def dead() -> Heartbeat:
    """The sign of a process of this machine that is gone."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return replace(OWN, pid=process.pid)


def test_what_is_written_is_read_with_its_time(tmp_path: Path) -> None:
    path = heartbeat_of(tmp_path / "log.txt")
    beat = replace(OWN, done=7, total=10, accuracy=0.5, rate=1.5, beats=3)
    write_heartbeat(path, beat)
    os.utime(path, (1000, 1000))
    assert read_heartbeat(path) == (beat, 1000)
    assert [file.name for file in tmp_path.iterdir()] == ["log.heartbeat"]


@pytest.mark.parametrize("age", [0, QUIET - 1, -3600])
def test_a_recent_sign_is_a_living_processs(age: float, dead: Heartbeat) -> None:
    assert {life(beat, age) for beat in (OWN, ELSEWHERE, dead)} == {"running"}


def test_an_older_sign_is_quiet_and_a_process_of_this_machine_that_is_gone_is_lost(dead: Heartbeat) -> None:
    age = (QUIET + LOST) / 2
    assert [life(beat, age) for beat in (OWN, ELSEWHERE, dead)] == ["quiet", "quiet", "lost"]


def test_the_number_of_a_process_says_nothing_on_another_machine() -> None:
    assert life(replace(OWN, machine="@elsewhere"), LOST + 1) == "lost"


def test_a_sign_of_long_ago_is_no_living_processs_whoever_has_its_number_now() -> None:
    assert life(OWN, LOST + 1) == "lost"


def test_the_clock_is_that_of_the_file_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    true = time.time
    monkeypatch.setattr(heartbeat.time, "time", lambda: true() - 3600)
    (tmp_path / "file").touch()
    assert abs(file_system_clock(tmp_path)() - (tmp_path / "file").stat().st_mtime) < 60
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_where_nothing_can_be_written_the_clock_is_this_machines(tmp_path: Path) -> None:
    assert abs(file_system_clock(tmp_path / "nowhere")() - time.time()) < 60


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "7",
        "{}",
        json.dumps({"host": "a", "pid": "b", "machine": "c", "started": 1}),
        json.dumps({"host": "a", "pid": 1, "machine": "c", "started": None}),
        json.dumps({"host": "a", "pid": 1, "machine": "c", "started": 1, "rate": "fast"}),
        "[" * 5000,
        *(json.dumps(asdict(OWN) | {"done": value}) for value in (float("nan"), float("inf"), 10**400, "1", None)),
        *(json.dumps(asdict(OWN) | {"rate": value}) for value in (float("nan"), float("-inf"), 1e300)),
    ],
)
def test_a_damaged_heartbeat_is_none(tmp_path: Path, content: str) -> None:
    path = tmp_path / "log.heartbeat"
    path.write_text(content)
    assert read_heartbeat(path) is None


@pytest.mark.parametrize("name", ["device", "unit", "phase", "accuracy", "rate"])
def test_a_heartbeat_of_another_version_may_lack_a_word(tmp_path: Path, name: str) -> None:
    path = tmp_path / "log.heartbeat"
    path.write_text(json.dumps({key: value for key, value in asdict(OWN).items() if key != name}))
    found = read_heartbeat(path)
    assert found is not None
    assert not getattr(found[0], name)


def test_no_heartbeat_is_none(tmp_path: Path) -> None:
    assert read_heartbeat(tmp_path / "log.heartbeat") is None
    (tmp_path / "log.heartbeat").mkdir()
    assert read_heartbeat(tmp_path / "log.heartbeat") is None


def test_words_of_a_heartbeat_are_fit_for_a_terminal(tmp_path: Path) -> None:
    path = tmp_path / "log.heartbeat"
    write_heartbeat(path, replace(OWN, host="a\x1b[31m\nb"))
    found = read_heartbeat(path)
    assert found is not None
    assert found[0].host == "a\ufffd[31m b"
