from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from make_results import VG, make_row, make_spec, make_supervised, make_table1, make_trial, write_benchmark
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.image import imread

from mebench.api.errors import ConfigurationError, ResultsError
from mebench.api.spec import Component
from mebench.cli import main
from mebench.report.figures import draw, read_panels, save_plot, save_samples
from mebench.report.figures.axis import window
from mebench.report.figures.figure import DASHES, short_count, spread
from mebench.report.figures.styles import COLOURS, SHADES, shaded
from mebench.report.figures.styles import DASHES as KINDS
from mebench.results.leaderboard import build_leaderboard
from mebench.results.leaderboard.read.saved import write_row_files
from mebench.results.written import percent


def test_a_line_is_the_mean_over_seeds_and_its_band_spans_them(tmp_path: Path) -> None:
    make_row(tmp_path, [0.70, 0.60, 0.65])
    (panel,), _ = read_panels([tmp_path])
    (line,) = panel.lines
    assert line.band.mean[-1] == pytest.approx(0.65)
    assert (line.band.low[-1], line.band.high[-1]) == pytest.approx((0.60, 0.70))
    assert line.band.queries[-1] == 50_000


def test_there_is_a_panel_per_victim_and_budget_with_its_references(tmp_path: Path) -> None:
    make_row(tmp_path / "a", [0.7])
    make_row(tmp_path / "a", [0.4], budget=1000)
    make_supervised(tmp_path / "a", [0.85, 0.87])
    make_row(tmp_path / "b", [0.6], weights="bbbb", victim_accuracy=0.8)
    panels, _ = read_panels([tmp_path / "a", tmp_path / "b"])
    assert [(panel.title, panel.victim) for panel in panels] == [
        ("fmnist-lenet5 aaaa1111, 1,000 queries", 0.86),
        ("fmnist-lenet5 aaaa1111, 50,000 queries", 0.86),
        ("fmnist-lenet5 bbbb, 50,000 queries", 0.8),
    ]
    assert panels[0].supervised == {"lenet5": pytest.approx(0.86)}
    assert panels[2].supervised == {}


def test_the_victims_own_fidelity_is_1(tmp_path: Path) -> None:
    make_row(tmp_path, [0.7])
    (panel,), _ = read_panels([tmp_path], "fidelity")
    assert panel.victim == 1.0
    assert panel.lines[0].band.mean[-1] == pytest.approx(0.73)


def styles(path: Path) -> dict[str, tuple[int, int]]:
    drawn, _ = read_panels([path])
    return {line.label: (line.style.number, line.style.variant) for panel in drawn for line in panel.lines}


def test_an_attack_with_more_lines_than_shades_has_a_colour_for_each_while_there_are_enough(tmp_path: Path) -> None:
    assert len(DASHES) == KINDS
    for number in range(4):
        make_row(tmp_path, [0.7 - number / 100], "activethief", f"choice-{number}")
    make_row(tmp_path, [0.3], "noise", "default")
    make_row(tmp_path, [0.8], "activethief", "choice-0", budget=1000)
    assert sorted(styles(tmp_path).values()) == [(0, 0), (0, 1), (0, 2), (0, 3), (1, 0)]
    make_row(tmp_path, [0.5], "activethief", "choice-4")
    assert sorted(styles(tmp_path).values()) == [(number, 0) for number in range(6)]
    for number in (5, 6):
        make_row(tmp_path, [0.4], "activethief", f"choice-{number}")
    assert {number for number, _ in styles(tmp_path).values()} == {0, 1}


def test_an_attack_that_is_evaluated_once_has_a_thin_line_to_compare_curves_with(tmp_path: Path) -> None:
    once = [{"queries": 50_000, "accuracy": 0.6, "fidelity": 0.63}]
    make_trial(tmp_path, make_spec("random", "default"), 0.6, curve=once)
    alone = draw(read_panels([tmp_path])[0], "accuracy")
    make_row(tmp_path, [0.7])
    beside = draw(read_panels([tmp_path])[0], "accuracy")
    thin = [[line for line in figure.axes[0].lines if line.get_linewidth() == 0.7] for figure in (alone, beside)]
    assert not thin[0]
    assert [list(line.get_ydata()) for line in thin[1]] == [[60, 60]]
    assert "evaluated once" in beside.texts[-1].get_text()
    assert "evaluated once" not in alone.texts[-1].get_text()


