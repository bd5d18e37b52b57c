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
    assert lines[-1].startswith("6 new; 4,000 queries left; time unknown: nothing like these was measured; --measure")


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


NETS = """\
import torch
from torch import nn

torch.set_grad_enabled(False)

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(784, 10)
    def forward(self, x):
        return self.layer(x.flatten(1))

class Hard(Net):
    def forward(self, x):
        with torch.no_grad():
            return 5 * super().forward(x)

class Squeezing(Net):
    def forward(self, x):
        return super().forward(x).squeeze()
"""


def test_the_plan_tries_a_users_own_victims_once_and_names_what_is_wrong(file, tmp_path, monkeypatch, capsys):
    from safetensors.torch import save_file
    from torch import is_grad_enabled, nn

    monkeypatch.setenv("MEBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    module = f"nets_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{module}.py").write_text(NETS)
    save_file({f"layer.{name}": value for name, value in nn.Linear(784, 10).state_dict().items()}, "w.safetensors")

    def plan(name: str, *options: str) -> tuple[int, str, list[str]]:
        own = f"data: fashion-mnist-10k, factory: '{module}:{name}', weights: w.safetensors"
        shipped = "data: fashion-mnist-10k, image_size: [32, 32], network: lenet5, training: {}"
        (tmp_path / "b.yaml").write_text(FILE.replace(shipped, own))
        code = main(["plan", file, *options])
        said = capsys.readouterr()
        return code, " ".join(said.out.split()), [line for line in said.err.splitlines() if line.startswith("mebench")]

    code, shown, errors = plan("Net")
    assert (code, errors) == (0, [])
    assert f"victim 'small': factory '{module}:Net' changed torch's grad mode; that is put back" in shown
    assert is_grad_enabled()
    assert len(list((tmp_path / "cache" / "victims" / ".tried").glob("*.json"))) == 1
    code, shown, errors = plan("Squeezing")
    assert code == 2
    assert "6 new" in shown
    assert errors == [
        "mebench: victim 'small' must return logits of shape (1, 10) for 1 input of 10 classes, not torch.float32 "
        "(10,): it loses the batch of a single input (a squeeze() without a dimension?)"
    ]
    code, shown, errors = plan("Hard", "--json")
    assert code == 2
    assert json.loads(shown)["problems"] == [line.removeprefix("mebench: ") for line in errors]
    assert errors[0].endswith("(a no_grad, a detach or an argmax in its forward?); vg explains nothing")
    code, shown, errors = plan("Hard", "--only", "noise")
    assert (code, errors) == (0, [])
    assert "no channel can explain its answers" in shown
