from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy  # whose parts are imported where they are used
from make_results import VG, make_row, make_spec, make_supervised, make_table1, make_trial

from mebench.api.files import read_json, write_json
from mebench.api.spec import Component, VictimSpec
from mebench.results.leaderboard import Leaderboard, Row, build_leaderboard
from mebench.results.leaderboard.compute.pairs import over_blocks, paired_differences
from mebench.results.leaderboard.compute.ranks import compare_all
from mebench.results.stats import holm


def attacks(board: Leaderboard) -> dict[str, Row]:
    return {row.attack: row for row in board.rows if row.kind == "attack"}


def places(board: Leaderboard) -> dict[str, tuple[int | None, int | None]]:
    return {name: (row.rank, row.rank_last) for name, row in attacks(board).items()}


def test_pairs_are_scipys_paired_t_test() -> None:
    values = np.random.default_rng(0).normal(0.6, 0.05, (5, 7))
    pairs = compare_all(values)
    for index, (one, other) in enumerate(combinations(range(5), 2)):
        reference = scipy.stats.ttest_rel(values[one], values[other])
        interval = reference.confidence_interval(0.95)
        assert (pairs.first[index], pairs.second[index], pairs.seeds[index]) == (one, other, 7)
        assert pairs.difference[index] == pytest.approx((values[one] - values[other]).mean())
        assert pairs.p[index] == pytest.approx(reference.pvalue, rel=1e-9)
        assert pairs.half_width[index] == pytest.approx((interval.high - interval.low) / 2, rel=1e-9)


def test_only_seeds_that_both_rows_have_are_paired() -> None:
    nan = np.nan
    pairs = compare_all(np.array([[0.7, 0.6, 0.8, nan], [0.5, nan, 0.55, 0.9], [nan, 0.1, nan, nan]]))
    assert pairs.seeds.tolist() == [2, 1, 0]
    assert pairs.p[0] == pytest.approx(scipy.stats.ttest_rel([0.7, 0.8], [0.5, 0.55]).pvalue)
    assert np.isnan(pairs.p[1:]).all()
    assert pairs.corrected[0] == pairs.p[0]  # what cannot be tested is not corrected for


def test_holm_is_the_textbooks_step_down() -> None:
    p = np.random.default_rng(1).uniform(0, 0.2, 12)
    corrected = holm(p)
    for level in (0.01, 0.05, 0.2, 0.7):  # reject in order until the first that is too large
        rejected = set()
        for step, index in enumerate(np.argsort(p)):
            if p[index] > level / (len(p) - step):
                break
            rejected.add(int(index))
        assert rejected == set(np.flatnonzero(corrected <= level).tolist())


def test_equal_values_are_never_apart_and_a_constant_difference_is_tested_by_the_test_sets_error() -> None:
    values = np.array([[0.3, 0.5, 0.1], [0.3, 0.5, 0.1], [0.4, 0.6, 0.2]])
    pairs = compare_all(values)
    assert pairs.p[0] == 1.0
    assert np.isnan([*pairs.p[1:], *pairs.corrected[1:], *pairs.half_width[1:]]).all()
    pairs = compare_all(values, np.full((3, 1), 0.01))
    error = 0.01 * np.sqrt(2 / 3)
    assert pairs.p == pytest.approx([1.0, *[2 * scipy.stats.t.sf(0.1 / error, 2)] * 2])
    assert pairs.error == pytest.approx([0.01 * np.sqrt(2)] * 3)
    assert pairs.half_width == pytest.approx([scipy.stats.t.ppf(0.975, 2) * error] * 3)


def test_a_difference_below_the_test_sets_error_is_not_apart_by_any_number_of_seeds() -> None:
    values = np.array([[0.90, 0.9005] * 50, [0.8850, 0.8855] * 50])
    errors = np.full((2, 1), np.sqrt(0.09 / 2000))
    pairs = compare_all(values, errors)
    assert pairs.p[0] == pytest.approx(2 * scipy.stats.norm.sf(0.015 / np.sqrt(0.18 / 2000)))
    half = compare_all(values, errors, np.repeat(np.arange(100), 1)).half_width[0]
    assert half < pairs.half_width[0] / 5  # a hundred test sets are surer than one


