"""Results as data frames whose columns have the same types whatever is in them.

Texts are ``string``, whole numbers ``Int64``, truth values ``boolean`` (each with ``<NA>`` where nothing is known), all
other numbers ``float64`` with NaN. Fractions are from 0 to 1, times in seconds.
"""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin, get_type_hints

from mebench.results.derived import GOAL_KEYS
from mebench.results.export import IDENTITY, read_tables
from mebench.results.leaderboard import Leaderboard, Row, SeedResult
from mebench.results.leaderboard.keys import CENSORED
from mebench.results.leaderboard.read.saved import read_info
from mebench.results.trial_folder import TrialFolder

if TYPE_CHECKING:
    import pandas as pd

TEXT, WHOLE, TRUTH, NUMBER = "string", "Int64", "boolean", "float64"
"""The types of columns."""
_OF_CURVES = ("attack", "variant", "victim", "channel", "budget", "seed")
"""What a line of a curve has from its trial."""


def rows_frame(board: Leaderboard) -> pd.DataFrame:
    """The rows of a leaderboard: the columns of ``mebench leaderboard --format csv``, in their order."""
    return typed(board.frame(), _types(Row) | {"key": TEXT, "flags": TEXT})


def trials_frame(roots: Sequence[Path]) -> pd.DataFrame:
    """One line per trial: its id, seed, state and folder, what names its row, and its metrics.

    Raises:
        ResultsError: a root is no results folder.
    """
    import pandas as pd

    table, _, _ = read_tables(roots, folders=True)
    planned = [line for root in roots for line in _not_begun(root, set(table["trial"]))]
    if planned:
        table = pd.DataFrame([*table.to_dict("records"), *planned], columns=table.columns)
    held = [status == "partial" and bool(TrialFolder(Path(folder)).holder()) for status, folder in _places(table)]
    table.loc[held, "status"] = "running"
    kinds = _types(Row) | _types(SeedResult) | {"flags": TEXT, "folder": TEXT, "status": TEXT, "reason": TEXT}
    return typed(table, dict.fromkeys(IDENTITY, TEXT) | kinds | dict.fromkeys(GOAL_KEYS, WHOLE))


def curves_frame(roots: Sequence[Path]) -> pd.DataFrame:
    """One line per evaluation of a trial that has a valid result, with what names the trial.

    Raises:
        ResultsError: a root is no results folder.
    """
    trials, curves, _ = read_tables(roots)
    named = curves.merge(trials[["trial", *_OF_CURVES]], on="trial", how="left", validate="many_to_one")
    order = ["trial", *_OF_CURVES, *(name for name in curves.columns if name != "trial")]
    whole = dict.fromkeys(("queries", "budget", "seed", "test_inputs"), WHOLE)
    return typed(named[order], dict.fromkeys(("trial", *_OF_CURVES), TEXT) | whole)


def typed(frame: pd.DataFrame, kinds: Mapping[str, str]) -> pd.DataFrame:
    """Give every column its type: that of ``kinds``, or `NUMBER`."""
    import pandas as pd

    made = {}
    for name, column in frame.items():
        kind: Any = kinds.get(str(name), NUMBER)
        values: Any = column
        made[name] = (values.astype(NUMBER) if kind == WHOLE else values).astype(kind)
    return pd.DataFrame(made, columns=frame.columns)


def _places(table: pd.DataFrame) -> list[tuple[str, str]]:
    return list(zip(table["status"], table["folder"], strict=True))


def _not_begun(root: Path, known: set[str]) -> list[dict[str, Any]]:
    """A line for each trial that was asked for and has no folder."""
    missing = [name for name in read_info(root, []).trials if name not in known]
    return [{"trial": name, "status": "new", "reason": "", "flags": "", "folder": str(root / name)} for name in missing]


@cache
def _types(owner: type[Any]) -> dict[str, str]:
    """The type of every column that a field of a class is, and of what tells that a goal was not reached."""
    hints = get_type_hints(owner)
    found = {one.name: _type(hints[one.name]) for one in fields(owner)}
    return found | {f"{goal}{CENSORED}": TRUTH for goal in GOAL_KEYS}


def _type(hint: Any) -> str:
    several = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    kinds = {int: WHOLE, float: NUMBER, bool: TRUTH}
    return next((kinds[one] for one in several if one in kinds), TEXT)
