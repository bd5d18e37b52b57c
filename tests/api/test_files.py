"""The one writer of files: what it leaves as it was, and what it says."""

from __future__ import annotations

import json
import os
import resource
import stat
import threading
from pathlib import Path

import pytest

from mebench.api.errors import ResultsError, UnwritableError
from mebench.api.files import open_regular, problem_with, read_json, write_atomically

NEW = b"new"


@pytest.fixture
def old(tmp_path):
    file = tmp_path / "old.txt"
    file.write_bytes(b"old")
    return file


@pytest.fixture
def small_disk():
    """Let no file grow beyond 1,000 bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def names(folder):
    return sorted(entry.name for entry in folder.iterdir())


def test_a_link_stays_and_its_target_is_written(old, tmp_path):
    link, chain = tmp_path / "link", tmp_path / "chain"
    link.symlink_to("old.txt")
    chain.symlink_to(link)
    write_atomically(chain, NEW)
    assert (link.is_symlink(), chain.is_symlink(), old.read_bytes()) == (True, True, NEW)


def test_a_link_to_nothing_gets_its_target(tmp_path):
    link = tmp_path / "link"
    link.symlink_to("below/missing.txt")
    write_atomically(link, NEW)
    assert link.is_symlink()
    assert (tmp_path / "below" / "missing.txt").read_bytes() == NEW


def test_all_names_of_a_file_get_the_new_content(old, tmp_path):
    other = tmp_path / "other.txt"
    other.hardlink_to(old)
    write_atomically(old, NEW)
    assert (other.read_bytes(), old.stat().st_nlink) == (NEW, 2)


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o755, 0o666])
def test_the_mode_of_a_file_stays(old, mode):
    old.chmod(mode)
    write_atomically(old, NEW)
    assert stat.S_IMODE(old.stat().st_mode) == mode


def test_a_new_file_has_the_mode_that_the_umask_leaves(tmp_path):
    before = os.umask(0o027)
    try:
        write_atomically(tmp_path / "new", NEW)
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give files away")
def test_the_owner_of_a_file_stays(old):
    os.chown(old, 12, 34)
    write_atomically(old, NEW)
    assert (old.stat().st_uid, old.stat().st_gid, old.read_bytes()) == (12, 34, NEW)


def test_a_pipe_gets_the_content_and_stays_a_pipe(tmp_path):
    pipe, heard = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: heard.append(pipe.read_bytes()))
    reader.start()
    write_atomically(pipe, NEW)
    reader.join()
    assert heard == [NEW]
    assert pipe.is_fifo()


def test_stdout_is_written_where_it_stands(capfd):
    os.write(1, b"before ")
    write_atomically(Path("/dev/stdout"), NEW)
    os.write(1, b" after")
    assert capfd.readouterr().out == "before new after"


def test_a_file_whose_folder_cannot_be_written_to_is_written_in_place(old, monkeypatch):
    def refuse(*arguments, **more):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.mkstemp", refuse)
    number = old.stat().st_ino
    write_atomically(old, NEW)
    assert (old.read_bytes(), old.stat().st_ino) == (NEW, number)


WHAT_CANNOT = {
    "is a folder": lambda folder: folder,
    "old.txt is not a folder": lambda folder: folder / "old.txt" / "below",
    "File name too long": lambda folder: folder / ("x" * 300),
    "Too many levels of symbolic links": lambda folder: folder / "loop",
    "No space left on device": lambda folder: Path("/dev/full"),
}


@pytest.mark.parametrize("reason", WHAT_CANNOT)
def test_what_cannot_be_written_is_one_line_that_says_why(reason, old, tmp_path):
    (tmp_path / "loop").symlink_to("loop")
    path = WHAT_CANNOT[reason](tmp_path)
    with pytest.raises(UnwritableError) as error:
        write_atomically(path, NEW)
    assert str(error.value).startswith(f"{path}: cannot be written: ")
    assert reason in error.value.reason or "Not a directory" in error.value.reason
    assert names(tmp_path) == ["loop", "old.txt"]
    assert old.read_bytes() == b"old"


@pytest.mark.parametrize("hard_link", [False, True])
def test_a_full_disk_leaves_the_old_file_and_nothing_else(hard_link, old, tmp_path, small_disk):
    if hard_link:
        (tmp_path / "other").hardlink_to(old)
    before = names(tmp_path)
    with pytest.raises(UnwritableError, match="File too large"):
        write_atomically(old, b"x" * 2_000)
    assert old.read_bytes() == b"old"
    assert names(tmp_path) == before


def test_the_longest_name_that_there_can_be_is_written(tmp_path):
    path = tmp_path / ("ü" * 127)
    write_atomically(path, NEW)
    assert path.read_bytes() == NEW


def test_a_read_only_file_is_not_written(old, monkeypatch):
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with pytest.raises(UnwritableError, match="is read-only"):
        write_atomically(old, NEW)
    assert old.read_bytes() == b"old"


@pytest.mark.parametrize("reason", WHAT_CANNOT)
def test_the_look_before_the_work_says_the_same(reason, old, tmp_path):
    (tmp_path / "loop").symlink_to("loop")
    told = problem_with(WHAT_CANNOT[reason](tmp_path))
    assert (reason in told) == (reason != "No space left on device")  # that is not known before
    assert problem_with(old) == problem_with(tmp_path / "new" / "folder" / "file") == ""


UNREADABLE = {
    "nested": ('{"a":' * 100_000 + "0" + "}" * 100_000, "is nested too deeply"),
    "nested less": ('{"a":' * 200 + "0" + "}" * 200, "is nested too deeply"),
    "digits": ('{"a": ' + "9" * 5_000 + "}", "not valid JSON"),
    "bytes": (b'{"a": "\xff"}', "not valid JSON"),
    "list": ("[1]", "must hold a JSON object"),
}


@pytest.mark.parametrize("kind", UNREADABLE)
def test_json_that_cannot_be_read_is_one_line(kind, tmp_path):
    content, reason = UNREADABLE[kind]
    file = tmp_path / "file.json"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ResultsError, match=reason) as error:
        read_json(file)
    assert "\n" not in str(error.value)


def test_json_as_deep_as_results_are_is_read(tmp_path):
    file = tmp_path / "file.json"
    value = {"a": [{"b": {"c": [1, [2, {"d": None}]]}}]}
    file.write_text(json.dumps(value))
    assert read_json(file) == value


@pytest.mark.parametrize("kind", ["a folder", "a pipe"])
def test_what_is_no_regular_file_is_refused_without_waiting_and_stays_open_nowhere(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "there"
    (os.mkdir if kind == "a folder" else os.mkfifo)(path)
    before = len(list(Path("/dev/fd").iterdir()))
    with pytest.raises(OSError, match="a folder" if kind == "a folder" else "no regular file"):
        open_regular(path)
    assert len(list(Path("/dev/fd").iterdir())) == before
