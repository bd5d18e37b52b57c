from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.stats
from make_results import (
    BUDGET,
    VG,
    VICTIM_ACCURACY,
    make_row,
    make_spec,
    make_supervised,
    make_table1,
    make_trial,
    write_benchmark,
)

from mebench.api.errors import ResultsError
from mebench.api.files import write_json
from mebench.api.spec import Component, content_digest
from mebench.results.leaderboard import Leaderboard, Row, build_leaderboard
from mebench.results.trial_folder import TrialFolder


def only_row(board: Leaderboard, attack: str = "megex") -> Row:
    (row,) = [row for row in board.rows if row.attack == attack]
    return row


def fail(root: Path, seed: int, reason: str = "RuntimeError: boom", **changes: Any) -> None:
    spec = make_spec(seed=seed, **changes)
    folder = TrialFolder.of(root, spec)
    folder.begin(spec)
    folder.fail(spec, reason)


def test_a_row_is_the_mean_over_seeds_with_students_interval(tmp_path: Path) -> None:
    accuracies = [0.712, 0.735, 0.698]
    make_row(tmp_path, accuracies)
    row = only_row(build_leaderboard([tmp_path]))
    assert row.accuracy == pytest.approx(np.mean(accuracies))
    assert row.accuracy_ci == pytest.approx(scipy.stats.sem(accuracies) * scipy.stats.t.ppf(0.975, 2))
    assert row.fidelity == pytest.approx(np.mean(accuracies) + 0.03)
    assert row.normalised_accuracy == pytest.approx(np.mean(accuracies) / VICTIM_ACCURACY)
    assert (row.seeds, row.queries, row.status, row.reason) == (3, BUDGET, "finished", "")
    assert [one.accuracy for one in row.per_seed] == pytest.approx(accuracies)
    assert (row.seconds, row.queries_per_second) == (50, BUDGET / 50)


def test_queries_to_90_is_a_mean_only_if_every_seed_gets_there(tmp_path: Path) -> None:
    make_row(tmp_path / "all", [0.85, 0.84])
    make_row(tmp_path / "one", [0.85, 0.60])
    every = only_row(build_leaderboard([tmp_path / "all"]))
    assert every.queries_to_90 == np.mean([one.queries_to_90 for one in every.per_seed])
    some = only_row(build_leaderboard([tmp_path / "one"]))
    assert some.per_seed[0].queries_to_90 is not None
    assert some.queries_to_90 is None


def test_rows_stand_by_accuracy_with_the_references_on_top(tmp_path: Path) -> None:
    board = build_leaderboard([make_table1(tmp_path)])
    assert [row.name for row in board.rows] == [
        *("victim", "supervised", "megex l1", "megex kl", "dfme l1", "dfme kl", "random-generator l1", "noise"),
    ]
    victim, supervised = board.rows[:2]
    assert (victim.kind, victim.accuracy, victim.fidelity, victim.normalised_accuracy) == ("reference", 0.86, 1, 1)
    assert victim.queries is None
    assert (supervised.kind, supervised.seeds, supervised.queries, supervised.auc) == ("reference", 3, None, None)


def test_only_the_references_that_the_benchmark_wants_are_shown(tmp_path: Path) -> None:
    make_table1(tmp_path)
    write_benchmark(tmp_path, references=["supervised"])
    assert "victim" not in [row.attack for row in build_leaderboard([tmp_path]).rows]


@pytest.mark.parametrize(
    "changes",
    [
        {"channel": Component("probability", {"top_k": None, "decimals": 2})},
        {"channel": VG},
        {"clone": Component("resnet18")},
        {"pool": Component("emnist")},
        {"data_prior": "public"},
        {"budget": 10_000},
        {"protocol": 2},
        {"variant": "kl"},
    ],
)
def test_what_differs_in_anything_but_the_seed_is_another_row(tmp_path: Path, changes: dict[str, Any]) -> None:
    make_row(tmp_path, [0.7, 0.71])
    make_row(tmp_path, [0.5, 0.52], **changes)
    rows = [row for row in build_leaderboard([tmp_path]).rows if row.kind == "attack"]
    assert sorted(row.seeds for row in rows) == [2, 2]
    assert not any("settings-differ" in row.flags for row in rows)


