from __future__ import annotations

import csv
import io
import json
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.stats
from click.testing import CliRunner
from make_results import make_row
from matplotlib.backends.backend_agg import FigureCanvasAgg

from mebench.api.spec import Component, VictimSpec
from mebench.cli.leaderboard import leaderboard
from mebench.cli.plot import plot
from mebench.report.figures import draw_ranks
from mebench.results.leaderboard import build_leaderboard
from mebench.results.leaderboard.compute.pairs import (
    Overall,
    cliques,
    nemenyi,
    over_blocks,
    over_victims,
    paired_differences,
)

TRUE = {"a": 0.70, "b": 0.62, "c": 0.60, "d": 0.45}
RNG = np.random.default_rng(3)
VALUES = {
    (victim, attack): (mean + RNG.normal(0, 0.02, 4)).round(3).tolist()
    for victim in ("v1", "v2", "v3", "v4", "v5")
    for attack, mean in TRUE.items()
}


def victim(name: str) -> VictimSpec:
    return VictimSpec(name, Component("fashion-mnist"))


def make(root: Path, names: tuple[str, ...] = ("v1", "v2", "v3", "v4", "v5"), **changes: Any) -> Path:
    for (name, attack), values in VALUES.items():
        if name in names:
            budget = {"budget": 10_000 if name == "v1" else 50_000} | changes
            make_row(root, values, attack, victim=victim(name), weights=f"w-{name}", **budget)
    return root


def test_paired_differences_are_scipys_with_the_better_first(tmp_path: Path) -> None:
    found = paired_differences(build_leaderboard([make(tmp_path, ("v1",))]).rows)
    assert len(found) == 6
    for one in found:
        first, second = (np.array(VALUES["v1", name.split()[0]]) for name in (one.first, one.second))
        reference = scipy.stats.ttest_rel(first, second)
        assert one.difference == pytest.approx((first - second).mean())
        assert one.difference >= 0
        assert one.p == pytest.approx(reference.pvalue)
        assert (one.low, one.high) == pytest.approx(tuple(reference.confidence_interval(0.95)))
        assert one.apart == (one.corrected is not None and one.corrected < 0.05)
    by_p = sorted(found, key=lambda one: one.p or 0)
    assert by_p[0].corrected == pytest.approx(6 * (by_p[0].p or 0))
    assert all((one.corrected or 0) <= (other.corrected or 0) for one, other in pairwise(by_p))


def overall(root: Path) -> Overall:
    (one,) = over_victims(build_leaderboard([root]).rows)
    return one


def test_over_victims_attacks_have_their_mean_normalised_accuracy_and_mean_rank(tmp_path: Path) -> None:
    one = overall(make(tmp_path))
    means = np.array([[np.mean(VALUES[name, attack]) for attack in TRUE] for name in ("v1", "v2", "v3", "v4", "v5")])
    ranks = scipy.stats.rankdata(-means, axis=1).mean(0)
    expected = {
        f"{attack} l1": (rank, mean / 0.86) for attack, rank, mean in zip(TRUE, ranks, means.mean(0), strict=True)
    }
    found = dict(zip(one.names, zip(one.mean_ranks, one.normalised, strict=True), strict=True))
    for name, values in expected.items():
        assert found[name] == pytest.approx(values)
    assert list(one.mean_ranks) == sorted(one.mean_ranks)
    assert one.friedman == pytest.approx(scipy.stats.friedmanchisquare(*means.T).pvalue)
    assert (one.unit, len(one.blocks)) == ("victim", 5)
    widths = dict(zip(one.names, one.half_widths, strict=True))
    for place, attack in enumerate(TRUE):
        interval = scipy.stats.ttest_1samp(means[:, place] / 0.86, 0).confidence_interval(0.95)
        assert widths[f"{attack} l1"] == pytest.approx((interval.high - interval.low) / 2)


def test_differences_over_victims_are_scipys_paired_test_of_the_victims_means(tmp_path: Path) -> None:
    for one in overall(make(tmp_path)).differences:
        first, second = (
            np.array([np.mean(VALUES[name, of.split()[0]]) for name in ("v1", "v2", "v3", "v4", "v5")]) / 0.86
            for of in (one.first, one.second)
        )
        reference = scipy.stats.ttest_rel(first, second)
        assert (one.difference, one.pairs) == (pytest.approx((first - second).mean()), 5)
        assert one.p == pytest.approx(reference.pvalue)
        assert (one.low, one.high) == pytest.approx(tuple(reference.confidence_interval(0.95)))


def test_a_seed_that_one_attack_lacks_decides_no_rank_over_victims(tmp_path: Path) -> None:
    for name in ("v1", "v2", "v3"):
        for attack, values in (("a", [0.90, 0.92, 0.50]), ("b", [0.85, 0.86])):
            make_row(tmp_path, values, attack, victim=victim(name), weights=f"w-{name}")
    one = overall(tmp_path)
    (difference,) = one.differences
    assert one.names == (difference.first, difference.second) == ("a l1", "b l1")
    assert one.normalised[0] - one.normalised[1] == pytest.approx(difference.difference)