def test_lines_of_one_attack_are_told_apart_by_what_differs(tmp_path: Path) -> None:
    make_row(tmp_path, [0.7], channel=VG)
    make_row(tmp_path, [0.5], channel=Component("label"))
    make_row(tmp_path, [0.6], "dfme")
    (panel,), _ = read_panels([tmp_path])
    assert [line.label for line in panel.lines] == ["megex l1, vg", "dfme l1", "megex l1, label"]
    assert len({line.style for line in panel.lines}) == 3


@pytest.mark.parametrize("linear", [False, True])
def test_no_label_covers_another_or_leaves_the_picture(tmp_path: Path, linear: bool) -> None:
    make_table1(tmp_path)
    for number in range(14):
        make_row(tmp_path, [0.5 + number / 1000], f"a-rather-long-name-{number}", "with,variant")
    panels, _ = read_panels([tmp_path])
    figure = draw(panels, "accuracy", linear=linear)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    boxes = [text.get_window_extent() for axes in figure.axes for text in axes.texts]
    assert len(boxes) == 22
    assert not any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))
    width, height = canvas.get_width_height()
    assert all(box.x1 <= width and box.y0 >= 0 and box.y1 <= height for box in boxes)


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_every_kind_of_file_is_written_the_same_twice(tmp_path: Path, suffix: str) -> None:
    make_row(tmp_path / "out", [0.7, 0.72])
    for name in ("one", "two"):
        save_plot([tmp_path / "out"], tmp_path / f"{name}{suffix}")
    one, two = ((tmp_path / f"{name}{suffix}").read_bytes() for name in ("one", "two"))
    assert len(one) > 5000
    assert one == two


def test_a_picture_has_the_colours_of_its_lines(tmp_path: Path) -> None:
    make_row(tmp_path / "out", [0.7, 0.72])
    save_plot([tmp_path / "out"], tmp_path / "c.png")
    pixels = imread(tmp_path / "c.png")[..., :3]
    blue = np.abs(pixels - np.array([0x00, 0x69, 0xAD]) / 255).max(axis=-1) < 0.01
    assert blue.sum() > 500


def test_dollar_signs_in_names_are_no_formula(tmp_path: Path) -> None:
    make_row(tmp_path / "out", [0.7], "a$b^{$", "$\\frac$")
    save_plot([tmp_path / "out"], tmp_path / "c.png")


def test_a_single_evaluation_can_be_drawn(tmp_path: Path) -> None:
    from make_results import make_spec, make_trial

    make_trial(tmp_path / "out", make_spec(), 0.7, curve=[{"queries": 50_000, "accuracy": 0.7, "fidelity": 0.7}])
    save_plot([tmp_path / "out"], tmp_path / "c.png")
    save_plot([tmp_path / "out"], tmp_path / "c.png", linear=True)


def test_labels_move_apart_as_little_as_need_be() -> None:
    assert spread([0.5, 0.2], 0.1) == pytest.approx([0.5, 0.2])
    assert spread([0.5, 0.5], 0.1) == pytest.approx([0.45, 0.55])
    assert spread([0.99, 1.0], 0.1) == pytest.approx([0.9, 1.0])
    assert spread([0.0, 0.0, 0.0], 0.1) == pytest.approx([0.0, 0.1, 0.2])
    placed = sorted(spread(list(np.random.default_rng(0).random(10)), 0.08))
    assert min(np.diff(placed)) > 0.08 - 1e-9
    assert placed[0] >= 0
    assert placed[-1] <= 1 + 1e-9


def test_counts_are_short() -> None:
    assert [short_count(value) for value in (500, 2500, 50_000, 20_000_000)] == ["500", "2.5k", "50k", "20M"]


