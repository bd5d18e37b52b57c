"""Pictures of queries over the budget, and numbers that strategies tell of themselves."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from make_results import make_curve, make_row, make_spec, make_trial
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.image import imread, imsave

from mebench.api.errors import ResultsError
from mebench.cli import main
from mebench.report.figures import draw, draw_rounds, read_panels, read_rounds, save_rounds
from mebench.report.figures.axis import axis_of
from mebench.results.curves import Curve, optional_columns
from mebench.results.trial_folder import TrialFolder

COLOURS = {2500: (1.0, 0, 0), 5000: (0, 1.0, 0), 13_000: (0, 0, 1.0), 25_600: (1.0, 0, 1.0), 50_000: (0, 1.0, 1.0)}
"""The queries spent at each picture of a trial with a budget of 50,000, evaluated first at 2,500, and its colour."""


def add_pictures(folder: TrialFolder, at: tuple[int, ...] = tuple(COLOURS)) -> None:
    (folder.path / "samples").mkdir()
    special = {2500: folder.path / "samples-early.png", 50_000: folder.path / "samples.png"}
    for queries in at:
        imsave(special.get(queries) or folder.picture(queries), np.ones((30, 30, 3)) * COLOURS[queries])


def make_pictured(root: Path, attacks: int = 2) -> Path:
    for number in range(attacks):
        add_pictures(make_trial(root, make_spec(f"attack-{number}"), 0.3 + number / 50))
    return root


def test_every_attack_has_a_line_the_best_first_and_a_picture_for_each_point(tmp_path: Path) -> None:
    (section,), notes = read_rounds([make_pictured(tmp_path)])
    assert section.title == "fmnist-lenet5, 50,000 queries"
    assert [attack.name for attack in section.attacks] == ["attack-1 l1", "attack-0 l1"]
    assert [picture[0] for picture in section.attacks[0].pictures if picture] == [2500, 5000, 13_000, 25_600, 50_000]
    assert notes == []


def test_columns_stand_in_the_order_of_queries(tmp_path: Path) -> None:
    save_rounds([make_pictured(tmp_path / "out", 1)], tmp_path / "r.png")
    pixels = imread(tmp_path / "r.png")[..., :3]
    columns = [np.nonzero((np.abs(pixels - np.array(c)).max(-1) < 0.01).any(0))[0] for c in COLOURS.values()]
    assert all(len(column) > 200 for column in columns)
    assert all(left.max() < right.min() for left, right in itertools.pairwise(columns))


def test_a_point_that_a_large_batch_jumps_over_stays_empty(tmp_path: Path) -> None:
    add_pictures(make_trial(tmp_path, make_spec(), 0.5), (2500, 25_600, 50_000))
    (section,), _ = read_rounds([tmp_path])
    assert [picture and picture[0] for picture in section.attacks[0].pictures] == [2500, None, None, 25_600, 50_000]


def test_results_with_two_pictures_only_have_two_columns(tmp_path: Path) -> None:
    add_pictures(make_trial(tmp_path, make_spec(), 0.5), (2500, 50_000))
    assert len(draw_rounds(read_rounds([tmp_path])[0]).axes) == 2


@pytest.mark.parametrize("at", [tuple(COLOURS), (2500, 50_000), (50_000,)], ids=["wide", "narrow", "one column"])
@pytest.mark.parametrize("attacks", [1, 3])
def test_nothing_covers_anything_or_leaves_the_picture(tmp_path: Path, attacks: int, at: tuple[int, ...]) -> None:
    long = make_spec("an-attack-with-a-very-long-name-indeed", "and-a-long-variant")
    for spec in (*(make_spec(f"attack-{number}") for number in range(attacks)), long):
        add_pictures(make_trial(tmp_path / "a", spec, 0.4), at)
    add_pictures(make_trial(tmp_path / "b", make_spec(), 0.4, weights="bbbb2222"), at)
    figure = draw_rounds(read_rounds([tmp_path / "a", tmp_path / "b"])[0])
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    things = [text.get_window_extent() for text in figure.texts] + [axes.get_window_extent() for axes in figure.axes]
    assert len(figure.axes) == len(at) * (attacks + 2)
    assert not any(one.overlaps(other) for one, other in itertools.combinations(things, 2))
    wide, high = canvas.get_width_height()
    assert all(box.x0 >= 0 and box.y0 >= 0 and box.x1 <= wide and box.y1 <= high for box in things)


def test_a_row_without_pictures_is_named_and_none_at_all_is_an_error(tmp_path: Path) -> None:
    make_row(tmp_path, [0.3], "noise", "default")
    with pytest.raises(ResultsError, match="no trial with pictures"):
        save_rounds([tmp_path], tmp_path / "r.png")
    _, notes = read_rounds([make_pictured(tmp_path, 1)])
    assert notes == ["left out noise: no pictures"]


def test_files_that_a_trial_does_not_write_are_no_pictures(tmp_path: Path) -> None:
    folder = make_trial(tmp_path, make_spec(), 0.5)
    add_pictures(folder)
    for name in ("mine.png", "12.png", "000000012.txt", "-00000012.png", "1e0000000.png"):
        (folder.path / "samples" / name).write_bytes(b"")
    assert list(folder.pictures(2500, 50_000)) == list(COLOURS)


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_the_command_writes_the_same_file_twice(tmp_path: Path, suffix: str) -> None:
    make_pictured(tmp_path / "out")
    files = [tmp_path / f"{name}{suffix}" for name in ("one", "two")]
    for file in files:
        assert main(["plot", str(tmp_path / "out"), "--kind", "rounds", "-o", str(file)]) == 0
    assert files[0].read_bytes() == files[1].read_bytes()


def telling(accuracy: float, **told: float | None) -> list[dict]:
    entropy = {"query_label_entropy": 0.7}
    return [point | entropy | {"diagnostics": told, "top-5": 0.9} for point in make_curve(accuracy)]


def besides(curve: Curve) -> dict:
    """The columns that are not mebench's own."""
    return {name: column for name, column in curve.columns.items() if name not in optional_columns()}