def test_differences_that_spread_more_than_the_test_set_are_tested_as_scipy_does() -> None:
    values = np.random.default_rng(0).normal(0.6, 0.05, (5, 7))
    assert compare_all(values, np.full((5, 1), 0.001)).p.tolist() == compare_all(values).p.tolist()


@pytest.mark.parametrize("seeds", [2, 5])
def test_clones_that_have_collapsed_to_other_classes_are_not_apart(tmp_path: Path, seeds: int) -> None:
    """Classes of 200 and of 203 among 2,000 test images: seeds without any spread, 0.15 points from each other."""
    for name, share in (("a", 0.1015), ("b", 0.1), ("c", 0.0985)):
        make_row(tmp_path, [share] * seeds, name, test_inputs=2000)
    board = build_leaderboard([tmp_path])
    assert set(places(board).values()) == {(1, 3)}
    for row in attacks(board).values():
        assert row.test_inputs == 2000
        assert row.accuracy_ci >= 1.959 * np.sqrt(0.0985 * 0.9015 / 2000)
    differences = paired_differences(board.rows)
    assert not any(one.apart for one in differences)
    assert all((one.p or 0) > 0.3 for one in differences)
    assert {one.cliques for one in over_blocks(board.rows)} == {((0, 2),)}
    assert {one.friedman for one in over_blocks(board.rows)} == {None}


def test_collapsed_clones_are_apart_from_good_ones_by_enough_seeds(tmp_path: Path) -> None:
    make_row(tmp_path, [0.1] * 5, "a", test_inputs=2000)
    make_row(tmp_path, [0.70, 0.71, 0.72, 0.73, 0.71], "b", test_inputs=2000)
    assert places(build_leaderboard([tmp_path])) == {"b": (1, 1), "a": (2, 2)}


def test_rows_that_the_seeds_tell_apart_have_one_place_each(tmp_path: Path) -> None:
    make_row(tmp_path, [0.70, 0.71, 0.72, 0.73], "a")
    make_row(tmp_path, [0.601, 0.610, 0.621, 0.632], "b")
    make_row(tmp_path, [0.500, 0.512, 0.520, 0.531], "c")
    assert places(build_leaderboard([tmp_path])) == {"a": (1, 1), "b": (2, 2), "c": (3, 3)}


def test_rows_that_they_do_not_tell_apart_share_their_places(tmp_path: Path) -> None:
    make_row(tmp_path, [0.70, 0.71, 0.72, 0.73], "a")
    make_row(tmp_path, [0.61, 0.71, 0.75, 0.71], "b")
    make_row(tmp_path, [0.300, 0.312, 0.320, 0.331], "c")
    assert places(build_leaderboard([tmp_path])) == {"a": (1, 2), "b": (1, 2), "c": (3, 3)}


def test_pairing_by_seed_tells_apart_what_intervals_of_means_do_not(tmp_path: Path) -> None:
    make_row(tmp_path, [0.50, 0.60, 0.70, 0.80], "a")
    make_row(tmp_path, [0.481, 0.580, 0.679, 0.780], "b")
    rows = attacks(build_leaderboard([tmp_path]))
    assert rows["a"].accuracy_ci > rows["a"].accuracy - rows["b"].accuracy
    assert (rows["a"].rank, rows["b"].rank) == (1, 2)


def test_two_seeds_leave_every_place_open(tmp_path: Path) -> None:
    board = build_leaderboard([make_table1(tmp_path)])
    assert {(row.rank, row.rank_last) for row in board.rows if row.kind == "reference"} == {(None, None)}
    make_row(tmp_path / "two", [0.70, 0.72], "a")
    make_row(tmp_path / "two", [0.50, 0.60], "b")
    assert places(build_leaderboard([tmp_path / "two"])) == {"a": (1, 2), "b": (1, 2)}


