from __future__ import annotations

import io
import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from make_results import make_row, make_spec
from rich.cells import cell_len
from rich.console import Console

from mebench.cli import main
from mebench.cli.compare import FORMAT_NAMES
from mebench.results.compare import FORMATS, Comparison, compare, render_text
from mebench.results.leaderboard import build_leaderboard
from mebench.results.trial_folder import TrialFolder

NASTY = 'a,b:c%<&"]]>|\n'


@pytest.fixture
def comparison(tmp_path: Path) -> Comparison:
    """One worse, one gone, one failing, one new, one noisy and one better row."""
    base, new = tmp_path / "base", tmp_path / "new"
    make_row(base, [0.70, 0.71, 0.72])
    make_row(new, [0.60, 0.61, 0.62])
    make_row(base, [0.5, 0.51], "dfme")
    make_row(new, [0.6, 0.61], "dfme")
    make_row(base, [0.4, 0.6], "noisy")
    make_row(new, [0.3, 0.5], "noisy")
    make_row(base, [0.5], NASTY)
    make_row(base, [0.5], "crashes")
    spec = make_spec("crashes")
    TrialFolder.of(new, spec).begin(spec)
    TrialFolder.of(new, spec).fail(spec, f"RuntimeError: {NASTY}")
    make_row(new, [0.5], "fresh")
    return compare(build_leaderboard([base]), build_leaderboard([new]))


def test_all_marks_are_counted(comparison: Comparison) -> None:
    assert comparison.counts == {"worse": 1, "failing": 1, "gone": 1, "unclear": 1, "better": 1, "new": 1, "same": 1}


def test_junit_says_the_same_as_the_marks_and_survives_a_parser(comparison: Comparison) -> None:
    suite = ElementTree.fromstring(FORMATS["junit"](comparison, False).encode()).find("testsuite")
    assert suite is not None
    assert [suite.get(key) for key in ("tests", "failures", "errors", "skipped")] == ["7", "1", "2", "1"]
    cases = {case.get("name", ""): case for case in suite.findall("testcase")}
    (worse,) = [name for name, case in cases.items() if case.find("failure") is not None]
    assert worse.startswith("megex l1")
    assert len([case for case in cases.values() if case.find("error") is not None]) == 2
    assert any('a,b:c%<&"]]>|' in name for name in cases)


def test_junit_skips_missing_rows_where_they_are_allowed(comparison: Comparison) -> None:
    suite = ElementTree.fromstring(FORMATS["junit"](comparison, True).encode()).find("testsuite")
    assert suite is not None
    assert [suite.get(key) for key in ("errors", "skipped")] == ["0", "3"]


def test_github_annotations_are_one_line_each_and_escaped(comparison: Comparison) -> None:
    lines = FORMATS["github"](comparison, False).splitlines()
    assert [line.split(" ")[0] for line in lines] == ["::error", "::error", "::error", "::warning", "::notice"]
    for line in lines:
        title = re.fullmatch(r"::\w+ title=([^:,]*)::.*", line)
        assert title, line
    assert any("a%2Cb%3Ac%25<&" in line for line in lines)
    assert re.search(r"RuntimeError: a,b:c%25<&", "\n".join(lines))


def test_github_warns_of_missing_rows_where_they_are_allowed(comparison: Comparison) -> None:
    lines = FORMATS["github"](comparison, True).splitlines()
    assert [line.split(" ")[0] for line in lines] == ["::error", "::warning", "::warning", "::warning", "::notice"]


def test_markdown_cells_are_escaped(comparison: Comparison) -> None:
    table = [line for line in FORMATS["md"](comparison, False).splitlines() if line.startswith("|")]
    assert {line.replace(r"\|", "").count("|") for line in table} == {6}
    assert r"&lt;&amp;" in "".join(table)


def test_json_holds_numbers_marks_and_the_exit_code(comparison: Comparison) -> None:
    plain = json.loads(FORMATS["json"](comparison, False))
    assert plain["exit_code"] == 1
    first = plain["rows"][0]
    assert (first["attack"], first["mark"]) == ("megex", "worse")
    accuracy = first["metrics"][0]
    assert accuracy["difference"] == pytest.approx(-0.1)
    assert accuracy["low"] < accuracy["difference"] < accuracy["high"] < 0


@pytest.mark.parametrize("width", [40, 80, 120])
def test_the_terminal_shows_marks_and_remarks_at_any_width(comparison: Comparison, width: int) -> None:
    buffer = io.StringIO()
    render_text(comparison, Console(file=buffer, width=width, color_system=None))
    shown = buffer.getvalue()
    assert max(cell_len(line) for line in shown.splitlines()) <= width
    assert "worse" in shown
    assert "1 worse, 1 failing, 1 gone, 1 unclear, 1 better, 1 new, 1 same" in " ".join(shown.split())
    if width >= 80:
        assert "71.0 → 61.0 (-10.0, sees " in shown


def run(*arguments: object) -> int:
    return main(["compare", *map(str, arguments)])


@pytest.mark.usefixtures("comparison")
@pytest.mark.parametrize("style", FORMAT_NAMES)
def test_the_command_exits_1_in_every_format(tmp_path: Path, style: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path / "base", tmp_path / "new", "--format", style) == 1
    printed = capsys.readouterr().out
    assert run(tmp_path / "base", tmp_path / "new", "--format", style, "-o", tmp_path / "file") == 1
    assert (tmp_path / "file").read_text() == printed


def test_every_format_of_the_command_exists() -> None:
    assert tuple(FORMATS) == FORMAT_NAMES


def test_a_baseline_is_made_renewed_and_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    base, old, new = tmp_path / "results" / "quick", tmp_path / "old", tmp_path / "new"
    make_row(old, [0.70, 0.71, 0.72])
    make_row(old, [0.5, 0.51], "dfme")
    make_row(new, [0.60, 0.61, 0.62])
    assert run(base, old) == 2
    assert run(base, old, "--update") == 0
    assert run(base, old) == 0
    assert run(base, new) == 1
    assert run(base, new, "--tolerance", "accuracy=0.2", "--tolerance", "fidelity=0.2") == 3
    assert run(base, new, "--tolerance", "accuracy=0.2", "--tolerance", "fidelity=0.2", "--allow-missing") == 0
    assert run(base, new, "--update") == 0
    assert run(base, new) == 3
    assert run(base, new, "--update", "--prune") == 0
    assert run(base, new) == 0
    assert "deleted 1" in capsys.readouterr().err


@pytest.mark.usefixtures("comparison")
def test_a_summary_is_appended_where_github_wants_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    summary = tmp_path / "summary.md"
    summary.write_text("before\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    run(tmp_path / "base", tmp_path / "new", "--format", "github")
    assert summary.read_text().startswith("before\n### mebench compare\n")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--tolerance", "accuracy"], "is not NAME=NUMBER"),
        (["--tolerance", "accuracy=much"], "is not NAME=NUMBER"),
        (["--tolerance", "acuracy=0.1"], "Did you mean 'accuracy'"),
        (["--metric", "speed"], "unknown metric 'speed'"),
        (["--metric", "seconds"], "seconds cannot be compared: neither more nor less of it is worse"),
        (["--prune"], "--prune needs --update"),
    ],
)
def test_wrong_options_exit_2(
    tmp_path: Path, options: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    make_row(tmp_path, [0.7])
    assert run(tmp_path, tmp_path, *options) == 2
    assert words in capsys.readouterr().err


def test_a_folder_of_trials_is_never_updated(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_row(tmp_path, [0.7])
    assert run(tmp_path, tmp_path, "--update") == 2
    assert "holds trials" in capsys.readouterr().err
