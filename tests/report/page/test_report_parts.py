from __future__ import annotations

import base64
import io
import re
import shlex
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from make_results import BUDGET, make_row, make_spec, make_table1, make_trial, write_benchmark
from PIL import Image
from report_results import make_hostile, save_noise

from mebench.api.files import read_json, write_json
from mebench.api.spec import Component
from mebench.report.figures import read_panels
from mebench.report.figures.styles import COLOURS
from mebench.report.page import render_report
from mebench.report.page.facts import Commands, Provenance, problems
from mebench.report.page.page import ASSETS
from mebench.report.page.pictures import embed, find_pictures
from mebench.report.page.series import Limits, panels
from mebench.report.page.source import PageSource, read_source
from mebench.report.page.table import columns
from mebench.results.leaderboard import build_leaderboard
from mebench.results.leaderboard.read.saved import write_row_files
from mebench.results.trial_folder import TrialFolder


def commands_of(source: PageSource) -> dict[str, list[str]]:
    commands = Commands(source, Provenance(source))
    return {entry.label: shlex.split(commands.of(entry)) for entry in source.entries if entry.trials}


def with_file(root: Path, name: str = "table1.yaml") -> Path:
    write_json(root / "benchmark.json", read_json(root / "benchmark.json") | {"file": name})
    return root


def test_a_row_is_run_again_by_its_names_and_seeds(tmp_path: Path) -> None:
    words = commands_of(read_source([with_file(make_table1(tmp_path))]))["dfme kl"]
    assert words[:3] == ["mebench", "run", "table1.yaml"]
    assert words[words.index("--profile") + 1] == "quick"
    assert words[words.index("--only") + 1] == "dfme/kl/fmnist-lenet5/probability"
    assert words[words.index("--seeds") + 1] == "3"


def test_rows_of_the_same_names_are_run_again_by_their_ids(tmp_path: Path) -> None:
    write_benchmark(tmp_path, file="table1.yaml")
    make_row(tmp_path, [0.5, 0.6])
    make_row(tmp_path, [0.5, 0.6], clone=Component("resnet8"))
    for words in commands_of(read_source([tmp_path])).values():
        patterns = [words[index + 1] for index, word in enumerate(words) if word == "--only"]
        assert len(patterns) == 2
        assert all((tmp_path / one).is_dir() for one in patterns)


def test_a_command_is_one_shell_line_whatever_the_names_hold(tmp_path: Path) -> None:
    words = commands_of(read_source([make_hostile(tmp_path)]))["megex l1"]
    assert words[2] == "it's $(here).yaml"


def test_no_command_is_made_up_where_the_file_is_not_recorded(tmp_path: Path) -> None:
    assert not any(commands_of(read_source([make_table1(tmp_path)])).values())


def test_device_and_threads_of_the_trials_are_in_the_command(tmp_path: Path) -> None:
    write_benchmark(tmp_path, file="table1.yaml")
    folder = make_trial(tmp_path, make_spec(), 0.5)
    write_json(folder.path / "result.json", folder.result() | {"provenance": {"threads": 4, "device": "NVIDIA X"}})
    folder.write_environment({"device": "cuda:1"})
    words = commands_of(read_source([tmp_path]))["megex l1"]
    assert words[words.index("--device") + 1] == "cuda"
    assert words[words.index("--threads") + 1] == "4"


def test_provenance_counts_the_trials_of_each_value(tmp_path: Path) -> None:
    write_benchmark(tmp_path)
    for seed, git in enumerate(("aaa", "aaa", "bbb")):
        folder = make_trial(tmp_path, make_spec(seed=seed), 0.5)
        write_json(
            folder.path / "result.json",
            folder.result() | {"provenance": {"git": git, "versions": {"torch": "2.13"}}},
        )
    facts = Provenance(read_source([tmp_path])).of_all()
    assert facts["git"] == [("aaa", 2), ("bbb", 1)]
    assert facts["torch"] == [("2.13", 3)]
    assert facts["victim"] == [("fmnist-lenet5, weights aaaa1111", 3)]


def test_trials_that_failed_alike_are_told_once(tmp_path: Path) -> None:
    write_benchmark(tmp_path)
    for seed in range(9):
        spec = make_spec(seed=seed)
        TrialFolder.of(tmp_path, spec).fail(spec, "out of memory" if seed else "no data")
    found = {one.reason: one for one in problems(read_source([tmp_path]))}
    assert (found["out of memory"].count, len(found["out of memory"].trials)) == (8, 5)
    assert found["no data"].count == 1