def test_a_channel_is_named_by_what_differs_from_its_defaults(tmp_path: Path) -> None:
    make_row(tmp_path, [0.7], channel=Component("probability", {"top_k": None, "decimals": 2}))
    make_row(tmp_path, [0.7], "b", channel=Component("not-installed", {"level": 3, "off": None}))
    channels = {row.attack: row.channel for row in build_leaderboard([tmp_path]).rows}
    assert channels["megex"] == "probability(decimals=2)"
    assert channels["b"] == "not-installed(level=3)"


def test_hidden_parameters_keep_rows_apart_and_are_told(tmp_path: Path) -> None:
    make_row(tmp_path, [0.7, 0.71], attack="megex")
    for seed in (0, 1):
        spec = make_spec(seed=seed, evaluations=50)
        make_trial(tmp_path, spec, 0.5)
    board = build_leaderboard([tmp_path])
    rows = [row for row in board.rows if row.attack == "megex"]
    assert [row.seeds for row in rows] == [2, 2]
    assert all("settings-differ" in row.flags for row in rows)
    assert any("evaluations is 20 or 50" in note or "evaluations is 50 or 20" in note for note in board.notes)


def test_merged_folders_with_other_victim_weights_are_kept_apart_and_told(tmp_path: Path) -> None:
    make_row(tmp_path / "a", [0.7, 0.71])
    make_row(tmp_path / "b", [0.5, 0.52], weights="bbbb", victim_accuracy=0.8)
    for roots in ([tmp_path / "a", tmp_path / "b"], [_merged(tmp_path)]):
        board = build_leaderboard(roots)
        rows = {row.victim_hash: row for row in board.rows if row.attack == "megex"}
        assert (rows["aaaa1111"].accuracy, rows["bbbb"].accuracy) == pytest.approx((0.705, 0.51))
        assert sum(row.attack == "victim" for row in board.rows) == 2
        assert any("2 victims with different weights" in note for note in board.notes)


def _merged(tmp_path: Path) -> Path:
    for name in ("a", "b"):
        for folder in (tmp_path / name).iterdir():
            shutil.copytree(folder, tmp_path / "merged" / f"{folder.name}-{name}")
    return tmp_path / "merged"


def test_a_trial_that_is_there_twice_counts_once(tmp_path: Path) -> None:
    make_row(tmp_path / "a", [0.7, 0.71])
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    board = build_leaderboard([tmp_path / "a", tmp_path / "b"])
    assert only_row(board).seeds == 2
    assert board.notes == ()
    make_row(tmp_path / "c", [0.6])
    board = build_leaderboard([tmp_path / "a", tmp_path / "c"])
    assert only_row(board).per_seed[0].accuracy == 0.7
    assert any("twice with different results" in note for note in board.notes)


def test_a_failed_copy_never_hides_a_finished_trial(tmp_path: Path) -> None:
    fail(tmp_path / "a", 0)
    make_row(tmp_path / "b", [0.7])
    row = only_row(build_leaderboard([tmp_path / "a", tmp_path / "b"]))
    assert (row.status, row.seeds, row.seeds_planned) == ("finished", 1, 1)


def test_a_row_with_a_failed_seed_is_partial_with_the_reason(tmp_path: Path) -> None:
    make_row(tmp_path, [0.7, 0.72])
    fail(tmp_path, 2, "OutOfMemoryError: 3 GB")
    row = only_row(build_leaderboard([tmp_path]))
    assert (row.status, row.seeds, row.seeds_planned) == ("partial", 2, 3)
    assert row.reason == "seed 2: OutOfMemoryError: 3 GB"
    assert row.accuracy == pytest.approx(0.71)


def test_a_row_of_failures_only_has_failed_and_no_numbers(tmp_path: Path) -> None:
    fail(tmp_path, 0, "first")
    fail(tmp_path, 1, "second")
    row = only_row(build_leaderboard([tmp_path]))
    assert (row.status, row.seeds, row.seeds_planned, row.reason) == ("failed", 0, 2, "seed 0: first")
    assert (row.accuracy, row.accuracy_ci, row.auc) == (None, None, None)


def test_a_trial_that_is_still_running_makes_a_row_partial(tmp_path: Path) -> None:
    spec = make_spec()
    TrialFolder.of(tmp_path, spec).begin(spec)
    row = only_row(build_leaderboard([tmp_path]))
    assert (row.status, row.reason) == ("partial", "seed 0: not finished")


def test_trials_that_were_asked_for_and_never_started_are_missed(tmp_path: Path) -> None:
    make_row(tmp_path, [0.7, 0.72])
    asked = [make_spec(seed=seed).id for seed in range(3)] + [make_spec("dfme", seed=0).id]
    write_benchmark(tmp_path, trials=asked)
    board = build_leaderboard([tmp_path])
    row = only_row(board)
    assert (row.status, row.seeds, row.seeds_planned) == ("partial", 2, 3)
    assert row.reason == "seed 2: not started"
    assert "1 trial has not been started: dfme-l1-fmnist-lenet5-probability-q50000" in board.notes


