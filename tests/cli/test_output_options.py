"""What ``-o`` may name: files, links, pipes, stdout and folders that are not there yet."""

from __future__ import annotations

import os
import threading

import pytest
from make_results import make_row

from mebench.cli import main

COMMANDS = {
    "leaderboard": ["leaderboard", "DIR", "--format", "md"],
    "pairs": ["leaderboard", "DIR", "--pairs", "--format", "json"],
    "compare": ["compare", "DIR", "DIR", "--format", "json"],
    "report": ["report", "DIR"],
    "export": ["export", "DIR"],
    "plot": ["plot", "DIR"],
}
NAMES = {"export": "all.csv", "plot": "curves.svg"}
TO_STDOUT = ("leaderboard", "pairs", "compare", "report")


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    root = tmp_path_factory.mktemp("results")
    make_row(root, [0.7, 0.71])
    make_row(root, [0.6, 0.62], "dfme")
    return root


@pytest.fixture(params=COMMANDS)
def command(request):
    return request.param


@pytest.fixture
def write(command, results):
    """Run the command with ``-o``; return its exit code."""
    words = [str(results) if word == "DIR" else word for word in COMMANDS[command]]
    return lambda output: main([*words, "-o", str(output)])


def test_a_link_stays_and_what_it_leads_to_is_written(write, command, tmp_path):
    name = NAMES.get(command, "file")
    link = tmp_path / name
    link.symlink_to(f"there-{name}")
    assert write(link) == 0
    assert link.is_symlink()
    assert (tmp_path / f"there-{name}").stat().st_size > 100


def test_a_folder_that_is_missing_is_made_and_one_in_place_of_the_file_is_wrong_usage(write, command, tmp_path, capsys):
    name = NAMES.get(command, "file")
    assert write(tmp_path / "new" / "folder" / name) == 0
    assert (tmp_path / "new" / "folder" / name).is_file()
    (tmp_path / name).mkdir()
    assert write(tmp_path / name) == 2
    assert "cannot be written: is a folder" in capsys.readouterr().err
    assert not list((tmp_path / name).iterdir())


def test_a_dash_is_stdout_where_the_format_is_text_and_refused_elsewhere(write, command, capfd, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code = write("-")
    shown = capfd.readouterr()
    if command in TO_STDOUT:
        assert code == 0
        assert write("/dev/stdout") == 0
        assert capfd.readouterr().out == shown.out
        assert len(shown.out) > 100
    else:
        assert code == 2
        assert "stdout cannot take it" in shown.err
        assert shown.out == ""
    assert not list(tmp_path.iterdir())


def test_a_pipe_gets_the_content_and_stays_a_pipe(write, command, tmp_path):
    pipe, heard = tmp_path / NAMES.get(command, "pipe"), []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: heard.append(pipe.read_bytes()))
    reader.start()
    assert write(pipe) == 0
    reader.join()
    assert len(heard[0]) > 100
    assert pipe.is_fifo()


def test_a_read_only_file_is_refused_before_the_work_and_stays(write, command, tmp_path, monkeypatch, capsys):
    file = tmp_path / NAMES.get(command, "file")
    file.write_text("old")
    before = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: str(path) != str(file) and before(path, mode))
    assert write(file) == 2
    assert "is read-only" in capsys.readouterr().err
    assert file.read_text() == "old"