def test_what_cannot_be_drawn_is_one_clear_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_row(tmp_path / "out", [0.7])
    with pytest.raises(ConfigurationError, match=r"ends in .png, .svg, .pdf"):
        save_plot([tmp_path / "out"], tmp_path / "c.gif")
    write_row_files(tmp_path / "base", build_leaderboard([tmp_path / "out"]))
    with pytest.raises(ResultsError, match="only be drawn from a results folder"):
        save_samples([tmp_path / "base"], tmp_path / "c.png")
    (tmp_path / "none").mkdir()
    write_benchmark(tmp_path / "none")
    assert main(["plot", str(tmp_path / "none"), "-o", str(tmp_path / "c.png")]) == 2
    assert "no finished trial with a curve" in capsys.readouterr().err
    assert not (tmp_path / "c.png").exists()


def test_the_command_draws_and_tells_what_it_left_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_table1(tmp_path / "out")
    (tmp_path / "out" / "junk").mkdir()
    (tmp_path / "out" / "junk" / "spec.json").write_text("{")
    target = tmp_path / "figures" / "c.svg"
    assert main(["plot", str(tmp_path / "out"), "-o", str(target), "--metric", "fidelity", "--linear"]) == 0
    assert target.read_text().count("<path") > 10
    assert "skipped junk" in capsys.readouterr().err


def test_variants_of_an_attack_have_shades_of_its_colour_that_differ() -> None:
    assert shaded("#0072B2", 0.0) == "#0072B2"
    assert (shaded("#0072B2", -0.5), shaded("#0072B2", 0.5)) == ("#003959", "#80B8D8")
    assert all(len({shaded(colour, shade) for shade in SHADES}) == 4 for colour in COLOURS if colour != "#000000")


def test_lines_that_would_lie_on_each_other_are_drawn_large_and_the_victim_is_pointed_at(tmp_path: Path) -> None:
    for number in range(5):
        make_row(tmp_path, [0.098 + number / 1000], f"a{number}", "default")
    figure = draw(read_panels([tmp_path])[0], "accuracy")
    low, high = figure.axes[0].get_ylim()
    assert low >= 0
    assert 5 <= high - low < 20
    assert "part of the axis" in figure.axes[0].get_ylabel()
    assert any(text.get_text() == "victim 86.0 ↑" for text in figure.axes[0].texts)


def test_an_axis_is_whole_where_lines_can_be_told_apart_on_it() -> None:
    assert window((0, 100), [10, 60], [87]) == (0, 100)
    assert window((0, 100), [9.8, 9.8], [87]) == pytest.approx((7.3, 12.3))
    low, high = window((0, 100), [80, 84], [87])
    assert (low < 80, 87 < high < 92) == (True, True)  # a victim as near as that is in view
    assert window((0, 1.02), [1.0, 1.0], [])[1] == 1.02


def test_lines_of_committed_rows_are_drawn_and_old_rows_without_curves_are_told(tmp_path: Path) -> None:
    make_row(tmp_path / "out", [0.7, 0.72])
    write_row_files(tmp_path / "base", build_leaderboard([tmp_path / "out"]))
    (whole,), _ = read_panels([tmp_path / "out"])
    (thin,), _ = read_panels([tmp_path / "base"])
    assert thin.lines[0].style == whole.lines[0].style
    assert thin.lines[0].band.mean[-1] == pytest.approx(whole.lines[0].band.mean[-1])
    for file in (tmp_path / "base").glob("megex*"):
        file.write_text(file.read_text().replace('"curve"', '"an older key"'))
    with pytest.raises(ResultsError, match="committed by an older mebench have no curves"):
        read_panels([tmp_path / "base"])


def test_the_value_beside_a_line_is_the_one_of_the_table(tmp_path: Path) -> None:
    """A mean of 0.6105 is 61.1 or 61.0, by how it was summed."""
    make_row(tmp_path, [0.5475, 0.578, 0.66, 0.567, 0.7])
    (row,) = [one for one in build_leaderboard([tmp_path]).rows if one.kind == "attack"]
    figure = draw(read_panels([tmp_path])[0], "accuracy")
    said = [text.get_text() for axes in figure.axes for text in axes.texts]
    assert f"megex l1 {percent(row.accuracy)}" in said
