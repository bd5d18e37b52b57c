from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from make_results import BUDGET, make_curve, make_row, make_spec, make_table1, make_trial, write_benchmark
from rich.console import Console

from mebench.api.files import write_json
from mebench.api.spec import Component
from mebench.results.leaderboard import FORMATS, Leaderboard, Row, build_leaderboard, render_text
from mebench.results.prices import PriceSheet


def only(board: Leaderboard) -> Row:
    (row,) = [row for row in board.rows if row.kind == "attack"]
    return row


def wide(board: Leaderboard) -> str:
    buffer = io.StringIO()
    render_text(board, Console(file=buffer, width=300, color_system=None), wide=True)
    return buffer.getvalue()


def reaching(at: int | None) -> list[dict[str, Any]]:
    """A curve that is good from ``at`` queries on, or never."""
    good = [at is not None and q >= at for q in range(10_000, BUDGET + 1, 10_000)]
    return [
        {"queries": 10_000 * (i + 1), "accuracy": 0.84 if ok else 0.2, "fidelity": 0.9 if ok else 0.3}
        for i, ok in enumerate(good)
    ]


def test_a_level_that_every_seed_reaches_has_a_mean(tmp_path: Path) -> None:
    for seed, at in enumerate((20_000, 40_000)):
        make_trial(tmp_path, make_spec(seed=seed), 0.84, curve=reaching(at))
    row = only(build_leaderboard([tmp_path]))
    assert (row.queries_to_50, row.queries_to_80, row.queries_to_90, row.queries_to_95) == (30_000,) * 4
    assert not row.queries_to_90_censored


def test_a_level_that_no_seed_reaches_is_censored_and_shown_so(tmp_path: Path) -> None:
    make_trial(tmp_path, make_spec(), 0.2, curve=reaching(None))
    board = build_leaderboard([tmp_path])
    plain = json.loads(FORMATS["json"](board))["rows"][-1]
    assert (plain["queries_to_90"], plain["queries_to_90_censored"]) == (None, True)
    assert (plain["per_seed"][0]["queries_to_90"], plain["per_seed"][0]["queries_to_90_censored"]) == (None, True)
    assert wide(board).count("> 50,000") == 4
    assert "&gt; 50,000" in FORMATS["md"](board)


def test_a_level_that_some_seeds_reach_is_shown_by_its_lower_bound(tmp_path: Path) -> None:
    for seed, at in enumerate((20_000, None, None)):
        make_trial(tmp_path, make_spec(seed=seed), 0.84, curve=reaching(at))
    assert "> 40,000 (1/3)" in wide(build_leaderboard([tmp_path]))


def test_the_standard_track_has_no_curve_to_read_queries_off(tmp_path: Path) -> None:
    make_trial(tmp_path, make_spec(track="standard"), 0.84, curve=make_curve(0.84)[-1:])
    row = only(build_leaderboard([tmp_path]))
    assert (row.queries_to_50, row.queries_to_50_censored, row.auc, row.track) == (None, False, None, "standard")


def enrich(folder: Any, **metrics: Any) -> None:
    result = folder.result()
    result["metrics"] |= metrics
    write_json(folder.path / "result.json", result)


GOOD = {"fidelity_on_errors": 0.3, "kl": 0.5, "total_variation": 0.2}


def test_divergences_are_means_over_seeds_and_unknown_if_one_seed_has_none(tmp_path: Path) -> None:
    for seed, kl in enumerate((0.5, 0.7)):
        enrich(make_trial(tmp_path, make_spec(seed=seed), 0.7), **GOOD | {"kl": kl})
        enrich(make_trial(tmp_path, make_spec("b", seed=seed), 0.7), **GOOD | {"kl": kl if seed else None})
    rows = {row.attack: row for row in build_leaderboard([tmp_path]).rows}
    assert rows["megex"].kl == pytest.approx(0.6)
    assert (rows["b"].kl, rows["b"].total_variation) == (None, 0.2)
    assert rows["victim"].kl == rows["victim"].total_variation == 0