def test_what_is_missing_of_one_pool_is_not_missed_in_the_row_of_the_other(tmp_path: Path) -> None:
    first, second = Component("fashion-mnist", {"rows": [54000, 60000]}), Component("mnist-10k")
    make_row(tmp_path, [0.7, 0.72], pool=first)
    make_row(tmp_path, [0.6], pool=second)
    asked = [make_spec(seed=seed, pool=pool) for seed in range(2) for pool in (first, second)]
    assert asked[0].prefix == asked[1].prefix
    names = [one.id for one in asked]
    for facts in ({}, {"settings": {one.id: one.settings_digest for one in asked}}):  # older folders have ids alone
        write_benchmark(tmp_path, trials=names, **facts)
        rows = {row.pool: row for row in build_leaderboard([tmp_path]).rows if row.kind == "attack"}
        assert {pool: row.status for pool, row in rows.items()} == {
            "fashion-mnist(rows=54000/60000)": "finished",
            "mnist-10k": "partial",
        }
        assert rows["mnist-10k"].reason == "seed 1: not started"


def test_a_pool_of_which_nothing_has_begun_is_missed_by_no_other_row_whatever_its_seeds(tmp_path: Path) -> None:
    make_row(tmp_path, [0.7], pool=Component("mnist-10k"))
    other = [make_spec(seed=seed, pool=Component("svhn")) for seed in range(3)]
    asked = [make_spec(pool=Component("mnist-10k")), *other]
    digests = {one.id: one.settings_digest for one in asked}
    write_benchmark(tmp_path, trials=[*digests], settings=digests)
    board = build_leaderboard([tmp_path])
    assert [(row.status, row.seeds_planned) for row in board.rows if row.kind == "attack"] == [("finished", 1)]
    assert any("3 trials have not been started" in note for note in board.notes)


def edit(folder: TrialFolder, change: Any) -> None:
    path = folder.path / "result.json"
    result = json.loads(path.read_text())
    change(result)
    path.write_text(json.dumps(result))


def _set(*keys_and_value: Any) -> Any:
    *keys, last, value = keys_and_value

    def change(result: dict[str, Any]) -> None:
        for key in keys:
            result = result[key]
        result[last] = value

    return change


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_set("ledger", "spent", BUDGET + 1), "spent 50001 queries of 50000"),
        (_set("ledger", "budget", 2 * BUDGET), "its ledger has budget 100000, its spec 50000"),
        (_set("ledger", "by_purpose", {"train": 7}), "purposes sum to 7"),
        (_set("ledger", "by_purpose", {"train": BUDGET + 1, "explore": -1}), "negative"),
        (_set("metrics", "accuracy", 0.72), "accuracy 0.72 is not the curve's last, 0.7"),
        (_set("metrics", "fidelity", 0.72), "fidelity 0.72 is not the curve's last, 0.73"),
        (_set("metrics", "fidelity", 0.9), "fidelity 0.9 cannot be"),
        (_set("metrics", "fidelity", 0.5), "fidelity 0.5 cannot be"),
        (_set("metrics", "accuracy", 1.2), "accuracy 1.2 is outside 0..1"),
        (_set("metrics", "accuracy", float("nan")), "accuracy nan is outside 0..1"),
        (_set("best_on_test", "accuracy", -0.1), "best accuracy -0.1 is outside 0..1"),
        (_set("victim", "accuracy", 86.0), "victim accuracy 86 is outside 0..1"),
        (_set("victim", "name", "another"), "it met victim 'another'"),
        (_set("spec", "attack", "parameters", "loss", "kl"), "its id is not that of its spec"),
        (_set("metrics", {"accuracy": 0.7}), "metrics.fidelity: field required"),
        (_set("format", 2), "result.json has format 2"),
    ],
)
def test_a_result_changed_by_hand_makes_the_row_invalid(tmp_path: Path, change: Any, words: str) -> None:
    edit(make_trial(tmp_path, make_spec(), 0.7), change)
    row = only_row(build_leaderboard([tmp_path]))
    assert row.status == "invalid"
    assert words in row.reason
    assert (row.accuracy, row.seeds, row.seeds_planned) == (None, 0, 1)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda curve: [curve[1], curve[0], *curve[2:]], "goes back in queries"),
        (lambda curve: curve[:-1], "the curve ends at"),
        (lambda curve: [], "no curve"),
        (lambda curve: [{**curve[0], "accuracy": -1.0}, *curve[1:]], "the curve has accuracy -1"),
        (lambda curve: [{**curve[0], "fidelity": 0.99}, *curve[1:]], "fidelity 0.99 cannot be"),
        (lambda curve: [{**curve[0], "queries": -4}, *curve[1:]], "negative"),
        (lambda curve: [{"queries": 1}, *curve], "curve.jsonl line 1 has no number 'accuracy'"),
    ],
)
def test_a_curve_changed_by_hand_makes_the_row_invalid(tmp_path: Path, change: Any, words: str) -> None:
    folder = make_trial(tmp_path, make_spec(), 0.7)
    curve = change(folder.curve())
    (folder.path / "curve.jsonl").write_text("".join(json.dumps(point) + "\n" for point in curve))
    row = only_row(build_leaderboard([tmp_path]))
    assert row.status == "invalid"
    assert words in row.reason


