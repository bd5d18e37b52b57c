"""Pictures of early and late queries."""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from make_results import make_row, make_spec, make_trial
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.image import imread, imsave

from mebench.api.errors import ResultsError
from mebench.cli import main
from mebench.report.figures import draw_samples, read_sections, save_samples
from mebench.results.trial_folder import TrialFolder

RED, GREEN = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0)


def picture(path: Path, colour: tuple[float, ...]) -> None:
    imsave(path, np.ones((30, 30, 3)) * colour)


def add_pictures(folder: TrialFolder) -> None:
    picture(folder.path / "samples-early.png", RED)
    picture(folder.path / "samples.png", GREEN)


def make_pictured(root: Path, attacks: int = 2) -> Path:
    for number in range(attacks):
        spec = make_spec(f"attack-{number}")
        add_pictures(make_trial(root, spec, 0.3 + number / 50))
    return root


def test_every_attack_is_shown_early_and_late_the_best_first(tmp_path: Path) -> None:
    (section,), notes = read_sections([make_pictured(tmp_path)])
    assert section.title == "fmnist-lenet5, 50,000 queries"
    assert [sample.name for sample in section.attacks] == ["attack-1 l1", "attack-0 l1"]
    assert section.attacks[0].queries == (2500, 50_000)
    assert notes == []


def test_early_stands_left_of_late(tmp_path: Path) -> None:
    save_samples([make_pictured(tmp_path / "out", 1)], tmp_path / "s.png")
    pixels = imread(tmp_path / "s.png")[..., :3]
    columns = [np.nonzero((np.abs(pixels - np.array(c)).max(-1) < 0.01).any(0))[0] for c in (RED, GREEN)]
    assert len(columns[0]) > 200
    assert columns[0].max() < columns[1].min()


@pytest.mark.parametrize("attacks", [1, 4, 11])
def test_no_grid_covers_another_or_leaves_the_picture(tmp_path: Path, attacks: int) -> None:
    make_pictured(tmp_path, attacks)
    add_pictures(make_trial(tmp_path, make_spec(budget=1000), 0.4))
    sections, _ = read_sections([tmp_path])
    figure = draw_samples(sections)
    boxes = [axes.get_position() for axes in figure.axes]
    assert len(boxes) == 2 * (attacks + 1)
    assert not any(one.overlaps(other) for i, one in enumerate(boxes) for other in boxes[:i])
    assert all(box.x0 >= 0 and box.y0 >= 0 and box.x1 <= 1 and box.y1 <= 1 for box in boxes)


@pytest.mark.parametrize("attacks", [1, 3])
def test_no_long_name_runs_into_another_or_off_the_picture(tmp_path: Path, attacks: int) -> None:
    for number in range(attacks):
        spec = make_spec(f"an-attack-with-a-rather-long-name-{number}", "some-variant,with-more-parameters-than-usual")
        add_pictures(make_trial(tmp_path, spec, 0.3 + number / 50))
    figure = draw_samples(read_sections([tmp_path])[0])
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    boxes = [text.get_window_extent() for text in figure.texts]
    assert all(box.x0 >= 0 and box.x1 <= canvas.get_width_height()[0] for box in boxes)
    assert not any(one.overlaps(other) for one, other in combinations(boxes, 2))


def test_a_seed_without_pictures_gives_way_to_one_with_them_and_a_row_without_is_named(tmp_path: Path) -> None:
    make_trial(tmp_path, make_spec(seed=0), 0.5)
    add_pictures(make_trial(tmp_path, make_spec(seed=1), 0.5))
    make_row(tmp_path, [0.3], "noise", "default")
    (section,), notes = read_sections([tmp_path])
    assert [sample.name for sample in section.attacks] == ["megex l1"]
    assert notes == ["left out noise: no samples-early.png and samples.png"]


def test_results_without_pictures_say_so(tmp_path: Path) -> None:
    make_row(tmp_path, [0.3])
    with pytest.raises(ResultsError, match="pictures of early and late queries"):
        save_samples([tmp_path], tmp_path / "s.png")


@pytest.mark.parametrize("suffix", [".png", ".svg", ".pdf"])
def test_the_command_writes_the_same_file_twice(tmp_path: Path, suffix: str) -> None:
    make_pictured(tmp_path / "out")
    files = [tmp_path / f"{name}{suffix}" for name in ("one", "two")]
    for file in files:
        assert main(["plot", str(tmp_path / "out"), "--kind", "samples", "-o", str(file)]) == 0
    assert files[0].read_bytes() == files[1].read_bytes()


SPOILT: dict[str, tuple[Callable[[Path], object], str]] = {
    "cut": (lambda file: os.truncate(file, 60), "cannot be read as a picture"),
    "text": (lambda file: file.write_text("none"), "cannot be read as a picture"),
    "empty": (lambda file: os.truncate(file, 0), "cannot be read as a picture"),
    "a pipe": (lambda file: (file.unlink(), os.mkfifo(file)), "cannot be read as a picture (no regular file)"),
    "a folder": (lambda file: (file.unlink(), file.mkdir()), "cannot be read as a picture (a folder)"),
}


@pytest.mark.parametrize("how", SPOILT)
@pytest.mark.parametrize("kind", ["samples", "rounds"])
def test_a_picture_that_cannot_be_read_is_named_in_one_line_and_left_out_of_a_report(
    kind: str, how: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil, problem = SPOILT[how]
    file = next(make_pictured(tmp_path / "out", 1).glob("*/samples.png"))
    spoil(file)
    assert main(["plot", str(tmp_path / "out"), "--kind", kind, "-o", str(tmp_path / "x.png")]) == 2
    said = capsys.readouterr().err
    assert f"{file}: {problem}" in said
    assert len(said.splitlines()) == 1
    assert main(["report", str(tmp_path / "out"), "-o", str(tmp_path / "x.html")]) == 0
    assert "samples.png is left out: not a readable PNG file" in capsys.readouterr().err