def test_an_enlarged_picture_is_stored_at_its_own_size_without_loss(tmp_path: Path) -> None:
    write_benchmark(tmp_path)
    folder = make_trial(tmp_path, make_spec(), 0.5)
    pixels = save_noise(folder.path / "samples.png", (70, 40), enlarged=3)
    pictures, notes = embed(find_pictures(read_source([tmp_path])), 10_000_000)
    image = Image.open(io.BytesIO(base64.b64decode(pictures[0].uri.partition(",")[2])))
    assert (image.size, image.convert("L").tobytes()) == ((70, 40), pixels)
    assert pictures[0].pixelated
    assert not notes


@pytest.mark.parametrize("budget", [400_000, 60_000, 20_000])
def test_pictures_get_smaller_before_they_are_left_out_and_never_exceed_their_room(tmp_path: Path, budget: int) -> None:
    write_benchmark(tmp_path)
    for number in range(8):
        folder = make_trial(tmp_path, make_spec(variant=f"v{number}"), 0.5)
        save_noise(folder.path / "samples.png", (500, 500), seed=number)
    pictures, notes = embed(find_pictures(read_source([tmp_path])), budget)
    assert sum(len(one.uri) for one in pictures) <= budget
    assert (len(pictures) == 8) == (budget > 50_000)
    assert notes


def test_a_file_that_is_no_png_is_left_out_and_named(tmp_path: Path) -> None:
    write_benchmark(tmp_path)
    folder = make_trial(tmp_path, make_spec(), 0.5)
    (folder.path / "samples.png").write_text("<svg onload=alert(1)>")
    pictures, notes = embed(find_pictures(read_source([tmp_path])), 10_000_000)
    assert not pictures
    assert "not a readable PNG" in notes[0]


def test_explanation_pictures_of_trials_and_of_the_folder_are_found(tmp_path: Path) -> None:
    write_benchmark(tmp_path)
    folder = make_trial(tmp_path, make_spec(), 0.5)
    for path in (folder.path / "samples.png", folder.path / "explanations-vg.png", tmp_path / "explanations.png"):
        save_noise(path)
    found = find_pictures(read_source([tmp_path]))
    assert [(one.path.name, one.samples, one.entry is None) for one in found] == [
        ("explanations.png", False, True),
        ("samples.png", True, False),
        ("explanations-vg.png", False, False),
    ]


def test_curves_hold_mean_lowest_and_highest_seed_at_every_point(tmp_path: Path) -> None:
    write_benchmark(tmp_path)
    curves = []
    for seed, end in enumerate((0.5, 0.7)):
        curve = [{"queries": q, "accuracy": a, "fidelity": a} for q, a in ((500, 0.1), (5_000, 0.2), (BUDGET, end))]
        curves.append([one["accuracy"] for one in curve])
        make_trial(tmp_path, make_spec(seed=seed), end, curve=curve)
    panel = panels(read_source([tmp_path]).sections, Limits())[0][0]
    assert panel["grid"] == [500, 5_000, BUDGET]
    mean, low, high = (np.array(one) / 10_000 for one in panel["series"][0]["accuracy"])
    np.testing.assert_allclose(mean, np.mean(curves, axis=0), atol=1e-4)
    np.testing.assert_allclose(low, np.min(curves, axis=0), atol=1e-4)
    np.testing.assert_allclose(high, np.max(curves, axis=0), atol=1e-4)


def test_the_page_and_the_plot_give_a_line_the_same_colour_shade_and_dash(tmp_path: Path) -> None:
    make_table1(tmp_path)
    (panel,), _ = panels(read_source([tmp_path]).sections, Limits())
    (plotted,), _ = read_panels([tmp_path])
    on_page = {one["label"]: (one["colour"], one["shade"], one["dash"]) for one in panel["series"]}
    assert on_page == {one.label: (one.style.colour, one.style.shade, one.style.dash) for one in plotted.lines}
    css = (ASSETS / "report.css").read_text()
    assert re.findall(r"--s\d: light-dark\((#\w+),", css) == list(COLOURS)


