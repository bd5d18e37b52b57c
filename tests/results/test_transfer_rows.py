"""The rates of transferred adversarial examples in tables, comparisons, committed rows and the page."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from make_results import make_row, make_spec, make_trial, write_benchmark
from test_more_metrics import enrich, only, wide

from mebench.report.page.table import columns
from mebench.results.compare import compare
from mebench.results.compare.text import as_text as compared
from mebench.results.leaderboard import FORMATS, Leaderboard, build_leaderboard
from mebench.results.leaderboard.read.saved import write_row_files

RATES = {"transfer_pgd": 0.651, "transfer_pgd_targeted": 0.19, "transfer_pgd_plain": 0.66, "transfer_bim": 0.5}


def measured(root: Path, attack: str = "megex", shift: float = 0.0, seeds: int = 3, **more: Any) -> None:
    for seed in range(seeds):
        folder = make_trial(root, make_spec(attack, seed=seed), 0.7 + seed / 100)
        enrich(folder, **{name: rate + shift + 0.001 * seed for name, rate in RATES.items()}, **more)


def board(root: Path) -> Leaderboard:
    return build_leaderboard([root])


def test_tables_write_rates_in_percent_below_short_titles_and_say_what_these_are(tmp_path: Path) -> None:
    measured(tmp_path)
    for style in ("text", "md", "latex"):
        said = FORMATS[style](board(tmp_path))
        assert said.index("BIM-U") < said.index("PGD-U") < said.index("PGD-T")
        assert "65.2" in said
        assert "19.1" in said
        if style != "latex":
            assert "PGD-T transfer_pgd_targeted" in " ".join(said.replace("\\", "").split())
    assert "PGD-U plain" not in FORMATS["text"](board(tmp_path))
    assert "PGD-U plain" in wide(board(tmp_path))
    assert "PGD-U plain" in FORMATS["md"](board(tmp_path))


def test_data_formats_have_every_rate_by_its_name_as_a_fraction(tmp_path: Path) -> None:
    measured(tmp_path)
    (line,) = [one for one in csv.DictReader(io.StringIO(FORMATS["csv"](board(tmp_path)))) if one["attack"] == "megex"]
    (row,) = [one for one in json.loads(FORMATS["json"](board(tmp_path)))["rows"] if one["attack"] == "megex"]
    for name, rate in RATES.items():
        assert float(line[name]) == pytest.approx(rate + 0.001)
        assert row["metrics"][name] == pytest.approx(rate + 0.001)
        assert row["per_seed"][0]["metrics"][name] == pytest.approx(rate)


def test_tables_without_rates_are_as_they_were(tmp_path: Path) -> None:
    make_row(tmp_path, [0.7, 0.71])
    assert "Measured besides" not in FORMATS["text"](board(tmp_path))


def test_rows_can_be_sorted_by_a_rate(tmp_path: Path) -> None:
    measured(tmp_path)
    measured(tmp_path, "dfme", 0.1)
    make_row(tmp_path, [0.9], "none")
    names = [row.attack for row in board(tmp_path).sorted_by("transfer_pgd").rows if row.kind == "attack"]
    assert names == ["dfme", "megex", "none"]
    with pytest.raises(KeyError):
        board(tmp_path).sorted_by("transfer_fgsm")


@pytest.mark.parametrize(("shift", "mark"), [(-0.04, "same"), (-0.06, "worse"), (0.06, "better")])
def test_a_rate_is_worse_below_five_points_beyond_the_spread_of_the_seeds(
    tmp_path: Path, shift: float, mark: str
) -> None:
    measured(tmp_path / "a")
    measured(tmp_path / "b", shift=shift)
    found = compare(board(tmp_path / "a"), board(tmp_path / "b"), metrics=["transfer_pgd"])
    (row,) = [one for one in found.rows if one.row.kind == "attack"]
    (metric,) = row.metrics
    assert (row.mark, metric.tolerance) == (mark, 0.05)
    assert metric.interval is not None
    assert f"65.2 → {65.2 + 100 * shift:.1f}" in compared(found)


def test_a_rate_that_only_one_side_has_is_no_regression(tmp_path: Path) -> None:
    measured(tmp_path / "a")
    make_row(tmp_path / "b", [0.7, 0.71, 0.72])
    found = compare(board(tmp_path / "a"), board(tmp_path / "b"), metrics=["transfer_pgd"])
    (row,) = [one for one in found.rows if one.row.kind == "attack"]
    assert (row.mark, row.metrics[0].remark) == ("same", "transfer_pgd is unknown in NEW")


def test_a_rate_beyond_1_makes_a_row_invalid(tmp_path: Path) -> None:
    measured(tmp_path, seeds=1, transfer_fgsm=1.5)
    row = only(board(tmp_path))
    assert row.status == "invalid"
    assert "transfer_fgsm 1.5 is outside 0..1" in row.reason


def test_a_rate_that_one_seed_lacks_is_unknown(tmp_path: Path) -> None:
    measured(tmp_path)
    enrich(make_trial(tmp_path, make_spec(seed=3), 0.7), **RATES | {"transfer_pgd": None})
    row = only(board(tmp_path))
    assert row.metrics["transfer_pgd"] is None
    assert row.metrics["transfer_bim"] is not None


def test_committed_rows_keep_rates(tmp_path: Path) -> None:
    write_benchmark(tmp_path)
    measured(tmp_path)
    write_row_files(tmp_path / "rows", board(tmp_path))
    found = compare(board(tmp_path / "rows"), board(tmp_path), metrics=["transfer_pgd"])
    assert {one.mark for one in found.rows if one.row.kind == "attack"} == {"same"}
    assert only(board(tmp_path / "rows")).metrics == only(board(tmp_path)).metrics


def test_the_page_shows_rates_in_percent_with_their_cards(tmp_path: Path) -> None:
    measured(tmp_path)
    row = only(board(tmp_path))
    shown = {one.key: one for one in columns([row])}
    assert (shown["transfer_pgd"].title, shown["transfer_pgd"].cell(row)) == ("PGD-U, %", "65.2")
    assert shown["transfer_pgd"].number is not None
    assert "transfer_pgd_plain" not in shown


def test_a_metric_that_nobody_here_knows_is_shown_with_three_digits_and_its_interval(tmp_path: Path) -> None:
    for seed, value in enumerate((0.61234, 0.62345, 1234.5)):
        folder = make_trial(tmp_path / ("few" if seed < 2 else "many"), make_spec(seed=seed), 0.7)
        enrich(folder, **{"of-a-plugin": value})
    few, many = board(tmp_path / "few"), board(tmp_path / "many")
    half = only(few).interval("of-a-plugin")
    assert half is not None
    assert f"0.618 ± {half:.3g}" in FORMATS["text"](few)
    assert "1,234" in FORMATS["md"](many) or "1,235" in FORMATS["md"](many)
    shown = {one.key: one for one in columns([only(few)])}
    assert shown["of-a-plugin"].cell(only(few)) == f"0.618 ± {half:.3g}"
    assert shown["of-a-plugin"].means == "the key of-a-plugin of leaderboard.json"
    assert json.loads(FORMATS["json"](few))["rows"][-1]["metrics_ci"] == {"of-a-plugin": half}
    write_benchmark(tmp_path / "few")
    write_row_files(tmp_path / "rows", board(tmp_path / "few"))
    assert only(board(tmp_path / "rows")).intervals == only(board(tmp_path / "few")).intervals
