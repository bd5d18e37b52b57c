"""The section of a report that says which rows are apart."""

from __future__ import annotations

import base64
from pathlib import Path

from make_results import make_row

from mebench.report.page import differences
from mebench.report.page.page import render_report
from mebench.results.leaderboard import build_leaderboard

CLEARLY, BELOW = [0.70, 0.71, 0.72, 0.71], [0.50, 0.51, 0.52, 0.515]


def two_rows(root: Path) -> Path:
    make_row(root, CLEARLY, variant="high")
    make_row(root, BELOW, variant="low")
    return root


def test_two_rows_that_the_seeds_tell_apart_are_listed_with_their_difference(tmp_path: Path) -> None:
    found = differences.find_differences(build_leaderboard([two_rows(tmp_path)]))
    caption, titles, body, note = found.tables[0]
    assert caption.startswith("Paired by seed: ")
    line = dict(zip([title for title, _ in titles], body[0], strict=True))
    assert line["Difference"].startswith("19.9 ±")  # (20 + 20 + 20 + 19.5) / 4, in points
    assert (line["Pairs"], line["Apart"]) == ("4", "yes")
    assert note.startswith("4 seeds find a difference of ")
    assert note in render_report([tmp_path])[0]


def test_the_picture_of_mean_ranks_is_a_png_of_the_stated_size(tmp_path: Path) -> None:
    found = differences.find_differences(build_leaderboard([two_rows(tmp_path)]))
    assert found.picture is not None
    uri, width, height = found.picture
    content = base64.b64decode(uri.removeprefix("data:image/png;base64,"))
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    assert (int.from_bytes(content[16:20]), int.from_bytes(content[20:24])) == (width, height)


def test_a_single_row_has_no_section(tmp_path: Path) -> None:
    make_row(tmp_path, CLEARLY)
    found = differences.find_differences(build_leaderboard([tmp_path]))
    assert (found.tables, found.picture, found.left_out) == ((), None, "")
    assert 'id="differences"' not in render_report([tmp_path])[0]


def test_keys_with_many_rows_are_left_out_and_the_page_says_so(tmp_path: Path) -> None:
    for number in range(differences.MAX_TOGETHER + 1):
        make_row(tmp_path, CLEARLY[:2], variant=f"v{number}")
    text, notes = render_report([tmp_path])
    assert 'id="differences"' not in text
    assert any("mebench leaderboard --pairs" in note for note in notes)


def test_the_page_holds_the_tables_and_the_same_bytes_each_time(tmp_path: Path) -> None:
    two_rows(tmp_path)
    text = render_report([tmp_path])[0]
    assert 'id="differences"' in text
    assert "19.9 ±" in text
    assert text == render_report([tmp_path])[0]
