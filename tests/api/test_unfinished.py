"""What writers that were killed leave behind, and what those at work have."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import time

import pytest

from mebench.api import unfinished
from mebench.api.files import write_atomically
from mebench.api.unfinished import machine, sweep, unfinished_file, unfinished_folder

DAY = 86_400


def names(folder):
    return sorted(entry.name for entry in folder.iterdir())


@pytest.fixture(params=["file", "folder"])
def make(request, tmp_path):
    """Makes something unfinished with a name part of its own, and says where it is."""

    def make(part):
        if request.param == "file":
            place = tmp_path / f".old.txt.{part}abcdefgh.partial"
            place.write_bytes(b"half")
        else:
            place = tmp_path / f".partial-{part}abcdefgh"
            place.mkdir()
            (place / "half").write_bytes(b"half")
        return place

    return make


@contextlib.contextmanager
def locked(place):
    descriptor = os.open(place, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    yield
    os.close(descriptor)


@pytest.mark.parametrize("part", [f"{machine()}-", ""], ids=["this machine", "an older version"])
def test_what_is_not_locked_is_deleted_and_what_somebody_writes_is_not(part, make, tmp_path):
    place = make(part)
    with locked(place):
        sweep(tmp_path)
        assert place.exists()
    sweep(tmp_path)
    assert not place.exists()


def test_what_another_machine_left_goes_after_a_day_and_not_while_it_is_locked(make, tmp_path):
    place = make("@00000000000-")
    sweep(tmp_path)
    assert place.exists()
    os.utime(place, (time.time() - 2 * DAY,) * 2)
    with locked(place):
        sweep(tmp_path)
        assert place.exists()
    sweep(tmp_path)
    assert not place.exists()


def test_what_has_only_a_similar_name_stays(tmp_path):
    files = [".old.txt.notes", "a.partial", "partial-abc", ".partial-file"]
    for name in files:
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / ".folder.partial").mkdir()
    (tmp_path / ".link.partial").symlink_to(tmp_path / "a.partial")
    sweep(tmp_path)
    assert names(tmp_path) == sorted([*files, ".folder.partial", ".link.partial"])
    sweep(tmp_path / "none")


def test_what_is_written_now_is_locked_and_named_after_its_machine(tmp_path):
    with unfinished_file(tmp_path / "a.json") as (_, file), unfinished_folder(tmp_path) as folder:
        sweep(tmp_path)
        assert names(tmp_path) == sorted([file.name, folder.name])
        assert all(f"{machine()}-" in name for name in names(tmp_path))


def test_an_exception_leaves_nothing(tmp_path):
    for unfinished_thing in (lambda: unfinished_file(tmp_path / "a"), lambda: unfinished_folder(tmp_path)):
        with pytest.raises(ZeroDivisionError), unfinished_thing():
            raise ZeroDivisionError
    assert names(tmp_path) == []


def test_what_a_killed_process_leaves_goes_with_the_first_write_of_the_next(tmp_path, monkeypatch):
    code = (
        "import os, signal, sys; from pathlib import Path\n"
        "from mebench.api.unfinished import unfinished_file, unfinished_folder\n"
        "with unfinished_file(Path(sys.argv[1]) / 'a'), unfinished_folder(Path(sys.argv[1])):\n"
        "    os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", code, tmp_path], check=False).returncode == -signal.SIGKILL
    assert len(names(tmp_path)) == 2
    write_atomically(tmp_path / "b", b"b")
    assert names(tmp_path) == ["b"]


def test_a_process_looks_through_a_folder_once_however_often_it_writes_there(tmp_path, monkeypatch):
    looks = []
    monkeypatch.setattr(unfinished, "sweep", looks.append)
    for number in range(5):
        write_atomically(tmp_path / f"{number}.json", b"x")
    assert looks == [tmp_path]