def test_many_seeds_before_few_victims_do_not_make_a_difference_over_victims(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for name, ahead in (("v1", 0.10), ("v2", 0.12), ("v3", -0.02)):  # sure before each victim, not over victims
        for attack, mean in (("a", 0.5 + ahead), ("b", 0.5)):
            make_row(tmp_path, rng.normal(mean, 0.002, 20).tolist(), attack, victim=victim(name), weights=f"w-{name}")
    board = build_leaderboard([tmp_path])
    assert all(one.apart for one in paired_differences(board.rows))
    (one,) = overall(tmp_path).differences
    assert not one.apart
    assert one.low is not None
    assert one.low < 0


def test_victims_are_compared_by_the_seeds_that_all_rows_have(tmp_path: Path) -> None:
    for name in ("v1", "v2"):
        make_row(tmp_path, [0.5, 0.6], "a", victim=victim(name), weights=f"w-{name}")
        make_row(tmp_path, [0.4, 0.5, 0.9, 0.9], "b", victim=victim(name), weights=f"w-{name}")
    (one,) = overall(tmp_path).differences
    assert (one.first, one.difference) == ("a l1", pytest.approx(0.1 / 0.86))


@pytest.mark.parametrize(("attacks", "quantile"), [(2, 1.960), (3, 2.343), (5, 2.728), (10, 3.164)])
def test_the_critical_difference_has_demsars_quantiles(attacks: int, quantile: float) -> None:
    expected = quantile * np.sqrt(attacks * (attacks + 1) / (6 * 14))
    assert nemenyi(attacks, 14) == pytest.approx(expected, abs=2e-3)


def test_cliques_are_the_longest_runs_that_are_too_near() -> None:
    assert cliques([1.0, 1.5, 2.0, 4.0, 4.4], 1.2) == [(0, 2), (3, 4)]
    assert cliques([1.0, 2.0, 3.0], 1.5) == [(0, 1), (1, 2)]
    assert cliques([1.0, 3.0], 1.0) == []


def test_an_attack_that_has_not_met_every_victim_is_left_out_and_named(tmp_path: Path) -> None:
    make_row(make(tmp_path), [0.9, 0.9], "partly", victim=victim("v1"), weights="w-v1", budget=10_000)
    one = overall(tmp_path)
    assert one.left_out == ("partly l1",)
    assert "partly l1" not in one.names


def test_several_budgets_of_a_victim_are_summarised_apart(tmp_path: Path) -> None:
    make(tmp_path, ("v2", "v3"))
    make(tmp_path, ("v2", "v3"), budget=1000)
    summaries = over_victims(build_leaderboard([tmp_path]).rows)
    assert sorted(len(one.blocks) for one in summaries) == [2, 2]


def test_channels_are_never_summarised_together(tmp_path: Path) -> None:
    make_row(tmp_path, [0.7, 0.71], "a", victim=victim("v1"))
    make_row(tmp_path, [0.6, 0.61], "b", victim=victim("v1"), channel=Component("label"))
    make_row(tmp_path, [0.7, 0.71], "a", victim=victim("v2"))
    make_row(tmp_path, [0.6, 0.61], "b", victim=victim("v2"), channel=Component("label"))
    assert over_victims(build_leaderboard([tmp_path]).rows) == []


def test_with_one_victim_the_blocks_are_its_seeds(tmp_path: Path) -> None:
    board = build_leaderboard([make(tmp_path, ("v1",))])
    assert over_victims(board.rows) == []
    (one,) = over_blocks(board.rows)
    assert (one.unit, one.blocks) == ("seed", ("seed 0", "seed 1", "seed 2", "seed 3"))


@pytest.mark.parametrize("style", ["text", "md", "csv", "json"])
def test_the_command_writes_pairs_and_summaries(tmp_path: Path, style: str) -> None:
    make(tmp_path)
    done = CliRunner().invoke(leaderboard, [str(tmp_path), "--pairs", "--format", style])
    assert done.exit_code == 0
    if style == "csv":
        assert len(list(csv.DictReader(io.StringIO(done.output)))) == 5 * 6
    elif style == "json":
        assert {"pairs", "over_victims"} <= set(json.loads(done.output))
    else:
        assert "Friedman p" in done.output
        assert "v1, 10,000 queries" in done.output


def test_pairs_of_nothing_say_so(tmp_path: Path) -> None:
    make_row(tmp_path, [0.7, 0.71])
    done = CliRunner().invoke(leaderboard, [str(tmp_path), "--pairs"])
    assert "Nothing to compare" in done.output
    assert CliRunner().invoke(leaderboard, [str(tmp_path), "--pairs", "--format", "latex"]).exit_code == 2


@pytest.mark.parametrize("suffix", ["png", "svg", "pdf"])
def test_the_critical_difference_picture_is_drawn(tmp_path: Path, suffix: str) -> None:
    file = tmp_path / f"cd.{suffix}"
    done = CliRunner().invoke(plot, [str(make(tmp_path / "out")), "--kind", "cd", "-o", str(file)])
    assert done.exit_code == 0, done.output
    assert file.stat().st_size > 5000
    if suffix == "svg":
        assert "critical difference" in file.read_text() or "<path" in file.read_text()


@pytest.mark.parametrize("count", [2, 3, 24])
def test_no_name_in_the_critical_difference_picture_is_cut_off(tmp_path: Path, count: int) -> None:
    for number in range(count):
        values = [0.5 + number / 100, 0.5 + number / 101]
        make_row(tmp_path, values, f"an-attack-with-a-rather-long-name-{number}", "some-variant,with-parameters")
    figure = draw_ranks(over_blocks(build_leaderboard([tmp_path]).rows))
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    width, height = canvas.get_width_height()
    boxes = [text.get_window_extent() for axes in figure.axes for text in axes.texts]
    assert len(boxes) == 2 * count + 2
    assert all(box.x0 >= 0 and box.x1 <= width and box.y0 >= 0 and box.y1 <= height for box in boxes)
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))


def test_nothing_to_rank_is_one_clear_error(tmp_path: Path) -> None:
    make_row(tmp_path, [0.7, 0.71])
    done = CliRunner().invoke(plot, [str(tmp_path), "--kind", "cd", "-o", str(tmp_path / "cd.png")])
    assert "no two attacks of one key" in str(done.exception)
