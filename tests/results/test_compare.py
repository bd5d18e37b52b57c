from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from make_results import VG, make_row, make_spec, make_supervised, make_table1, make_trial, write_benchmark

from mebench.api.errors import ConfigurationError
from mebench.api.spec import Component, VictimSpec
from mebench.results.compare import Comparison, RowComparison, compare
from mebench.results.compare.text import as_text
from mebench.results.leaderboard import build_leaderboard
from mebench.results.trial_folder import TrialFolder


def of(tmp_path: Path, **options: Any) -> Comparison:
    boards = [build_leaderboard([tmp_path / name]) for name in ("base", "new")]
    return compare(boards[0], boards[1], **options)


def attack_of(comparison: Comparison) -> RowComparison:
    (row,) = [one for one in comparison.rows if one.row.kind == "attack"]
    return row


def both(tmp_path: Path, base: Sequence[float], new: Sequence[float], **options: Any) -> RowComparison:
    make_row(tmp_path / "base", base)
    make_row(tmp_path / "new", new)
    return attack_of(of(tmp_path, **options))


def test_equal_results_are_the_same_and_exit_0(tmp_path: Path) -> None:
    board = build_leaderboard([make_table1(tmp_path)])
    comparison = compare(board, board)
    assert comparison.counts == {"same": len(board.rows)}
    assert comparison.exit_code() == 0
    assert not any(row.remarks for row in comparison.rows)


def test_a_drop_beyond_tolerance_and_spread_is_a_regression(tmp_path: Path) -> None:
    row = both(tmp_path, [0.70, 0.71, 0.72], [0.60, 0.61, 0.62])
    assert row.mark == "worse"
    accuracy = row.metrics[0]
    assert accuracy.difference == pytest.approx(-0.1)
    assert accuracy.interval is not None
    assert accuracy.interval.high < 0
    assert of(tmp_path).exit_code() == 1


def test_a_rise_beyond_tolerance_and_spread_is_told_as_better(tmp_path: Path) -> None:
    assert both(tmp_path, [0.60, 0.61, 0.62], [0.70, 0.71, 0.72]).mark == "better"
    assert of(tmp_path).exit_code() == 0


def test_a_noisy_drop_is_no_regression(tmp_path: Path) -> None:
    row = both(tmp_path, [0.60, 0.75, 0.70], [0.50, 0.70, 0.66])
    assert row.mark == "unclear"
    assert any("within what so few seeds can tell from noise" in remark for remark in row.remarks)
    assert of(tmp_path).exit_code() == 0
    assert of(tmp_path).exit_code(strict=True) == 3


def test_a_significant_drop_within_the_tolerance_is_no_regression(tmp_path: Path) -> None:
    row = both(tmp_path, [0.700, 0.701, 0.702], [0.690, 0.691, 0.692])
    assert row.metrics[0].interval is not None
    assert row.metrics[0].interval.high < 0
    assert row.mark == "same"


def test_a_smaller_tolerance_makes_it_one(tmp_path: Path) -> None:
    row = both(tmp_path, [0.700, 0.701, 0.702], [0.690, 0.691, 0.692], tolerances={"accuracy": 0.005})
    assert row.mark == "worse"


def test_a_drop_of_exactly_the_tolerance_is_let_pass(tmp_path: Path) -> None:
    assert both(tmp_path, [0.72, 0.72], [0.70, 0.70]).mark == "same"


@pytest.mark.parametrize(("base", "new"), [([0.70], [0.67]), ([0.70, 0.70], [0.67]), ([0.70], [0.67, 0.67])])
def test_with_one_seed_on_a_side_the_tolerance_alone_decides_and_says_so(
    tmp_path: Path, base: list[float], new: list[float]
) -> None:
    row = both(tmp_path, base, new)
    assert row.mark == "worse"
    assert any("the tolerance alone decides" in remark for remark in row.remarks)