OTHER = {
    "channel": {"channel": VG},
    "clone": {"clone": Component("mlp")},
    "budget": {"budget": 1000},
    "data prior": {"data_prior": "public"},
    "pool": {"data_prior": "public", "pool": Component("emnist")},
    "protocol": {"protocol": 2},
    "track": {"track": "standard"},
    "victim's name": {"victim": VictimSpec("another", Component("fashion-mnist"))},
    "victim's weights": {"weights": "bbbb"},
}


@pytest.mark.parametrize("changes", OTHER.values(), ids=OTHER)
def test_rows_of_different_keys_are_never_ranked_together(tmp_path: Path, changes: dict[str, Any]) -> None:
    make_row(tmp_path, [0.70, 0.71, 0.72], "a")
    make_row(tmp_path, [0.30, 0.31, 0.33], "b", **changes)
    board = build_leaderboard([tmp_path])
    assert places(board) == {"a": (None, None), "b": (None, None)}
    assert len({row.key for row in board.rows if row.kind == "attack"}) == 2


def test_other_test_data_is_another_key(tmp_path: Path) -> None:
    make_row(tmp_path, [0.70, 0.71], "a")
    for seed in (0, 1):
        folder = make_trial(tmp_path, make_spec("b", seed=seed), 0.5)
        result = folder.result()
        result["victim"]["data_hash"] = "other"
        write_json(folder.path / "result.json", result)
    board = build_leaderboard([tmp_path])
    assert places(board) == {"a": (None, None), "b": (None, None)}
    assert any("2 different test sets" in note for note in board.notes)


def started_from(root: Path, attack: str, starts: dict[int, str]) -> None:
    for seed, start in starts.items():
        folder = make_trial(root, make_spec(attack, seed=seed), 0.5 + 0.01 * seed)
        result = read_json(folder.path / "result.json")
        write_json(folder.path / "result.json", result | {"clone": {"initial_hash": start}})


def test_clones_that_start_from_other_weights_are_not_ranked_together_and_it_is_told(tmp_path: Path) -> None:
    started_from(tmp_path, "a", {0: "x0", 1: "x1", 2: "x2"})
    started_from(tmp_path, "b", {0: "x0", 2: "x2"})
    started_from(tmp_path, "c", {0: "y0", 1: "x1"})
    make_row(tmp_path, [0.5, 0.51], "old")  # of a version that did not record it
    board = build_leaderboard([tmp_path])
    assert {name: row.clone_init for name, row in attacks(board).items()} == {
        "a": "",
        "b": "",
        "old": "",
        "c": "start 2",
    }
    assert places(board)["c"] == (None, None)
    assert any("start from 2 different weights with the same seed" in note for note in board.notes)


def test_merged_folders_of_other_rules_say_so(tmp_path: Path) -> None:
    make_row(tmp_path / "a", [0.7, 0.71], "a")
    make_row(tmp_path / "b", [0.7, 0.71], "a", protocol=2)
    make_row(tmp_path / "b", [0.7, 0.71], "a", track="standard")
    notes = build_leaderboard([tmp_path / "a", tmp_path / "b"]).notes
    assert any("protocols 1, 2 are here" in note for note in notes)
    assert any("learner tracks native and standard" in note for note in notes)


def test_rows_of_one_key_stand_together(tmp_path: Path) -> None:
    make_row(tmp_path, [0.80, 0.81], "a", channel=VG)
    make_row(tmp_path, [0.70, 0.71], "b")
    make_row(tmp_path, [0.60, 0.61], "c", channel=VG)
    make_supervised(tmp_path, [0.85])
    names = [row.attack for row in build_leaderboard([tmp_path]).rows]
    assert names == ["victim", "supervised", "a", "c", "b"]