def test_committed_rows_have_their_curves_and_provenance_on_the_page(tmp_path: Path) -> None:
    make_table1(tmp_path / "out")
    folder = make_trial(tmp_path / "out", make_spec("dfme", seed=9), 0.5)
    write_json(
        folder.path / "result.json", folder.result() | {"provenance": {"git": "a1b2c3", "versions": {"torch": "2"}}}
    )
    write_row_files(tmp_path / "base", build_leaderboard([tmp_path / "out"]))
    source = read_source([tmp_path / "base"])
    (panel,), _ = panels(source.sections, Limits())
    (whole,), _ = panels(read_source([tmp_path / "out"]).sections, Limits())
    assert [one["label"] for one in panel["series"]] == [one["label"] for one in whole["series"]]
    assert [one["accuracy"][0][-1] for one in panel["series"]] == [one["accuracy"][0][-1] for one in whole["series"]]
    assert {"git", "torch"} <= Provenance(source).of_all().keys()
    text, _ = render_report([tmp_path / "base"])
    assert 'id="panels"' in text
    assert "a1b2c3" in text


def test_rows_without_a_curve_are_counted_beside_those_that_are_drawn(tmp_path: Path) -> None:
    make_table1(tmp_path / "out")
    write_row_files(tmp_path / "base", build_leaderboard([tmp_path / "out"]))
    for name in ("dfme-l1", "noise-default"):
        (path,) = (tmp_path / "base").glob(f"{name}*.json")
        plain = read_json(path)
        for seed in plain["row"]["per_seed"]:
            del seed["curve"]
        write_json(path, plain)
    (panel,), notes = panels(read_source([tmp_path / "base"]).sections, Limits())
    assert len(panel["series"]) == 4
    assert notes == ["2 of 6 rows hold no curve, and are not drawn: see their numbers in the table"]


def test_the_part_of_the_axis_that_lines_need_is_shown(tmp_path: Path) -> None:
    write_benchmark(tmp_path)
    flat = [{"queries": q, "accuracy": 0.098, "fidelity": 0.1} for q in (500, BUDGET)]
    make_trial(tmp_path, make_spec(), 0.098, curve=flat)
    (panel,), _ = panels(read_source([tmp_path]).sections, Limits())
    assert panel["axis"]["accuracy"] == (730, 1230)


def test_long_curves_are_thinned_to_evaluated_points_with_both_ends(tmp_path: Path) -> None:
    write_benchmark(tmp_path)
    points = [{"queries": q, "accuracy": 0.3, "fidelity": 0.3} for q in range(100, BUDGET + 1, 100)]
    make_trial(tmp_path, make_spec(evaluations=len(points)), 0.3, curve=points)
    grid = panels(read_source([tmp_path]).sections, Limits(points=30))[0][0]["grid"]
    assert 15 <= len(grid) <= 30
    assert (grid[0], grid[-1]) == (100, BUDGET)
    assert set(grid) <= {one["queries"] for one in points}


def test_only_the_best_curves_are_drawn_and_the_rest_is_counted(tmp_path: Path) -> None:
    write_benchmark(tmp_path)
    for number in range(6):
        make_row(tmp_path, [0.3 + number / 10], "noise", f"v{number}")
    found, notes = panels(read_source([tmp_path]).sections, Limits(series=2))
    assert [one["label"] for one in found[0]["series"]] == ["noise v5", "noise v4"]
    assert found[0]["of"] == 6
    assert "at most 2 curves" in notes[0]


def test_goals_that_no_seed_reached_are_shown_as_more_than_the_budget(tmp_path: Path) -> None:
    write_benchmark(tmp_path)
    make_row(tmp_path, [0.5, 0.5, 0.5])
    rows = [entry.row for entry in read_source([tmp_path]).entries]
    column = next(one for one in columns(rows) if one.title == "To 90 %")
    assert [column.cell(row) for row in rows if row.kind == "attack"] == ["> 50,000"]


def test_a_reference_never_shows_a_rank_even_if_it_had_one(tmp_path: Path) -> None:
    source = read_source([make_table1(tmp_path)])
    rows = [replace(entry.row, rank=1, rank_last=1) for entry in source.entries]
    rank = next(one for one in columns(rows) if one.key == "rank")
    assert {rank.cell(row) for row in rows if row.kind == "reference"} == {""}
