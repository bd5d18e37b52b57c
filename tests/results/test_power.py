"""What a number of seeds can find, beside textbooks and beside a simulation."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import scipy.stats
from click.testing import CliRunner
from make_results import make_row

from mebench.cli.leaderboard import leaderboard
from mebench.results.leaderboard import build_leaderboard
from mebench.results.leaderboard.compute.pairs import paired_differences
from mebench.results.leaderboard.compute.power import pairs_for, power, powers, smallest_difference


@pytest.mark.parametrize(("effect", "pairs"), [(0.2, 199), (0.5, 34), (0.8, 15), (1.0, 10), (1.5, 6)])
def test_so_many_pairs_are_needed_as_tables_of_the_paired_t_test_say(effect: float, pairs: int) -> None:
    assert pairs_for(3.0, 3.0 * effect) == pairs


def test_power_is_how_often_a_paired_t_test_finds_a_difference_in_a_simulation() -> None:
    draws = np.random.default_rng(0).normal(0.03, 0.02, (40_000, 5))
    tested = scipy.stats.ttest_1samp(draws, 0.0, axis=1)
    told = ((tested.pvalue < 0.05) & (tested.statistic > 0)).mean()
    assert power(0.03, 0.02, 5) == pytest.approx(told, abs=0.01)


@pytest.mark.parametrize("pairs", [2, 3, 5, 40, 1_000])
def test_the_smallest_difference_that_is_found_is_found_four_times_in_five(pairs: int) -> None:
    smallest = smallest_difference(0.05, pairs)
    assert power(smallest, 0.05, pairs) == pytest.approx(0.8, abs=1e-6)
    needed = pairs_for(0.05, smallest * 1.0001)
    assert needed is not None
    assert needed <= pairs


def test_no_number_of_seeds_finds_what_the_test_set_is_too_small_for() -> None:
    floor = (1.959964 + 0.841621) * 0.01
    assert smallest_difference(0.0001, 50, 0.01) == pytest.approx(floor, rel=1e-5)
    assert pairs_for(0.02, floor * 0.99, 0.01) is None
    assert pairs_for(0.02, floor * 1.01, 0.01) is not None
    assert pairs_for(1.0, 1e-6) is None


HIGH, MIDDLE, LOW = [0.70, 0.72, 0.71], [0.69, 0.68, 0.73], [0.50, 0.55, 0.51]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name, values in (("high", HIGH), ("middle", MIDDLE), ("low", LOW)):
        make_row(tmp_path, values, variant=name)
    return tmp_path


def test_the_spread_is_common_to_the_comparisons_of_a_table(root: Path) -> None:
    differences = paired_differences(build_leaderboard([root]).rows)
    (found,) = powers(differences, 0.05)
    assert found.spread == pytest.approx(math.sqrt(sum((one.spread or 0) ** 2 for one in differences) / 3))
    widest = max(np.std(np.subtract(one, other), ddof=1) for one, other in ((MIDDLE, LOW), (HIGH, LOW), (HIGH, MIDDLE)))
    assert max(one.spread or 0 for one in differences) == pytest.approx(widest)
    assert (found.pairs, found.wanted) == (3, 0.05)
    assert found.found == pytest.approx(smallest_difference(found.spread, 3, differences[0].error))
    assert found.needed == pairs_for(found.spread, 0.05, differences[0].error)


def test_the_command_says_it_below_the_table_and_for_any_difference(root: Path) -> None:
    text = CliRunner().invoke(leaderboard, [str(root), "--pairs"]).output
    assert " 3 seeds find a difference of " in " " + text.replace("\n", " ")
    assert "; 2 points " in text
    asked = CliRunner().invoke(leaderboard, [str(root), "--pairs", "--detect", "12.5", "--format", "md"]).output
    (line,) = [line for line in asked.splitlines() if "find a difference" in line]
    (told,) = json.loads(
        CliRunner().invoke(leaderboard, [str(root), "--pairs", "--detect", "12.5", "--format", "json"]).output
    )["power"]
    assert line.endswith(f"in four cases of five; 12.5 points take {told['needed']}.")


@pytest.mark.parametrize("values", [([0.5], [0.6]), ([0.5, 0.5], [0.6, 0.6])])
def test_nothing_is_said_where_nothing_is_known_of_the_spread(values: tuple[list[float], ...], tmp_path: Path) -> None:
    for name, one in zip(("a", "b"), values, strict=True):
        make_row(tmp_path, one, variant=name, test_inputs=None)
    assert powers(paired_differences(build_leaderboard([tmp_path]).rows), 0.02) == []


@pytest.mark.parametrize(
    ("words", "problem"), [(["--detect", "2"], "--detect is for --pairs"), (["--pairs", "--detect", "0"], "--detect")]
)
def test_a_wrong_use_is_one_line(words: list[str], problem: str, root: Path) -> None:
    result = CliRunner().invoke(leaderboard, [str(root), *words])
    assert result.exit_code == 2
    assert problem in result.output
