from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner
from make_results import BUDGET, VG, make_row, make_spec, make_table1, make_trial, write_benchmark
from rich.cells import cell_len
from rich.console import Console

from mebench.api.spec import Component
from mebench.cli import main
from mebench.cli.leaderboard import FORMAT_NAMES, leaderboard
from mebench.results.leaderboard import FORMATS, Leaderboard, build_leaderboard, render_text, write_leaderboard_files
from mebench.results.trial_folder import TrialFolder

KEYS = {
    *("attack", "variant", "victim", "channel", "budget", "seeds", "accuracy", "accuracy_ci", "fidelity"),
    *("fidelity_ci", "normalised_accuracy", "queries", "queries_to_90", "auc", "reported", "status", "flags"),
}


def text(board: Leaderboard, width: int) -> str:
    buffer = io.StringIO()
    render_text(board, Console(file=buffer, width=width, color_system=None))
    return buffer.getvalue()


def make_full(root: Path) -> Path:
    """Everything that a table can show at once."""
    make_table1(root)
    make_row(root, [0.55, 0.56], channel=Component("vg", {"score": "logit", "classes": "top-1"}))
    make_row(root, [0.9, 0.5], "knockoff", "default", pool=Component("emnist"), data_prior="public")
    spec = make_spec("dfme", "kl", 7)
    TrialFolder.of(root, spec).begin(spec)
    TrialFolder.of(root, spec).fail(spec, "RuntimeError: [bold]no[/] room")
    return root


def test_intervals_are_written_in_percent(tmp_path: Path) -> None:
    make_row(tmp_path, [0.712, 0.735, 0.698])
    assert "71.5 ± 4.6" in text(build_leaderboard([tmp_path]), 100)


@pytest.mark.parametrize("width", [36, 60, 80, 100, 140])
def test_no_line_is_wider_than_the_terminal_and_no_number_is_cut(tmp_path: Path, width: int) -> None:
    board = build_leaderboard([make_full(tmp_path)])
    shown = text(board, width)
    assert max(cell_len(line) for line in shown.splitlines()) <= width
    assert "…" not in shown
    assert "71.5 ± 4.6" in shown
    for row in board.rows:
        if row.kind == "attack" and row.accuracy is not None:
            assert f"{100 * row.accuracy:.1f} ± {100 * (row.accuracy_ci or 0):.1f}" in shown


def test_a_narrow_table_says_what_it_leaves_out_and_a_wide_one_has_it(tmp_path: Path) -> None:
    board = build_leaderboard([make_table1(tmp_path)])
    assert "No room for" in text(board, 80)
    assert "Of victim" in text(board, 80).split("No room for")[1]
    assert "No room for" not in text(board, 120)


def test_rows_of_one_name_are_told_apart_however_narrow_the_table(tmp_path: Path) -> None:
    make_row(tmp_path, [0.7, 0.71], channel=VG)
    make_row(tmp_path, [0.5, 0.51], channel=Component("label"))
    shown = text(build_leaderboard([tmp_path]), 36)
    assert "vg" in shown
    assert "label" in shown


def test_what_the_files_say_is_never_taken_for_markup(tmp_path: Path) -> None:
    board = build_leaderboard([make_full(tmp_path)])
    assert "[bold]no[/] room" in text(board, 120)
    assert r"\[bold\]no\[/\] room" in FORMATS["md"](board)


def test_control_characters_never_reach_the_terminal(tmp_path: Path) -> None:
    make_row(tmp_path, [0.7], "ev\x1b[31mil\r\n")
    write_benchmark(tmp_path, title="T\x1b]0;x\x07\u202e")
    assert "\x1b" not in text(build_leaderboard([tmp_path]), 100)
    assert "\u202e" not in FORMATS["md"](build_leaderboard([tmp_path]))


def test_scale_note_and_the_papers_table_are_shown(tmp_path: Path) -> None:
    board = build_leaderboard([make_table1(tmp_path)])
    for shown in (text(board, 100), FORMATS["md"](board)):
        assert "reduced scale" in shown
        assert "The quick profile is not the paper's scale" in shown
        assert "Reported by the paper (other victim and scale)" in shown
        assert "92.3" in shown


def test_a_number_of_the_paper_for_a_victim_that_is_here_is_not_called_another_scale(tmp_path: Path) -> None:
    make_row(tmp_path, [0.7])
    number = {"attack": "dfme", "variant": "l1", "victim": "fmnist-lenet5", "budget": BUDGET, "accuracy": 75.5}
    write_benchmark(tmp_path, reported=[number])
    assert "Reported by the paper, no row here" in text(build_leaderboard([tmp_path]), 100)


def test_flags_of_all_rows_are_said_once_and_each_flag_is_explained(tmp_path: Path) -> None:
    make_table1(tmp_path)
    make_row(tmp_path, [0.5], "lonely")
    shown = text(build_leaderboard([tmp_path]), 140)
    assert shown.count("few-seeds") == 2  # its row, and the legend
    assert "All rows: reduced-scale" in shown
    assert shown.count("reduced-scale") == 2


def test_json_has_all_keys_and_reads_back_as_the_same_leaderboard(tmp_path: Path) -> None:
    board = build_leaderboard([make_full(tmp_path)])
    plain = json.loads(FORMATS["json"](board))
    assert plain["format"] == 1
    assert set(plain["rows"][0]) >= KEYS
    assert plain["benchmark"]["profile"] == "quick"
    (tmp_path / "saved").mkdir()
    (tmp_path / "saved" / "leaderboard.json").write_text(FORMATS["json"](board))
    for root in (tmp_path / "saved", tmp_path / "saved" / "leaderboard.json"):
        assert FORMATS["json"](build_leaderboard([root])) == FORMATS["json"](board)


