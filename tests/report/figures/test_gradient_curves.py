"""Curves of gradient quality."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from make_results import VG, make_curve, make_row, make_spec, make_trial
from matplotlib.backends.backend_agg import FigureCanvasAgg

from mebench.api.errors import ResultsError
from mebench.cli import main
from mebench.report.figures import draw, read_panels, save_plot
from mebench.report.figures.axis import AXES, axis_of
from mebench.results.curves import Curve, band


def probed(accuracy: float, cosine: float | None, ratio: float | None) -> list[dict]:
    return [point | {"gradient_cosine": cosine, "gradient_norm_ratio": ratio} for point in make_curve(accuracy)]


def make_probed(root: Path) -> Path:
    for seed in (0, 1):
        make_trial(root, make_spec("megex", seed=seed, channel=VG), 0.7, curve=probed(0.7, 1.0, 1.0))
        make_trial(root, make_spec("dfme", seed=seed), 0.5, curve=probed(0.5, 0.02 + seed / 100, 30.0))
        make_trial(root, make_spec("int", seed=seed), 0.4, curve=probed(0.4, -0.3, 0.004))
    make_row(root, [0.3, 0.3], "random-generator")
    return root


def test_a_curve_knows_how_good_gradients_were_where_it_was_measured() -> None:
    points = probed(0.5, 0.25, 3.0)[:2] + probed(0.5, None, None)[2:3] + make_curve(0.5)[3:4]
    curve = Curve.from_points(points)
    assert curve.values("gradient_cosine") == (0.25, 0.25, None, None)
    assert [value for _, value in curve.points("gradient_norm_ratio")] == [3.0, 3.0]
    assert len(curve.points("accuracy")) == 4


def test_a_gradient_quality_that_is_no_number_is_an_error() -> None:
    with pytest.raises(ValueError, match="no number 'gradient_cosine'"):
        Curve.from_points([make_curve(0.5)[0] | {"gradient_cosine": "good"}])


def test_curves_without_gradients_have_no_band_of_them() -> None:
    assert band([Curve.from_points(make_curve(0.5)), Curve((1,), (0.1,), (0.1,))], "gradient_cosine") is None


def test_attacks_without_gradients_are_left_out_and_named(tmp_path: Path) -> None:
    (panel,), notes = read_panels([make_probed(tmp_path)], "gradient_cosine")
    assert [line.label for line in panel.lines] == ["megex l1", "dfme l1", "int l1"]
    assert panel.lines[1].band.mean[-1] == pytest.approx(0.025)
    assert (panel.victim, panel.supervised) == (None, {})
    assert notes == ["left out random-generator l1: it has no gradient_cosine"]


def test_results_without_any_gradient_say_so(tmp_path: Path) -> None:
    make_row(tmp_path, [0.3])
    with pytest.raises(ResultsError, match="no trial has gradient_norm_ratio"):
        read_panels([tmp_path], "gradient_norm_ratio")


@pytest.mark.parametrize("metric", ["gradient_cosine", "gradient_norm_ratio"])
def test_all_values_and_labels_are_inside_the_picture(tmp_path: Path, metric) -> None:
    panels, _ = read_panels([make_probed(tmp_path)], metric)
    figure = draw(panels, metric)
    FigureCanvasAgg(figure).draw()
    (axes,) = figure.axes
    low, high = axes.get_ylim()
    values = [value for line in panels[0].lines for value in (*line.band.low, *line.band.high)]
    assert low < min(values)
    assert high > max(values)
    boxes = [text.get_window_extent() for text in axes.texts]
    assert len(boxes) == 3
    assert not any(one.overlaps(other) for one, other in itertools.combinations(boxes, 2))


def test_a_label_stands_at_the_end_of_its_line_on_a_logarithmic_axis() -> None:
    axis = AXES["gradient_norm_ratio"]
    assert axis.height(10.0, (1.0, 100.0)) == pytest.approx(0.5)
    assert axis.height(0.0, (1.0, 100.0)) == 0
    assert (axis.written(28.73), axis.written(0.00412)) == ("29", "0.0041")
    assert axis_of("accuracy").written(71.24) == "71.2"


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_gradient_curves_are_drawn_by_the_command(tmp_path: Path, suffix: str) -> None:
    target = tmp_path / f"cosine{suffix}"
    assert main(["plot", str(make_probed(tmp_path / "out")), "--metric", "gradient_cosine", "-o", str(target)]) == 0
    assert target.stat().st_size > 5000


def test_accuracy_looks_the_same_with_and_without_probes(tmp_path: Path) -> None:
    make_trial(tmp_path / "a", make_spec(), 0.7, curve=probed(0.7, 1.0, 1.0))
    make_trial(tmp_path / "b", make_spec(), 0.7)
    for name in "ab":
        save_plot([tmp_path / name], tmp_path / f"{name}.png")
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_a_line_has_the_same_colour_and_dash_whatever_metric_is_drawn(tmp_path: Path) -> None:
    make_probed(tmp_path)
    (accuracy,), _ = read_panels([tmp_path], "accuracy")
    (cosine,), _ = read_panels([tmp_path], "gradient_cosine")
    numbers = {line.label: line.style for line in accuracy.lines}
    assert len(set(numbers.values())) == 4
    assert all(numbers[line.label] == line.style for line in cosine.lines)