def test_fidelity_is_watched_too(tmp_path: Path) -> None:
    for name, fidelity in (("base", 0.8), ("new", 0.7)):
        for seed in range(2):
            point = {"queries": 50_000, "accuracy": 0.7, "fidelity": fidelity}
            make_trial(tmp_path / name, make_spec(seed=seed), 0.7, curve=[point])
    row = attack_of(of(tmp_path))
    assert {one.metric.name: one.verdict for one in row.metrics} == {"accuracy": "same", "fidelity": "worse"}
    assert row.mark == "worse"
    assert attack_of(of(tmp_path, metrics=["accuracy"])).mark == "same"


def slow(budget: int, at: int) -> list[dict[str, Any]]:
    """A curve that is good from ``at`` queries on."""
    return [
        {"queries": q, "accuracy": 0.84 if q >= at else 0.2, "fidelity": 0.9 if q >= at else 0.3}
        for q in range(budget // 10, budget + 1, budget // 10)
    ]


def test_more_queries_to_90_are_worse(tmp_path: Path) -> None:
    for name, at in (("base", 20_000), ("new", 40_000)):
        for seed in range(2):
            make_trial(tmp_path / name, make_spec(seed=seed), 0.84, curve=slow(50_000, at))
    assert attack_of(of(tmp_path)).mark == "same"
    (metric,) = attack_of(of(tmp_path, metrics=["queries_to_90"])).metrics
    assert (metric.base, metric.new, metric.verdict, metric.tolerance) == (20_000, 40_000, "worse", 4_000)
    assert attack_of(of(tmp_path, metrics=["queries_to_90"], tolerances={"queries_to_90": 1.0})).mark == "same"


def test_a_level_that_is_no_longer_reached_is_worse(tmp_path: Path) -> None:
    row = both(tmp_path, [0.85, 0.85], [0.70, 0.70], metrics=["queries_to_90"])
    assert row.mark == "worse"
    assert "not every seed gets there any more" in row.remarks[0]


def test_a_tolerance_alone_adds_its_metric(tmp_path: Path) -> None:
    row = both(tmp_path, [0.7, 0.7], [0.7, 0.7], tolerances={"auc": 0.1})
    assert [one.metric.name for one in row.metrics] == ["accuracy", "fidelity", "auc"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"metrics": ["acuracy"]}, "Did you mean 'accuracy'"),
        ({"tolerances": {"speed": 1.0}}, "unknown metric 'speed'"),
        ({"tolerances": {"accuracy": -1.0}}, "at least 0"),
        ({"tolerances": {"accuracy": float("nan")}}, "at least 0"),
    ],
)
def test_an_unknown_metric_or_tolerance_is_an_error(tmp_path: Path, options: Any, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        both(tmp_path, [0.7], [0.7], **options)


def test_other_weights_of_the_same_victim_are_a_remark_only(tmp_path: Path) -> None:
    make_row(tmp_path / "base", [0.7, 0.71])
    make_row(tmp_path / "new", [0.7, 0.71], weights="bbbb")
    row = attack_of(of(tmp_path))
    assert row.mark == "same"
    assert row.remarks == ("the victim has other weights",)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"protocol": 2}, "protocol was 1, is 2"),
        ({"victim": VictimSpec("mnist-mlp", Component("mnist"))}, "victim was fmnist-lenet5, is mnist-mlp"),
    ],
)
def test_another_protocol_or_victim_is_not_comparable(tmp_path: Path, changes: Any, words: str) -> None:
    make_row(tmp_path / "base", [0.7, 0.71])
    make_row(tmp_path / "new", [0.3, 0.31], **changes)
    comparison = of(tmp_path)
    row = attack_of(comparison)
    assert (row.mark, row.remarks) == ("not-comparable", (words,))
    assert comparison.exit_code() == 2


def test_another_profile_is_not_comparable(tmp_path: Path) -> None:
    for name in ("quick", "paper"):
        make_row(tmp_path / name, [0.7, 0.71])
        write_benchmark(tmp_path / name, profile=name)
    comparison = compare(build_leaderboard([tmp_path / "quick"]), build_leaderboard([tmp_path / "paper"]))
    assert attack_of(comparison).mark == "not-comparable"
    assert comparison.exit_code() == 2