def test_only_evaluations_on_all_test_inputs_must_agree_with_the_victims_accuracy_on_all(tmp_path: Path) -> None:
    folder = make_trial(tmp_path, make_spec(), 0.7)
    for inputs, status in ((1000, "finished"), (2000, "invalid")):
        curve = [{**point, "test_inputs": 2000} for point in folder.curve()]
        curve[0] |= {"test_inputs": inputs, "fidelity": 0.99}
        (folder.path / "curve.jsonl").write_text("".join(json.dumps(point) + "\n" for point in curve))
        assert only_row(build_leaderboard([tmp_path])).status == status


def test_one_invalid_seed_takes_the_numbers_of_the_whole_row(tmp_path: Path) -> None:
    make_row(tmp_path, [0.7, 0.71, 0.72])
    edit(TrialFolder.of(tmp_path, make_spec(seed=1)), _set("ledger", "spent", BUDGET + 1))
    row = only_row(build_leaderboard([tmp_path]))
    assert row.status == "invalid"
    assert row.reason.startswith("seed 1: spent")
    assert row.accuracy is None
    assert [one.seed for one in row.per_seed] == [0, 2]


def test_results_at_the_very_bounds_are_valid(tmp_path: Path) -> None:
    point = {"queries": BUDGET, "accuracy": 0.14, "fidelity": 0.0}  # right exactly where the victim is wrong
    make_trial(tmp_path, make_spec(), 0.14, curve=[point])
    assert only_row(build_leaderboard([tmp_path])).status == "finished"


@pytest.mark.parametrize(
    ("accuracies", "changes", "flag"),
    [
        ([0.7, 0.71], {}, "few-seeds"),
        ([0.5, 0.7, 0.71], {}, "seeds-disagree"),
        ([0.7, 0.71, 0.7], {"variant": "l1,as-printed"}, "as-printed"),
        ([0.7, 0.71, 0.7], {"tf32": True}, "tf32"),
        ([0.7, 0.71, 0.7], {"flags": ["diverged"]}, "diverged"),
        ([0.7, 0.71, 0.7], {"flags": ["of-a-plugin"]}, "of-a-plugin"),
        ([0.85, 0.86, 0.85], {}, "better-than-supervised"),
    ],
)
def test_flags_are_raised_where_they_are_due(
    tmp_path: Path, accuracies: list[float], changes: dict[str, Any], flag: str
) -> None:
    make_supervised(tmp_path, [0.84, 0.85, 0.84])
    make_row(tmp_path, [0.70, 0.71, 0.69], "quiet")
    make_row(tmp_path, accuracies, **changes)
    board = build_leaderboard([tmp_path])
    assert only_row(board).flags == (flag,)
    assert only_row(board, "quiet").flags == ()


@pytest.mark.parametrize(("spent", "flags"), [(49_998, ()), (49_997, ("unspent-budget",))])
def test_what_does_not_pay_for_a_row_of_a_recovery_is_not_unspent(tmp_path: Path, spent: int, flags: Any) -> None:
    recoveries = (Component("repeat-average", {"copies": 3}),)
    for seed in range(3):
        curve = [{"queries": spent, "accuracy": 0.7, "fidelity": 0.7}]
        make_trial(tmp_path, make_spec(seed=seed, recoveries=recoveries), 0.7, curve=curve)
    assert only_row(build_leaderboard([tmp_path])).flags == flags


