"""All trials and curves of results folders as flat tables, for other programs: CSV, Parquet or SQLite."""

from __future__ import annotations

import contextlib
import importlib
import tempfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mebench.api.errors import ConfigurationError, ResultsError
from mebench.api.files import write_atomically
from mebench.results.curves import optional_columns
from mebench.results.documents import spreadsheet_csv
from mebench.results.leaderboard.compute.build import group_trials
from mebench.results.leaderboard.compute.rows import Group, build_row
from mebench.results.leaderboard.keys import keys_of
from mebench.results.leaderboard.model import Row, SeedResult
from mebench.results.leaderboard.read.saved import holds_trials
from mebench.results.leaderboard.read.trials import TrialRecord
from mebench.results.numbers import SCORES, in_order

if TYPE_CHECKING:
    import pandas as pd

IDENTITY = (
    *("attack", "variant", "kind", "victim", "victim_hash", "data_hash", "victim_accuracy", "channel", "clone"),
    *("data_prior", "pool", "track", "budget", "profile", "protocol", "settings", "key"),
)
"""What a trial has from its row."""


def measured_keys() -> list[str]:
    """What a finished and valid trial has of its own."""
    return [key for key in keys_of(SeedResult) if key not in ("seed", "trial")]


def curve_keys(trials: Iterable[TrialRecord]) -> list[str]:
    """What every evaluation has, and the metrics that these trials' benchmarks measure besides."""
    usual = ["queries", *SCORES, *optional_columns()]
    asked = {key for one in trials if one.result for key in one.result.metrics.by_key() if key in one.curve.columns}
    return [*usual, *in_order(asked - {*usual})]


def read_tables(roots: Sequence[Path], *, folders: bool = False) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """Read results folders as two tables, and notes on what was skipped.

    Args:
        roots: the folders.
        folders: whether lines say the folder of their trial.

    Returns:
        One line per trial: its id, seed, status, reason, what names its row, its metrics and flags. Trials that are
        not finished, or that break an invariant, have a status and no numbers. And one line per evaluation of a valid
        trial, with the trial's id.

    Raises:
        ResultsError: a root is no results folder.
    """
    import pandas as pd

    notes: list[str] = []
    for root in roots:
        if not holds_trials(root):
            raise ResultsError(f"{root}: holds no trials; only a results folder can be exported")
    lines: list[dict[str, Any]] = []
    valid: list[TrialRecord] = []
    for group in group_trials(roots, notes):
        lines += _lines(group, build_row(group), valid)
    usual = ["trial", "seed", "status", "reason", *(["folder"] if folders else []), *IDENTITY, *measured_keys()]
    extra = sorted({name for line in lines for name in line} - {*usual, "flags", "folder"})
    return pd.DataFrame(lines, columns=[*usual, *extra, "flags"]), _curves(valid), notes


def _lines(group: Group, row: Row, valid: list[TrialRecord]) -> list[dict[str, Any]]:
    """A line per trial of a row; those that have numbers are added to ``valid``."""
    shared = {name: getattr(row, name) for name in IDENTITY}
    measured = {one.trial: one for one in row.per_seed}
    lines = []
    for trial in group.trials:
        one = measured.get(trial.id)
        about = {"trial": trial.id, "seed": trial.spec.seed, "status": trial.status, "reason": trial.reason}
        about["folder"] = str(trial.path)
        line = about | shared
        if one is not None and trial.result is not None:
            line |= one.asked_for() | {key: getattr(one, key) for key in measured_keys()}
            line["flags"] = ";".join(trial.result.flags)
            line["victim_accuracy"] = trial.result.victim.accuracy
            valid.append(trial)
        lines.append(line)
    return lines


def _curves(trials: Sequence[TrialRecord]) -> pd.DataFrame:
    """A line per evaluation."""
    import pandas as pd

    keys = curve_keys(trials)
    points: list[tuple[Any, ...]] = []
    for trial in trials:
        unknown = (None,) * len(trial.curve)
        columns = [trial.curve.queries, *(trial.curve.values(key) or unknown for key in keys[1:])]
        points += [(trial.id, *point) for point in zip(*columns, strict=True)]
    return pd.DataFrame(points, columns=["trial", *keys])


def export(roots: Sequence[Path], path: Path) -> tuple[list[Path], list[str]]:
    """Write the tables of `read_tables`; return the files written, and the notes.

    Args:
        roots: results folders.
        path: ``.csv`` and ``.parquet`` get a second file for the curves, ``NAME-curves``; ``.sqlite`` and ``.db`` get
            the tables ``trials`` and ``curves``. Files that exist are replaced at once, when all is written.

    Raises:
        ConfigurationError: another suffix, or Parquet without pyarrow.
        ResultsError: a root is no results folder.
        UnwritableError: a file cannot be written.
    """
    if path.suffix not in WRITERS:
        raise ConfigurationError(f"{path}: give a file name that ends in {', '.join(WRITERS)}")
    if path.suffix == ".parquet":
        _need_pyarrow()
    trials, curves, notes = read_tables(roots)
    return WRITERS[path.suffix](path, trials, curves), notes


def _need_pyarrow() -> None:
    try:
        importlib.import_module("pyarrow")
    except ImportError:
        raise ConfigurationError("Parquet needs pyarrow: pip install pyarrow, or export to .csv or .sqlite") from None


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.stem}-curves{path.suffix}")


def _write_csv(path: Path, trials: pd.DataFrame, curves: pd.DataFrame) -> list[Path]:
    return _write_both(path, trials, curves, lambda table: spreadsheet_csv(table).encode(errors="replace"))


def _write_parquet(path: Path, trials: pd.DataFrame, curves: pd.DataFrame) -> list[Path]:
    return _write_both(path, trials, curves, lambda table: table.to_parquet(index=False))


def _write_both(path: Path, trials: pd.DataFrame, curves: pd.DataFrame, to_bytes: Callable[[Any], bytes]) -> list[Path]:
    content = {path: to_bytes(trials), _beside(path): to_bytes(curves)}
    for target, written in content.items():
        write_atomically(target, written)
    return [*content]


def _write_sqlite(path: Path, trials: pd.DataFrame, curves: pd.DataFrame) -> list[Path]:
    import sqlite3

    with tempfile.TemporaryDirectory(prefix="mebench-export-") as folder:
        database = Path(folder) / "database"
        with contextlib.closing(sqlite3.connect(database)) as connection:
            trials.to_sql("trials", connection, index=False)
            curves.to_sql("curves", connection, index=False)
            connection.execute("CREATE INDEX curves_of_trial ON curves (trial)")
            connection.commit()
        write_atomically(path, database.read_bytes())
    return [path]


WRITERS: dict[str, Callable[[Path, Any, Any], list[Path]]] = {
    ".csv": _write_csv,
    ".parquet": _write_parquet,
    ".sqlite": _write_sqlite,
    ".db": _write_sqlite,
}
"""How tables are written, by the suffix of the file."""
