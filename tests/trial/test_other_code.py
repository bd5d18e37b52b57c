"""A half-run trial whose code has changed since starts anew, and says so."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest
from trials import tiny_trial

from mebench.models.victims.loading import prepare_victim
from mebench.results.trial_folder import TrialFolder
from mebench.trial.trial import run_trial

SPEC = tiny_trial("noise", parameters={"batch_size": 16}, budget=320)


def begun(tmp_path: Path) -> TrialFolder:
    folder = TrialFolder.of(tmp_path, SPEC)
    prepare_victim(SPEC.victim)  # its training would be asked to stop, too
    turns = iter([False] * 12)
    assert run_trial(SPEC, folder, should_stop=lambda: next(turns, True)) == "stopped"
    assert folder.checkpoint.exists()
    return folder


def change(folder: TrialFolder, **values: str) -> None:
    file = folder.path / "code.json"
    code: dict[str, Any] = json.loads(file.read_text())
    file.write_text(json.dumps({part: one | values for part, one in code.items()}))


def spent_at_first_turn(folder: TrialFolder) -> int:
    seen: list[int] = []
    run_trial(SPEC, folder, on_progress=lambda progress: seen.append(progress.done))
    return next(done for done in seen if done)


def test_a_half_run_trial_of_other_code_starts_anew_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = begun(tmp_path)
    change(folder, digest="0123456789abcdef")
    with caplog.at_level(logging.WARNING):
        assert spent_at_first_turn(folder) == 16
    assert "(0123456789abcdef): the trial starts anew" in caplog.text
    assert "attack noise is of mebench 0." in caplog.text
    assert len(folder.curve()) == len({point["queries"] for point in folder.curve()})


def test_a_half_run_trial_of_the_same_code_goes_on(tmp_path: Path) -> None:
    folder = begun(tmp_path)
    change(folder, version="0.0.1")
    assert spent_at_first_turn(folder) > 100


def test_a_trial_writes_down_what_code_it_runs(tmp_path: Path) -> None:
    folder = begun(tmp_path)
    assert (folder.code() or {})["attack noise"].distribution == "mebench"