def test_a_budget_that_is_not_spent_is_flagged(tmp_path: Path) -> None:
    for seed in range(3):
        make_trial(tmp_path, make_spec(seed=seed), 0.7, curve=[{"queries": 40_000, "accuracy": 0.7, "fidelity": 0.7}])
    row = only_row(build_leaderboard([tmp_path]))
    assert row.flags == ("unspent-budget",)
    assert row.queries == 40_000


def test_a_reduced_scale_is_flagged_on_every_row_that_was_run(tmp_path: Path) -> None:
    board = build_leaderboard([make_table1(tmp_path)])
    assert all("reduced-scale" in row.flags for row in board.rows if row.attack != "victim")
    write_benchmark(tmp_path, scale="paper")
    assert not any("reduced-scale" in row.flags for row in build_leaderboard([tmp_path]).rows)


def test_the_papers_number_stands_beside_the_row_that_it_is_for(tmp_path: Path) -> None:
    make_row(tmp_path, [0.7])
    make_row(tmp_path, [0.6], "dfme")
    number = {"attack": "megex", "variant": "l1", "victim": "fmnist-lenet5", "budget": BUDGET, "accuracy": 75.5}
    other = number | {"attack": "dfme", "channel": "label"}
    write_benchmark(tmp_path, reported=[number, other])
    board = build_leaderboard([tmp_path])
    assert only_row(board).reported == 0.755
    assert only_row(board, "dfme").reported is None
    assert [one.channel for one in board.unmatched_reported()] == ["label"]


def test_broken_and_foreign_files_are_skipped_and_told(tmp_path: Path) -> None:
    make_row(tmp_path, [0.7])
    for name, content in {
        "cut": '{"victim":',
        "list": "[1]",
        "foreign": '{"lr": 0.1}',
        "typed": json.dumps(make_spec().to_json() | {"budget": "many"}),
    }.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "spec.json").write_text(content)
    (tmp_path / "bytes").mkdir()
    (tmp_path / "bytes" / "result.json").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / "benchmark.json").write_text("{")
    board = build_leaderboard([tmp_path])
    assert only_row(board).status == "finished"
    skipped = " ".join(board.notes)
    for name in ("cut", "list", "foreign", "typed", "bytes", "benchmark.json"):
        assert f"skipped {name}: " in skipped
    assert str(tmp_path) not in skipped


def test_a_result_that_cannot_be_read_is_an_invalid_row_not_a_missing_one(tmp_path: Path) -> None:
    folder = make_trial(tmp_path, make_spec(), 0.7)
    (folder.path / "result.json").write_text("{")
    row = only_row(build_leaderboard([tmp_path]))
    assert row.status == "invalid"
    assert "result.json: not valid JSON" in row.reason


def test_what_is_no_results_folder_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match="no such results folder"):
        build_leaderboard([tmp_path / "nowhere"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(ResultsError, match="holds no trials"):
        build_leaderboard([tmp_path / "empty"])
    make_row(tmp_path / "out" / "table1", [0.7])
    with pytest.raises(ResultsError, match=r"did you mean .*table1"):
        build_leaderboard([tmp_path / "out"])


def test_a_benchmark_without_a_trial_yet_is_an_empty_leaderboard(tmp_path: Path) -> None:
    write_benchmark(tmp_path)
    assert build_leaderboard([tmp_path]).rows == ()


def test_rows_can_be_sorted_by_another_key_within_their_section(tmp_path: Path) -> None:
    make_row(tmp_path, [0.70], "a")
    make_row(tmp_path, [0.60], "b")
    make_row(tmp_path, [0.10], "c", budget=100)
    rows = build_leaderboard([tmp_path]).sorted_by("attack").rows
    assert [row.attack for row in rows] == ["victim", "c", "a", "b"]
    with pytest.raises(KeyError):
        build_leaderboard([tmp_path]).sorted_by("colour")


def test_a_spec_of_an_older_version_joins_the_row_of_its_resolved_spec(tmp_path: Path) -> None:
    make_trial(tmp_path, make_spec(seed=0), 0.7)
    new = make_trial(tmp_path, make_spec(seed=1), 0.71)
    plain = json.loads((new.path / "result.json").read_text())
    del plain["spec"]["tf32"]
    plain["id"] = f"{plain['id'].rpartition('-')[0]}-{content_digest(plain['spec'])}"
    write_json(new.path / "result.json", plain)
    row = only_row(build_leaderboard([tmp_path]))
    assert (row.status, row.seeds) == ("finished", 2)
