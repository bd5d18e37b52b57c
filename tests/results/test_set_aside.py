"""What is in the way of new trials is moved, all of it or nothing, and who cannot have it moved is told what to do."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from make_results import make_spec, make_trial

from mebench.api.errors import ResultsError
from mebench.results.set_aside import set_aside
from mebench.results.trial_folder import TrialFolder


@pytest.fixture
def trials(tmp_path: Path) -> list[TrialFolder]:
    """Three finished trials."""
    return [make_trial(tmp_path, make_spec(seed=seed), 0.5) for seed in range(3)]


def refuse(monkeypatch: pytest.MonkeyPatch, folder: TrialFolder, number: int) -> None:
    """Let no folder but this one be moved, as the system refuses it where a folder is a mount point."""
    rename = Path.rename

    def renamed(path: Path, target: Path) -> Path:
        if path == folder.path:
            raise OSError(number, os.strerror(number))
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", renamed)


def test_trials_are_moved_and_counted(trials: list[TrialFolder], tmp_path: Path) -> None:
    assert set_aside(trials, tmp_path) == (3, tmp_path / ".old-1")
    assert {one.name for one in (tmp_path / ".old-1").iterdir()} == {one.path.name for one in trials}


@pytest.mark.parametrize(
    ("number", "advice"),
    [
        (errno.EBUSY, "where it is a mount point, unmount it"),
        (errno.EXDEV, "where it is a mount point, unmount it"),
        (errno.EACCES, "make .* and it writable"),
        (errno.EROFS, "make .* and it writable"),
    ],
)
def test_a_folder_that_cannot_be_moved_is_named_with_what_to_do_and_all_stay_where_they_are(
    trials: list[TrialFolder], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, advice: str
) -> None:
    refuse(monkeypatch, trials[1], number)
    words = rf"{trials[1].path}: cannot be set aside in .*\.old-1 \({os.strerror(number)}\): {advice}, or choose"
    with pytest.raises(ResultsError, match=words):
        set_aside(trials, tmp_path)
    assert all(one.status == "finished" for one in trials)
    assert not (tmp_path / ".old-1").exists()
