"""What a user should know is said once, to whoever listens, or else in the log."""

from __future__ import annotations

import logging

from mebench.api.notices import notice, notices_to
from mebench.cli import main


def test_a_listener_hears_every_line_once_and_the_log_hears_nothing(caplog):
    heard = []
    with caplog.at_level(logging.WARNING), notices_to(heard.append):
        for line in ("two files left out", "a link left out", "two files left out"):
            notice(line)
    assert heard == ["two files left out", "a link left out"]
    assert not caplog.text


def test_without_a_listener_the_log_says_it_once(caplog):
    with caplog.at_level(logging.WARNING):
        notice("three files left out")
        notice("three files left out")
    assert caplog.messages == ["three files left out"]


def test_a_listener_within_another_hears_in_its_place():
    outer, inner = [], []
    with notices_to(outer.append):
        with notices_to(inner.append):
            notice("inside")
        notice("outside")
    assert (outer, inner) == (["outside"], ["inside"])


def test_the_command_line_shows_what_is_said_on_stderr(tmp_path, monkeypatch, capsys):
    from data_files import write_image_folder

    monkeypatch.setenv("MEBENCH_CACHE", str(tmp_path / "cache"))
    (write_image_folder(tmp_path / "mine") / "train" / "cat" / "notes.txt").touch()
    assert main(["data", "fetch", "image-folder", "--root", str(tmp_path / "mine")]) == 0
    said = capsys.readouterr()
    assert said.err.splitlines() == [
        f"note: image-folder: {tmp_path}/mine/train: left out 1 that is no picture by its name (.txt)"
    ]
    assert "40 images" in said.out