@pytest.mark.parametrize(
    "changes", [{"channel": VG}, {"budget": 1000}, {"clone": Component("mlp")}, {"data_prior": "public"}]
)
def test_another_channel_budget_clone_or_prior_is_another_row(tmp_path: Path, changes: Any) -> None:
    make_row(tmp_path / "base", [0.7, 0.71])
    make_row(tmp_path / "new", [0.3, 0.31], **changes)
    comparison = of(tmp_path)
    assert sorted(row.mark for row in comparison.rows if row.row.kind == "attack") == ["gone", "new"]


def test_nothing_in_common_exits_2(tmp_path: Path) -> None:
    other = VictimSpec("mnist-mlp", Component("mnist"))
    make_row(tmp_path / "base", [0.7])
    make_row(tmp_path / "new", [0.7], "dfme", victim=other)
    assert of(tmp_path).exit_code() == 2


def test_a_row_that_is_gone_exits_3_unless_it_is_allowed(tmp_path: Path) -> None:
    make_row(tmp_path / "base", [0.7])
    make_row(tmp_path / "base", [0.6], "dfme")
    make_row(tmp_path / "new", [0.7])
    comparison = of(tmp_path)
    assert comparison.counts == {"gone": 1, "same": 2}
    assert comparison.exit_code() == 3
    assert comparison.exit_code(allow_missing=True) == 0


def failed(root: Path, seed: int) -> None:
    spec = make_spec(seed=seed)
    TrialFolder.of(root, spec).begin(spec)
    TrialFolder.of(root, spec).fail(spec, "RuntimeError: boom")


def test_a_row_that_fails_now_exits_3_with_the_reason(tmp_path: Path) -> None:
    make_row(tmp_path / "base", [0.7])
    failed(tmp_path / "new", 0)
    row = attack_of(of(tmp_path))
    assert (row.mark, row.remarks) == ("failing", ("failed: seed 0: RuntimeError: boom",))
    assert of(tmp_path).exit_code() == 3


def test_a_row_with_a_missing_seed_is_incomplete_and_a_regression_in_it_still_counts(tmp_path: Path) -> None:
    make_row(tmp_path / "base", [0.70, 0.71, 0.70])
    make_row(tmp_path / "new", [0.70, 0.71])
    failed(tmp_path / "new", 2)
    assert attack_of(of(tmp_path)).mark == "incomplete"
    assert of(tmp_path).exit_code() == 3
    make_row(tmp_path / "new", [0.50, 0.51])
    assert attack_of(of(tmp_path)).mark == "worse"
    assert of(tmp_path).exit_code() == 1


def test_a_row_that_failed_before_is_fixed_and_one_that_fails_on_both_sides_is_not_comparable(tmp_path: Path) -> None:
    failed(tmp_path / "base", 0)
    failed(tmp_path / "new", 0)
    assert attack_of(of(tmp_path)).mark == "not-comparable"
    make_row(tmp_path / "new", [0.7])
    assert attack_of(of(tmp_path)).mark == "fixed"


def test_a_new_row_that_fails_is_failing(tmp_path: Path) -> None:
    make_supervised(tmp_path / "base", [0.85])
    make_supervised(tmp_path / "new", [0.85])
    failed(tmp_path / "new", 0)
    assert attack_of(of(tmp_path)).mark == "failing"
    assert of(tmp_path).exit_code() == 3


def test_an_invalid_result_never_passes_the_check(tmp_path: Path) -> None:
    make_row(tmp_path / "base", [0.7])
    folder = make_trial(tmp_path / "new", make_spec(), 0.7)
    result = json.loads((folder.path / "result.json").read_text())
    result["metrics"]["accuracy"] = 0.99
    (folder.path / "result.json").write_text(json.dumps(result))
    assert attack_of(of(tmp_path)).mark == "failing"