def test_a_curve_holds_what_strategies_tell_and_what_is_measured_besides() -> None:
    curve = Curve.from_points([*telling(0.5, loss=3.5, gap=None)[:2], make_curve(0.5)[2]])
    assert besides(curve) == {"gap": (None,) * 3, "loss": (3.5, 3.5, None), "top-5": (0.9, 0.9, None)}
    assert [value for _, value in curve.points("query_label_entropy")] == [0.7, 0.7]
    assert [value for _, value in curve.points("loss")] == [3.5, 3.5]
    assert curve.points("of a name that is nowhere") == []


def test_a_metric_comes_before_a_diagnostic_of_its_name_and_what_is_no_number_is_left_out() -> None:
    point = make_curve(0.5)[0]
    curve = Curve.from_points(
        [point | {"diagnostics": {"accuracy": 7.0, "top-5": 7.0, "word": "a", "\x1b[2J": 1.0}, "top-5": 0.9}]
    )
    assert besides(curve) == {"top-5": (0.9,), "word": (None,)}
    assert curve.values("accuracy") == (point["accuracy"],)
    assert besides(Curve.from_points([point | {"diagnostics": [1, 2]}])) == {}


@pytest.mark.parametrize("values", [(0.2, 0.9), (-120.5, 3000.25), (5.0, 5.0), (0.0, 0.0), (2e-7, 3e7)])
def test_a_diagnostic_of_any_size_is_drawn_inside_its_axes(tmp_path: Path, values: tuple[float, float]) -> None:
    for seed, value in enumerate(values):
        make_trial(tmp_path, make_spec(seed=seed), 0.5, curve=telling(0.5, generator_loss=value))
    make_row(tmp_path, [0.3], "noise", "default")
    panels, notes = read_panels([tmp_path], "generator_loss")
    figure = draw(panels, "generator_loss")
    FigureCanvasAgg(figure).draw()
    (axes,) = figure.axes
    low, high = axes.get_ylim()
    assert low <= min(values) <= max(values) <= high
    assert low < high
    assert axes.get_ylabel() == "generator loss"
    assert notes == ["left out noise: it has no generator_loss"]
    assert all(text.get_window_extent().x0 >= 0 for text in axes.get_yticklabels())


def test_values_of_unknown_size_are_written_with_three_digits() -> None:
    assert [axis_of("loss").written(value) for value in (0.123456, 41_300.0, -2.0)] == ["0.123", "4.13e+04", "-2"]


def test_an_unknown_metric_says_which_there_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_trial(tmp_path, make_spec(), 0.5, curve=telling(0.5, loss=1.0))
    assert main(["plot", str(tmp_path), "--metric", "los", "-o", str(tmp_path / "x.png")]) == 2
    assert "there are accuracy, fidelity, query_label_entropy, loss, top-5" in capsys.readouterr().err
