from __future__ import annotations

import importlib.util
import json
import sqlite3
from pathlib import Path

import pandas as pd
import pytest
from make_results import make_row, make_spec, make_table1, make_trial, write_benchmark

from mebench.cli import main
from mebench.results.leaderboard import build_leaderboard
from mebench.results.trial_folder import TrialFolder


def make(root: Path) -> Path:
    """Finished trials, a failed one and an invalid one."""
    make_table1(root)
    spec = make_spec("dfme", "kl", 7)
    TrialFolder.of(root, spec).begin(spec)
    TrialFolder.of(root, spec).fail(spec, 'RuntimeError: a, "b"\nc')
    folder = make_trial(root, make_spec("cheat"), 0.7)
    result = json.loads((folder.path / "result.json").read_text())
    result["metrics"]["accuracy"] = 0.99
    (folder.path / "result.json").write_text(json.dumps(result))
    return root


def read(path: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    if path.suffix == ".csv":
        return pd.read_csv(path), pd.read_csv(path.with_name(f"{path.stem}-curves.csv"))
    if path.suffix == ".parquet":
        return pd.read_parquet(path), pd.read_parquet(path.with_name(f"{path.stem}-curves.parquet"))
    with sqlite3.connect(path) as connection:
        return tuple(pd.read_sql(f"SELECT * FROM {name}", connection) for name in ("trials", "curves"))  # type: ignore[return-value]


SUFFIXES = ["csv", "sqlite", "db", *(["parquet"] if importlib.util.find_spec("pyarrow") else [])]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_trial_is_a_line_and_every_evaluation_of_a_valid_one(tmp_path: Path, suffix: str) -> None:
    root, path = make(tmp_path / "out"), tmp_path / "deep" / f"all.{suffix}"
    assert main(["export", str(root), "-o", str(path)]) == 0
    trials, curves = read(path)
    board = build_leaderboard([root])
    assert len(trials) == 6 * 3 + 3 + 2
    assert trials["status"].value_counts().to_dict() == {"finished": 21, "failed": 1, "invalid": 1}
    assert len(curves) == 18 * 20
    means = trials[trials.status == "finished"].groupby(["attack", "variant"])["accuracy"].mean()
    for row in board.rows:
        if row.attack not in ("victim", "cheat"):
            assert means[row.attack, row.variant] == pytest.approx(row.accuracy)
    last = curves.groupby("trial").last()["accuracy"]
    finished = trials[(trials.status == "finished") & (trials.kind == "attack")].set_index("trial")
    assert last.sort_index().tolist() == pytest.approx(finished["accuracy"].sort_index().tolist())


def test_what_is_not_valid_has_a_reason_and_no_numbers(tmp_path: Path) -> None:
    main(["export", str(make(tmp_path / "out")), "-o", str(tmp_path / "all.csv")])
    trials, curves = read(tmp_path / "all.csv")
    bad = trials[trials.status != "finished"].set_index("attack")
    assert bad["accuracy"].isna().all()
    assert "is not the curve's last" in bad.loc["cheat", "reason"]
    assert 'a, "b" c' in bad.loc["dfme", "reason"]
    assert not set(bad["trial"]) & set(curves["trial"])


def test_an_export_is_replaced_as_a_whole_and_leaves_nothing_else(tmp_path: Path) -> None:
    make_row(tmp_path / "out", [0.7])
    for _ in range(2):
        assert main(["export", str(tmp_path / "out"), "-o", str(tmp_path / "to" / "all.sqlite")]) == 0
    assert [path.name for path in (tmp_path / "to").iterdir()] == ["all.sqlite"]
    assert len(read(tmp_path / "to" / "all.sqlite")[0]) == 1


def test_an_empty_folder_gives_empty_tables(tmp_path: Path) -> None:
    write_benchmark(tmp_path / "out")
    assert main(["export", str(tmp_path / "out"), "-o", str(tmp_path / "all.csv")]) == 0
    trials, _ = read(tmp_path / "all.csv")
    assert len(trials) == 0
    assert "accuracy" in trials.columns


def test_mistakes_are_one_line_and_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    make_row(tmp_path / "out", [0.7])
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    for root, name, words in (
        ("out", "all.xlsx", "ends in .csv"),
        ("out", "all.parquet", "pip install pyarrow"),
        ("nowhere", "all.csv", "no such results folder"),
    ):
        assert main(["export", str(tmp_path / root), "-o", str(tmp_path / name)]) == 2
        error = capsys.readouterr().err
        assert words in error
        assert error.count("\n") == 1
    assert main(["export", str(tmp_path / "out")]) == 2