@pytest.mark.parametrize(
    ("metrics", "words"),
    [
        ({"total_variation": 0.51}, "total_variation 0.51 cannot be, with kl 0.5 it is at most 0.5"),
        ({"kl": -0.1}, "kl -0.1 is below 0"),
        ({"total_variation": 1.2}, "total_variation 1.2 is outside 0..1"),
        ({"fidelity_on_errors": 1.1}, "fidelity_on_errors 1.1 is outside 0..1"),
        ({"fidelity_on_errors": 0.0}, "fidelity_on_errors 0 cannot be, with fidelity 0.73"),
    ],
)
def test_divergences_that_contradict_the_rest_make_the_row_invalid(tmp_path: Path, metrics: Any, words: str) -> None:
    enrich(make_trial(tmp_path, make_spec(), 0.7), **GOOD)
    assert only(build_leaderboard([tmp_path])).status == "finished"
    enrich(make_trial(tmp_path, make_spec(), 0.7), **GOOD | metrics)
    row = only(build_leaderboard([tmp_path]))
    assert (row.status, row.kl) == ("invalid", None)
    assert words in row.reason


def test_a_victim_that_computed_less_than_was_asked_makes_the_row_invalid(tmp_path: Path) -> None:
    folder = make_trial(tmp_path, make_spec(), 0.7)
    result = folder.result()
    result["ledger"] |= {"victim_forward": BUDGET - 1, "victim_backward": 0}
    write_json(folder.path / "result.json", result)
    assert f"computed {BUDGET - 1} rows for {BUDGET} queries" in only(build_leaderboard([tmp_path])).reason


def test_results_of_older_versions_can_be_read_and_lack_what_they_lack(tmp_path: Path) -> None:
    row = only(build_leaderboard([(make_row(tmp_path, [0.7]), tmp_path)[1]]))
    assert row.status == "finished"
    assert (row.kl, row.total_variation, row.fidelity_on_errors, row.victim_forward, row.cost) == (None,) * 5


SHEET = {"currency": "EUR", "per_1000_queries": {"probability": 2.0, "vg": 4.0}, "per_1000_explanations": 10.0}


def test_the_cost_of_a_trial_is_what_the_sheet_says() -> None:
    sheet = PriceSheet(**SHEET, per_gpu_hour=3.6, per_cpu_hour=0.36)
    assert sheet.cost("vg", 5000, 2000, 1000.0, "cpu") == pytest.approx(5 * 4 + 2 * 10 + 0.1)
    assert sheet.cost("vg", 5000, 2000, 1000.0, "some GPU") == pytest.approx(5 * 4 + 2 * 10 + 1.0)
    assert sheet.cost("label", 5000, 0, 1000.0, "cpu") is None
    assert sheet.cost("vg", 5000, 0, None, "cpu") is None
    assert PriceSheet(**SHEET).cost("vg", 5000, 0, None, "cpu") == 20


def test_rows_have_a_cost_only_with_a_price_sheet(tmp_path: Path) -> None:
    make_table1(tmp_path)
    assert "Cost" not in wide(build_leaderboard([tmp_path]))
    write_benchmark(tmp_path, prices=SHEET)
    board = build_leaderboard([tmp_path])
    costs = {row.name: row.cost for row in board.rows}
    assert costs["dfme l1"] == pytest.approx(BUDGET / 1000 * 2)
    assert (costs["victim"], costs["supervised"]) == (None, None)
    assert "Cost" in wide(board)
    assert "100.00" in wide(board)
    assert "| Cost |" in FORMATS["md"](board)
    assert all("Cost: EUR per trial" in " ".join(shown.split()) for shown in (wide(board), FORMATS["md"](board)))


def test_folders_with_other_price_sheets_are_told(tmp_path: Path) -> None:
    for name, attack in (("a", "x"), ("b", "y")):
        make_row(tmp_path / name, [0.7, 0.71], attack)
        write_benchmark(tmp_path / name, prices=SHEET | {"currency": name})
    board = build_leaderboard([tmp_path / "a", tmp_path / "b"])
    assert board.benchmark.prices is None
    assert any("price sheets differ" in note for note in board.notes)


def test_tracks_are_told_apart_in_names_and_tables(tmp_path: Path) -> None:
    make_row(tmp_path, [0.7, 0.71])
    make_row(tmp_path, [0.6, 0.61], track="standard")
    shown = wide(build_leaderboard([tmp_path]))
    assert "Learner" in shown
    assert not [line for line in shown.splitlines() if line.startswith("(victim)") and "native" in line]
    assert "standard" in shown
    assert "learner native" not in shown


def test_a_prior_is_said_and_what_is_usual_is_not(tmp_path: Path) -> None:
    make_row(tmp_path, [0.7], pool=Component("emnist"), data_prior="public")
    title = wide(build_leaderboard([tmp_path])).split("\n")[0]
    assert "data prior public: emnist" in title
    assert "protocol" not in title
