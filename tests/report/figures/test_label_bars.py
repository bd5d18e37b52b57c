"""Bars of the labels that the victim gave to training queries."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from make_results import make_row, make_spec, make_trial, write_benchmark
from matplotlib.backends.backend_agg import FigureCanvasAgg

from mebench.api.errors import ConfigurationError, ResultsError
from mebench.cli import main
from mebench.report.figures import draw_labels, read_labels, save_labels

EVEN = [[5, 5, 5, 5], [5, 5, 5, 5]]
ONE = [[0, 40, 0, 0], [0, 40, 0, 0]]


def add(root: Path, counts: Any, name: str = "noise", seed: int = 0, accuracy: float = 0.4, **options: Any) -> None:
    """A finished trial whose result holds these counts."""
    folder = make_trial(root, make_spec(name, "default", seed), accuracy, flags=["collapsed"], **options)
    path = folder.path / "result.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"query_labels": counts}))


def bars(axes: Any) -> list[float]:
    return [float(bar.get_height()) for bar in axes.patches]


def test_a_bar_is_the_share_of_a_class_among_the_answers_of_both_halves(tmp_path: Path) -> None:
    add(tmp_path, [[1, 2, 0, 1], [3, 2, 0, 1]])
    (axes,) = draw_labels(read_labels([tmp_path])[0]).axes
    assert bars(axes) == pytest.approx([40, 40, 0, 20])


def test_bars_are_means_over_seeds_and_every_seed_is_marked(tmp_path: Path) -> None:
    """Two seeds that ask one class each must not look like one that asks both."""
    add(tmp_path, [[8, 0], [8, 0]], seed=0)
    add(tmp_path, [[0, 3], [0, 1]], seed=1)
    (section,), _ = read_labels([tmp_path])
    figure = draw_labels([section])
    (axes,) = figure.axes
    assert bars(axes) == [50, 50]
    marks = [list(line.get_ydata()) for line in axes.lines if line.get_marker() == "_"]
    assert marks == [[100, 0], [0, 100]]
    assert section.attacks[0].spread == "as spread as 1.0 of 2 classes"
    assert "dashes: each seed" in figure.texts[-1].get_text()


def test_the_spread_is_the_number_of_effective_classes(tmp_path: Path) -> None:
    add(tmp_path, EVEN, "even")
    add(tmp_path, ONE, "one")
    (section,), _ = read_labels([tmp_path])
    assert {attack.name: attack.spread for attack in section.attacks} == {
        "even": "as spread as 4.0 of 4 classes",
        "one": "as spread as 1.0 of 4 classes",
    }


def test_attacks_on_one_victim_have_one_scale_and_the_best_is_first(tmp_path: Path) -> None:
    add(tmp_path, EVEN, "worse", accuracy=0.3)
    add(tmp_path, ONE, "better", accuracy=0.5)
    add(tmp_path, EVEN, "other", accuracy=0.5, weights="bbbb2222")
    sections, notes = read_labels([tmp_path])
    assert [[attack.name for attack in section.attacks] for section in sections] == [["better", "worse"], ["other"]]
    tops = [axes.get_ylim()[1] for axes in draw_labels(sections).axes]
    assert tops[0] == tops[1] > 100 > tops[2] > 25
    assert notes == []


def test_the_line_of_equal_classes_stands_at_their_share(tmp_path: Path) -> None:
    add(tmp_path, ONE)
    (axes,) = draw_labels(read_labels([tmp_path])[0]).axes
    assert [list(line.get_ydata()) for line in axes.lines] == [[25, 25]]


@pytest.mark.parametrize(
    ("attacks", "classes"),
    [*((1, many) for many in (1, 2, 10, 43, 100, 1000)), *((4, many) for many in (1, 2, 10, 43, 100, 250))],
)
def test_nothing_covers_anything_or_leaves_the_picture(tmp_path: Path, classes: int, attacks: int) -> None:
    for name in (*(f"attack-{number}" for number in range(attacks)), "an-attack-with-a-very-long-name-indeed"):
        for seed in range(2):
            add(tmp_path, [[1] * classes, [7, *[2] * (classes - 1)]], name, seed)
    figure = draw_labels(read_labels([tmp_path])[0])
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    things = [text.get_window_extent() for text in figure.texts] + [axes.get_tightbbox() for axes in figure.axes]
    assert len(figure.axes) == attacks + 1
    assert all(len(axes.patches) == classes for axes in figure.axes)
    assert not any(one.overlaps(other) for one, other in itertools.combinations(things, 2))
    wide, high = canvas.get_width_height()
    assert all(box.x0 >= 0 and box.y0 >= 0 and box.x1 <= wide and box.y1 <= high for box in things)
    for axes in figure.axes:
        ticks = [text.get_window_extent() for text in axes.get_xticklabels() if text.get_text()]
        assert not any(one.overlaps(other) for one, other in itertools.pairwise(ticks))


@pytest.mark.parametrize(
    "counts", [None, [], [[], []], [[0, 0], [0, 0]], 7, [7, 8], [[1, "2"]], [[1, -2]], [[1], [2, 3]]]
)
def test_a_row_without_counts_is_named_and_none_at_all_is_an_error(tmp_path: Path, counts: Any) -> None:
    add(tmp_path, counts, "silent")
    with pytest.raises(ResultsError, match="no trial with counts"):
        save_labels([tmp_path], tmp_path / "labels.png")
    add(tmp_path, EVEN, "telling")
    (section,), notes = read_labels([tmp_path])
    assert [attack.name for attack in section.attacks] == ["telling"]
    assert notes == ["left out silent: it has no counts of labels"]


def test_results_of_before_there_were_counts_are_left_out(tmp_path: Path) -> None:
    make_row(tmp_path, [0.3], "older", "default")
    with pytest.raises(ResultsError, match="no trial with counts"):
        read_labels([tmp_path])


def test_an_unknown_suffix_is_an_error_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="ends in"):
        save_labels([tmp_path / "nothing"], tmp_path / "labels.txt")


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_the_command_writes_the_same_file_twice(tmp_path: Path, suffix: str) -> None:
    add(tmp_path / "out", EVEN)
    files = [tmp_path / f"{name}{suffix}" for name in ("one", "two")]
    for file in files:
        assert main(["plot", str(tmp_path / "out"), "--kind", "labels", "-o", str(file)]) == 0
    assert files[0].read_bytes() == files[1].read_bytes()


def named_ticks(root: Path) -> list[str]:
    (axes,) = draw_labels(read_labels([root])[0]).axes
    return [text.get_text() for text in axes.get_xticklabels()]


def test_bars_are_named_as_the_data_set_names_its_classes_and_keep_their_numbers(tmp_path: Path) -> None:
    add(tmp_path, [[1] * 10, [2] * 10])
    assert named_ticks(tmp_path)[0] == "0 T-shirt/top"
    assert named_ticks(tmp_path)[9] == "9 Ankle boot"


def test_names_of_the_benchmark_win_long_ones_are_cut_and_nothing_in_them_is_markup(tmp_path: Path) -> None:
    add(tmp_path, EVEN)
    write_benchmark(tmp_path, class_names={"fmnist-lenet5": ["$x^", "b" * 99, "<i>", "d"]})
    assert named_ticks(tmp_path) == ["0 $x^", f"1 {'b' * 13}…", "2 <i>", "3 d"]
    save_labels([tmp_path], tmp_path / "labels.svg")


@pytest.mark.parametrize("told", [7, {"fmnist-lenet5": ["a", "b"]}, {"fmnist-lenet5": ["a", "b", "c", 4]}])
def test_classes_are_numbers_where_names_do_not_fit_them(tmp_path: Path, told: Any) -> None:
    add(tmp_path, EVEN)
    write_benchmark(tmp_path, class_names=told)
    assert named_ticks(tmp_path) == ["0", "1", "2", "3"]


def test_of_many_classes_the_most_frequent_one_is_named(tmp_path: Path) -> None:
    add(tmp_path, [[1] * 13, [*[1] * 12, 9]])
    write_benchmark(tmp_path, class_names={"fmnist-lenet5": [f"kind {letter}" for letter in "ABCDEFGHIJKLM"]})
    (section,), _ = read_labels([tmp_path])
    assert section.attacks[0].spread.endswith("of 13 classes, most 12 kind M")