def test_json_of_a_broken_number_is_still_json(tmp_path: Path) -> None:
    make_trial(tmp_path, make_spec(), 0.7, curve=[{"queries": 10, "accuracy": float("nan"), "fidelity": 0.1}])
    json.loads(FORMATS["json"](build_leaderboard([tmp_path])), parse_constant=pytest.fail)


def test_csv_reads_back_with_one_line_per_row(tmp_path: Path) -> None:
    board = build_leaderboard([make_full(tmp_path)])
    lines = list(csv.DictReader(io.StringIO(FORMATS["csv"](board))))
    assert len(lines) == len(board.rows)
    assert set(lines[0]) >= KEYS
    assert [float(line["accuracy"]) for line in lines if line["accuracy"]] == [
        row.accuracy for row in board.rows if row.accuracy is not None
    ]
    assert lines[-1]["flags"].split(";") == list(board.rows[-1].flags)


def test_the_frame_has_a_number_where_there_is_one(tmp_path: Path) -> None:
    frame = build_leaderboard([make_full(tmp_path)]).frame()
    assert pd.api.types.is_float_dtype(frame["accuracy"])
    assert frame.loc[frame.attack == "supervised", "seeds"].item() == 3


def test_markdown_tables_have_the_same_number_of_cells_in_every_line(tmp_path: Path) -> None:
    make_row(tmp_path, [0.7, 0.71], "a|b", "x`*_<i>")
    lines = [line for line in FORMATS["md"](build_leaderboard([tmp_path])).splitlines() if line.startswith("|")]
    cells = [line.replace(r"\|", "").count("|") for line in lines]
    assert set(cells[: cells.index(5)]) == {15}
    assert r"a\|b x\`\*\_&lt;i&gt;" in lines[3]


def test_latex_is_escaped_and_has_rules_of_booktabs(tmp_path: Path) -> None:
    make_row(tmp_path, [0.7, 0.71, 0.72], "a_b&c%", "l1#")
    latex = FORMATS["latex"](build_leaderboard([tmp_path]))
    assert r"a\_b\&c\% l1\#" in latex
    assert r"71.0 $\pm$ 2.5" in latex
    for rule in (r"\toprule", r"\midrule", r"\bottomrule"):
        assert rule in latex


def test_a_run_leaves_the_same_files_for_the_same_results(tmp_path: Path) -> None:
    make_table1(tmp_path)
    write_leaderboard_files(tmp_path)
    first = {name: (tmp_path / f"leaderboard.{name}").read_bytes() for name in ("json", "csv", "md")}
    write_leaderboard_files(tmp_path)
    assert first == {name: (tmp_path / f"leaderboard.{name}").read_bytes() for name in ("json", "csv", "md")}
    assert b"megex" in first["md"]
    assert str(tmp_path).encode() not in b"".join(first.values())


@pytest.mark.parametrize("style", FORMAT_NAMES)
def test_the_command_writes_every_format_to_stdout_or_a_file(tmp_path: Path, style: str) -> None:
    make_table1(tmp_path / "out")
    printed = CliRunner().invoke(leaderboard, [str(tmp_path / "out"), "--format", style])
    assert printed.exit_code == 0
    file = tmp_path / f"board.{style}"
    assert CliRunner().invoke(leaderboard, [str(tmp_path / "out"), "--format", style, "-o", str(file)]).exit_code == 0
    assert "megex" in file.read_text()
    assert printed.output == file.read_text()


def test_every_format_of_the_command_exists() -> None:
    assert tuple(FORMATS) == FORMAT_NAMES


@pytest.mark.parametrize("style", FORMAT_NAMES)
def test_an_empty_leaderboard_can_be_written_in_every_format(tmp_path: Path, style: str) -> None:
    write_benchmark(tmp_path)
    FORMATS[style](build_leaderboard([tmp_path]))


def test_mistakes_are_one_line_and_exit_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["leaderboard", str(tmp_path / "nowhere")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    make_row(tmp_path, [0.7])
    assert main(["leaderboard", str(tmp_path), "--sort", "colour"]) == 2
    assert "no key 'colour'" in capsys.readouterr().err


def test_the_commands_can_be_described_without_torch_pandas_or_scipy() -> None:
    code = (
        "import sys, mebench.cli.leaderboard, mebench.cli.compare, mebench.cli.plot;"
        "print([m for m in ('torch', 'pandas', 'scipy', 'matplotlib', 'pydantic') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_table_needs_no_torch(tmp_path: Path) -> None:
    make_table1(tmp_path)
    code = (
        "import sys, pathlib; from mebench.results.leaderboard import *;"
        "board = build_leaderboard([pathlib.Path(sys.argv[1])]); FORMATS['text'](board); FORMATS['md'](board);"
        "print([m for m in ('torch', 'pandas', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_latex_has_no_sign_that_its_classic_fonts_show_as_another(tmp_path: Path) -> None:
    make_row(tmp_path, [0.5, 0.51], "a|b<c", "default")
    text = FORMATS["latex"](build_leaderboard([tmp_path]))
    assert "$>$ 50,000" in text
    assert "a$|$b$<$c" in text
    assert not re.findall(r"(?<!\$)[<>|](?!\$)", text)
