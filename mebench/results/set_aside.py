"""Moving trials out of the way of new ones, so that nothing is lost."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from mebench.api.errors import ResultsError
from mebench.api.files import why
from mebench.results.trial_folder import TrialFolder

ASIDE = ".old-"
"""How the folders begin that hold what was set aside; a number follows."""


def set_aside(trials: Sequence[TrialFolder], root: Path) -> tuple[int, Path]:
    """Move the folders of trials into ``.old-N``, so that they start anew and nothing is lost.

    Args:
        trials: those that are not there are left out.
        root: the benchmark's folder.

    Returns:
        How many of them were finished, and where they are now.

    Raises:
        ResultsError: a trial is running, or its folder cannot be moved. Those before it are back where they were.
    """
    folders = [folder for folder in trials if os.path.lexists(folder.path)]
    target = root / f"{ASIDE}{1 + max(_numbers(root), default=0)}"
    with contextlib.ExitStack() as locks:
        for folder in folders:
            if folder.path.is_dir():
                locks.enter_context(folder.locked(patient=True))
        finished = sum(folder.status == "finished" for folder in folders)
        for number, folder in enumerate(folders):
            try:
                target.mkdir(exist_ok=True)
                folder.path.rename(target / folder.path.name)
            except OSError as error:
                _move_back(folders[:number], target)
                raise ResultsError(
                    f"{folder.path}: cannot be set aside in {target} ({why(error)}): {_advice(error, folder.path)}, or "
                    "choose another folder for the results"
                ) from error
    return finished, target


def _move_back(folders: Sequence[TrialFolder], target: Path) -> None:
    """Undo what was moved before a move failed, as far as that can be done."""
    with contextlib.suppress(OSError):
        for folder in folders:
            (target / folder.path.name).rename(folder.path)
        target.rmdir()


def _advice(error: OSError, path: Path) -> str:
    """What its owner can do about a folder that cannot be moved."""
    if error.errno in (errno.EBUSY, errno.EXDEV) or os.path.ismount(path):
        return "where it is a mount point, unmount it"
    return f"make {path.parent} and it writable"


def set_aside_before(trial: TrialFolder) -> Iterator[TrialFolder]:
    """The folders of a trial that were set aside, the last one first."""
    root = trial.path.parent
    for number in sorted(_numbers(root), reverse=True):
        if (path := root / f"{ASIDE}{number}" / trial.path.name).is_dir():
            yield TrialFolder(path)


def _numbers(root: Path) -> list[int]:
    """Of the folders that hold what was set aside."""
    found = [path.name.removeprefix(ASIDE) for path in root.glob(f"{ASIDE}*")]
    return [int(one) for one in found if one.isdigit()]