def test_a_worse_victim_is_a_regression_too(tmp_path: Path) -> None:
    make_row(tmp_path / "base", [0.7, 0.71])
    make_row(tmp_path / "new", [0.7, 0.71], victim_accuracy=0.80)
    marks = {one.row.attack: one.mark for one in of(tmp_path).rows}
    assert marks == {"victim": "worse", "megex": "same"}


def test_rows_of_one_name_are_matched_by_settings_and_weights(tmp_path: Path) -> None:
    for name in ("base", "new"):
        make_row(tmp_path / name, [0.7, 0.71])
        for seed in (0, 1):
            make_trial(tmp_path / name, make_spec(seed=seed, evaluations=50), 0.5)
    assert [row.mark for row in of(tmp_path).rows if row.row.kind == "attack"] == ["same", "same"]


def test_rows_that_cannot_be_told_apart_are_not_compared(tmp_path: Path) -> None:
    make_row(tmp_path / "base", [0.7, 0.71])
    for seed, evaluations in ((0, 50), (0, 60)):
        make_trial(tmp_path / "new", make_spec(seed=seed, evaluations=evaluations), 0.5)
    rows = [row for row in of(tmp_path).rows if row.row.kind == "attack"]
    assert [(row.mark, row.remarks) for row in rows] == [("not-comparable", ("several rows of this name",))] * 2


def test_other_settings_and_seeds_are_remarks(tmp_path: Path) -> None:
    make_row(tmp_path / "base", [0.7, 0.71, 0.7])
    for seed in (0, 1):
        make_trial(tmp_path / "new", make_spec(seed=seed, evaluations=50), 0.7)
    remarks = attack_of(of(tmp_path)).remarks
    assert remarks == ("other settings (see spec.json)", "3 seeds before, 2 now", "newly flagged few-seeds")


def test_a_loss_of_24_points_in_two_seeds_is_worse_though_they_spread(tmp_path: Path) -> None:
    """Once let pass: the two new seeds' own spread, 28 points, was taken for what noise explains."""
    for name, values in (("dfme", [0.6495, 0.7345, 0.7650, 0.7335, 0.7620]), ("megex", [0.7585, 0.7415, 0.7690])):
        make_row(tmp_path / "base", values, name)
    make_row(tmp_path / "new", [0.5125, 0.4715], "dfme")
    rows = {one.row.attack: one for one in of(tmp_path).rows}
    assert rows["dfme"].mark == "worse"
    assert of(tmp_path).exit_code(allow_missing=True) == 1


def test_seeds_that_are_equal_to_the_last_bit_are_no_change_however_few_they_are(tmp_path: Path) -> None:
    row = both(tmp_path, [0.6495, 0.7345, 0.7650, 0.7335, 0.7620], [0.6495, 0.7345])
    assert row.mark == "same"
    assert all(one.same_bits for one in row.metrics)
    assert not of(tmp_path).blind
    assert both(tmp_path / "other", [0.6495, 0.7345, 0.7650], [0.6495, 0.7340]).metrics[0].same_bits is False


def test_a_row_that_would_not_notice_a_loss_says_so_with_the_seeds_that_would_do(tmp_path: Path) -> None:
    both(tmp_path, [0.6495, 0.7345, 0.7650, 0.7335, 0.7620], [0.6690, 0.7340])
    comparison = of(tmp_path)
    ((_, accuracy), _) = comparison.blind
    assert accuracy.sight.notices > accuracy.tolerance == 0.02
    said = as_text(comparison)
    assert f"notices a loss of {100 * accuracy.sight.notices:.3g} points or more" in " ".join(said.split())
    assert "would do" in said
    assert comparison.exit_code() == 0
    assert comparison.exit_code(strict=True) == 3
    assert attack_of(of(tmp_path, tolerances={"accuracy": 0.5, "fidelity": 0.5})).mark == "same"
    assert not of(tmp_path, tolerances={"accuracy": 0.5, "fidelity": 0.5}).blind
