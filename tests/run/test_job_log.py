"""What the log of a job tells."""

from __future__ import annotations

import re
from pathlib import Path

from test_process_engine import job, run

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
