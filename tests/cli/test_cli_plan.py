"""`mebench plan`."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from mebench.cli import main

FILE = """\
name: example
victims:
  small: {data: fashion-mnist-10k, image_size: [32, 32], network: lenet5, training: {}}
profiles:
  quick:
    scale: reduced
    note: Two attacks.
    seeds: 2
    runs:
      - victims: [small]
        clone: lenet5
        budgets: [1000]
        attacks:
          - {attack: megex, channel: vg}
          - {attack: noise, channel: {name: probability, decimals: 3}}
"""


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)
    (tmp_path / "b.yaml").write_text(FILE)
    return "b.yaml"


def test_the_plan_shows_rows_states_queries_and_scale(file, capsys):
    assert main(["plan", file]) == 0
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == "example, profile quick: 6 trials -> runs/example/quick"
    assert lines[1] == "Reduced scale: not the paper's. Two attacks."
    assert "megex l1 small vg lenet5 1,000 2 new 2,000 unknown" in lines
    assert "noise l1 small probability(decimals=3) lenet5 1,000 2 new 2,000 unknown" in lines
    assert "supervised small lenet5 2 new unknown" in lines
    assert lines[-1].startswith("6 new; 4,000 queries left; time unknown: no finished trial like these")


def test_the_plan_says_what_victims_of_pictures_of_any_size_are_given(file, tmp_path, capsys):
    own = "data: {name: image-folder, root: nowhere, size: 48}, image_size: [40, 56], network: mlp"
    (tmp_path / file).write_text(FILE.replace("data: fashion-mnist-10k, image_size: [32, 32], network: lenet5", own))
    assert main(["plan", file, "--only", "noise"]) == 0
    assert "Victim small is given images of 40 x 56, its image_size." in capsys.readouterr().out.splitlines()
    (tmp_path / file).write_text((tmp_path / file).read_text().replace(" image_size: [40, 56],", ""))
    assert main(["plan", file, "--only", "noise", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["notes"][-1] == (
        "Victim small is given images of 48 x 48, the `size` of its data image-folder; `image_size` sets another."
    )


def test_the_plan_writes_nothing(file, tmp_path):
    assert main(["plan", file]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["b.yaml"]


def test_the_plan_as_json_has_ids_and_rows(file, capsys):
    assert main(["plan", file, "--json", "--only", "noise", "--seeds", "3", "--out", "there"]) == 0
    plan = json.loads(capsys.readouterr().out)
    assert (plan["name"], plan["profile"], plan["out"], plan["trials"]) == ("example", "quick", "there", 6)
    assert [row["attack"] for row in plan["rows"]] == ["supervised", "noise"]
    assert plan["rows"][1]["seeds"] == [0, 1, 2]
    assert plan["rows"][1]["channel"] == "probability(decimals=3)"
    assert plan["queries_left"] == 3000
    assert plan["seconds_left"] is None
    assert len(plan["ids"]) == 6


def test_a_speed_that_the_file_states_gives_an_estimate_that_says_where_from(file, capsys):
    speed = "speed={machine: a laptop, queries_per_second: {megex: 10, noise: 20}}"
    assert main(["plan", file, "--set", speed, "--only", "!supervised"]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert "about 5 min on one worker, as the file says it was measured on a laptop" in last


@pytest.mark.parametrize("width", [20, 40, 60, 100])
def test_no_line_is_wider_than_the_screen_and_nothing_is_cut_off(file, capsys, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    assert main(["plan", file]) == 0
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= width
    assert "…" not in out
    assert "probability(decimals=3)" in "".join(out.split())


def test_piped_output_is_one_line_per_row_however_long(file, capsys):
    assert main(["plan", file, "--set", "note=" + "long " * 60]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert sum("long long" in line for line in lines) == 1
    assert not any(line.endswith(" ") for line in lines)


def test_every_problem_of_the_file_is_a_line_on_stderr_and_the_code_is_2(file, tmp_path, capsys):
    (tmp_path / "b.yaml").write_text(FILE.replace("megex", "megx").replace("scale", "scael"))
    assert main(["plan", file, "--set", "sedes=1"]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert [line.split(": ")[:2] for line in shown.err.splitlines()] == [
        ["mebench", "--set sedes=1"],
        ["b.yaml:6:5", "profiles.quick.scale"],
        ["b.yaml:6:5", "profiles.quick.scael"],
        ["b.yaml:14:22", "profiles.quick.runs[0].attacks[0].attack"],
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["plan", "none.yaml"], "mebench: none.yaml: no such file"),
        (["plan", "b.yaml", "--profile", "papr"], "mebench: b.yaml: no profile 'papr'. Known: quick"),
        (["plan", "b.yaml", "--only", "x"], "mebench: --only x: matches no trial. There is: supervised/default/small"),
    ],
)
def test_a_wrong_option_is_one_line(file, capsys, arguments, words):
    assert main(arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(words)


def test_planning_does_not_import_torch_or_pandas(file):
    code = (
        "import sys; from mebench.cli import main; main(['plan', 'b.yaml']);"
        "sys.exit(any(name in sys.modules for name in ('torch', 'pandas', 'numpy', 'matplotlib')))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60).returncode == 0
