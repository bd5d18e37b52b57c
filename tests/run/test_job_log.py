"""What the log of a job tells."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from test_process_engine import job, run

from mebench.run.engine import log_size

TIME = r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00"


def test_a_log_tells_the_start_of_a_job_and_its_end_with_their_times(tmp_path: Path) -> None:
    run(job("double", 3, log=tmp_path / "log.txt"))
    first, last = (tmp_path / "log.txt").read_text().splitlines()
    assert re.fullmatch(rf"--- {TIME} .*: process \d+, cpu, 1 thread\(s\)", first)
    assert re.fullmatch(rf"{TIME} done after [\d.]+ s \([\d.]+ s of a processor\)", last)


def test_a_log_tells_of_an_end_that_the_job_could_not_tell_itself(tmp_path: Path) -> None:
    run(job("kill_itself", 9, log=tmp_path / "log.txt"))
    last = (tmp_path / "log.txt").read_text().splitlines()[-1]
    assert re.match(rf"{TIME} failed after [\d.]+ s: killed by SIGKILL", last)


def test_what_a_job_prints_past_python_too_is_kept_to_its_beginning_and_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_size, "MOST_BYTES", 50_000)
    monkeypatch.setattr(log_size, "KEPT_BYTES", 10_000)
    run(job("talk_much", 100_000, log=tmp_path / "log.txt"))
    text = (tmp_path / "log.txt").read_text()
    assert len(text) < 51_000
    first, *_, last = text.splitlines()
    assert first.startswith("--- ")
    assert " done after " in last
    assert "\nline 99999\n" in text
    assert re.search(r"\n--- [\d,]+ bytes were left out here --- *\nline \d+\n", text)


def test_the_middle_of_a_long_log_is_cut_out_again_and_again_and_all_that_is_left_out_is_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log_size, "MOST_BYTES", 500)
    monkeypatch.setattr(log_size, "KEPT_BYTES", 100)
    log, written = tmp_path / "log.txt", 0
    for batch in range(50):
        with log.open("ab") as file:
            written += file.write(b"".join(b"batch %d line %d\n" % (batch, line) for line in range(50)))
        log_size.keep_small(log)
    before, mark, after = log.read_bytes().partition(b"\n--- ")
    count, _, end = after.partition(b" bytes were left out here ---")
    assert before.startswith(b"batch 0 line 0\n")
    assert end.endswith(b"batch 49 line 49\n")
    assert mark
    assert len(before) + int(count.replace(b",", b"")) + len(end.lstrip(b" \n")) == written


@pytest.mark.parametrize(
    "content", [b"x" * 1000, b"\n" * 1000, b"\xff\x00" * 500], ids=["one line", "empty lines", "bytes"]
)
def test_a_log_of_anything_is_cut(content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_size, "MOST_BYTES", 500)
    monkeypatch.setattr(log_size, "KEPT_BYTES", 100)
    (tmp_path / "log.txt").write_bytes(content)
    log_size.keep_small(tmp_path / "log.txt")
    text = (tmp_path / "log.txt").read_bytes()
    assert 200 <= len(text) <= 270
    assert b" bytes were left out here ---" in text


def test_a_log_that_is_not_there_or_cannot_be_cut_is_left_alone(tmp_path: Path) -> None:
    log_size.keep_small(tmp_path / "none.txt")
    log_size.keep_small(Path("/dev/null"))
    assert not (tmp_path / "none.txt").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_job_whose_log_cannot_be_written_is_done_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    jobs = [
        job("talk", "x", "full", log=Path("/dev/full")),
        job("talk", "x", "none", log=tmp_path / "file" / "log.txt"),
    ]
    assert {outcome.ending for outcome in run(*jobs).values()} == {"done"}
