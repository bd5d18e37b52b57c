"""The paper's numbers other than accuracy and fidelity, in every form of a leaderboard and in the report."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from make_results import BUDGET, make_row, make_spec, make_trial, write_benchmark

from mebench.report.page.page import write_report
from mebench.results.leaderboard.compute.build import build_leaderboard
from mebench.results.leaderboard.read.saved import write_row_files
from mebench.results.leaderboard.write.formats import FORMATS, as_text

ROW = {"attack": "megex", "variant": "l1", "victim": "fmnist-lenet5", "budget": BUDGET}
RISE_AND_FALL = [
    {"queries": BUDGET // 5, "accuracy": 0.3, "fidelity": 0.3},
    {"queries": BUDGET // 2, "accuracy": 0.8, "fidelity": 0.8},
    {"queries": BUDGET, "accuracy": 0.7, "fidelity": 0.7},
]


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """A row whose clone was best half-way, with numbers of two of the paper's tables, and one that has none."""
    for seed in range(2):
        make_trial(tmp_path, make_spec(seed=seed), 0.7, curve=RISE_AND_FALL)
    make_row(tmp_path, [0.6, 0.6], "dfme")
    numbers = [
        {**ROW, "accuracy": 75.5},
        {**ROW, "metrics": {"queries_to_maximum": 30_000, "auc": 0.3, "votes_of_a_plugin": 4.25}},
        {**ROW, "victim": "elsewhere", "metrics": {"queries_to_maximum": 340_000}},
    ]
    write_benchmark(tmp_path, reported=numbers)
    return tmp_path


def test_a_row_takes_its_numbers_from_several_tables_and_rates_become_fractions(results: Path) -> None:
    rows = {row.attack: row for row in build_leaderboard([results]).rows}
    assert rows["megex"].reported == 0.755
    assert rows["megex"].reported_metrics == {"auc": 0.003, "queries_to_maximum": 30_000, "votes_of_a_plugin": 4.25}
    assert rows["dfme"].reported_metrics == {}


def test_queries_to_the_maximum_are_read_off_the_curve_while_the_score_is_the_last_clone(results: Path) -> None:
    row = next(row for row in build_leaderboard([results]).rows if row.attack == "megex")
    assert row.queries_to_maximum == BUDGET // 2
    assert row.accuracy == 0.7
    assert [one.queries_to_maximum for one in row.per_seed] == [BUDGET // 2] * 2


def test_text_shows_measured_and_reported_side_by_side(results: Path) -> None:
    shown = as_text(build_leaderboard([results]))
    head = next(line for line in shown.splitlines() if "To maximum" in line)
    assert head.index("To maximum") < head.index("To maximum reported")
    assert "auc reported" not in head
    assert "AUC reported" in head
    line = next(line for line in shown.splitlines() if line.strip().startswith("megex l1") and "25,000" in line)
    assert "30,000" in line
    assert "4.25" in line
    table = shown.split("Reported by the paper")[1]
    assert "elsewhere" in table
    assert "340,000" in table


def test_without_reported_numbers_there_are_no_such_columns(tmp_path: Path) -> None:
    make_row(tmp_path, [0.7, 0.7])
    board = build_leaderboard([tmp_path])
    assert "To maximum" not in as_text(board)
    assert "To maximum" in as_text(board, wide=True)
    assert "reported_metrics" not in FORMATS["json"](board)


@pytest.mark.parametrize("form", ["md", "latex"])
def test_tables_for_papers_have_the_columns(results: Path, form: str) -> None:
    shown = FORMATS[form](build_leaderboard([results]))
    assert "To maximum reported" in shown
    assert "25,000" in shown
    assert "30,000" in shown


def test_csv_and_json_have_the_numbers_by_key(results: Path) -> None:
    board = build_leaderboard([results])
    lines = {line["attack"]: line for line in csv.DictReader(io.StringIO(FORMATS["csv"](board)))}
    assert float(lines["megex"]["queries_to_maximum"]) == BUDGET // 2
    assert float(lines["megex"]["reported_queries_to_maximum"]) == 30_000
    assert lines["dfme"]["reported_queries_to_maximum"] == ""
    rows = {row["attack"]: row for row in json.loads(FORMATS["json"](board))["rows"]}
    assert rows["megex"]["reported_metrics"]["queries_to_maximum"] == 30_000
    assert "reported_metrics" not in rows["dfme"]


def test_saved_rows_keep_the_papers_numbers(results: Path, tmp_path: Path) -> None:
    write_row_files(tmp_path / "rows", build_leaderboard([results]))
    rows = {row.attack: row for row in build_leaderboard([tmp_path / "rows"]).rows}
    assert rows["megex"].reported_metrics["queries_to_maximum"] == 30_000


def test_the_report_has_a_table_of_them(results: Path, tmp_path: Path) -> None:
    write_report([results], tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    section = page.split('id="reported"', 1)[1].split("</section>", 1)[0]
    assert "Other numbers of the paper" in section
    for shown in ("To maximum", "30,000", "25,000", "340,000", "votes_of_a_plugin", "4.25"):
        assert shown in section
