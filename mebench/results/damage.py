"""Whether what a trial has left still counts: what is wrong with its files, in one line."""

from __future__ import annotations

import os

from mebench.api.errors import ResultsError
from mebench.results.seal import is_untouched
from mebench.results.trial_folder import TrialFolder


class Looks:
    """Looks for damage again and again; the files of a trial that is sound are read again once they have changed."""

    def __init__(self) -> None:
        self._sound: dict[str, tuple[float, ...]] = {}

    def damage(self, folder: TrialFolder, identity: str) -> str:
        """See `damage`."""
        path = str(folder.path)
        now = _times(path)
        if now and self._sound.get(path) == now:
            return ""
        problem = damage(folder, identity)
        if now and not problem:
            self._sound[path] = now
        return problem


def _times(path: str) -> tuple[float, ...]:
    """What tells a change of a result or a curve; empty if there are none."""
    try:
        found = [os.lstat(f"{path}/{name}") for name in ("result.json", "curve.jsonl")]
    except OSError:
        return ()
    return tuple(time for one in found for time in (one.st_ino, one.st_size, one.st_mtime_ns, one.st_ctime_ns))


def damage(folder: TrialFolder, identity: str) -> str:
    """Say what keeps a trial's folder or its result from being used; empty if nothing does.

    Files that are as the trial has written them are not read any further, so that thousands of trials take little time.

    Args:
        folder: of a trial, which need not exist.
        identity: of the trial that belongs there.
    """
    status = folder.status
    if status == "new":
        return _no_folder(folder)
    return _damaged_result(folder, identity) if status == "finished" else ""


def _no_folder(folder: TrialFolder) -> str:
    """Say what stands where a folder should, or hides its files."""
    if not os.path.lexists(folder.path):
        return ""
    if not folder.path.is_dir():
        return "is no folder"
    return "" if os.access(folder.path, os.R_OK | os.X_OK) else "the folder cannot be read"


def _damaged_result(folder: TrialFolder, identity: str) -> str:
    try:
        if is_untouched(folder.result_content(), folder.curve_content(), identity):
            return ""
    except ResultsError:
        pass  # as for a file that was changed: read it, and say what is wrong
    # What reads results takes a moment to import.
    from mebench.results.leaderboard.read.folders import NewerResultError, read_finished

    try:
        trial = read_finished(folder, [])
    except NewerResultError:
        return ""
    except ResultsError as error:
        return str(error)
    ids = {name.rpartition("-")[2] for name in (trial.id, trial.spec.id)}
    return "" if identity.rpartition("-")[2] in ids else f"result.json is of another trial, {trial.id}"
