"""Trials before victims of users' own that are not what they seem."""

from __future__ import annotations

import sys

import pytest
from trials import tiny_trial

from mebench.api.errors import VictimFaultError
from mebench.api.spec import Component, VictimSpec
from mebench.cli import main
from mebench.models.victims.loading import prepare_victim
from mebench.results.leaderboard import write_leaderboard_files
from mebench.results.trial_folder import TrialFolder
from mebench.trial.trial import run_trial

NETS = """\
import torch
import torch.nn.functional as F
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.layer = nn.Linear(64, 10)
    def forward(self, x):
        return 20 * self.layer(x.flatten(1))

class Dropping(Net):
    def forward(self, x):
        return super().forward(F.dropout(x, 0.5))

class Hard(Net):
    @torch.no_grad()
    def forward(self, x):
        return super().forward(x)

class Weak(Net):
    def forward(self, x):
        if len(x) == 37:
            raise RuntimeError("37 are too many")
        return super().forward(x)

class Writing(Net):
    def forward(self, x):
        return super().forward(x.sub_(0.5).div_(0.5))

class Twin(Net):
    def forward(self, x):
        return super().forward((x - 0.5) / 0.5)
"""


@pytest.fixture
def victim(tmp_path, monkeypatch):
    monkeypatch.setenv("MEBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    module = f"nets_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{module}.py").write_text(NETS)

    def made(name: str) -> VictimSpec:
        return VictimSpec("v", Component("fashion-mnist-10k"), image_size=(8, 8), factory=f"{module}:{name}")

    return made


def test_a_random_victim_is_flagged_and_tried_once_and_its_agreement_with_itself_is_a_number_of_its_own(
    victim, tmp_path
):
    first, again = (prepare_victim(victim("Dropping")).behaviour for _ in range(2))
    assert first == again
    assert len(list((tmp_path / "cache" / "victims" / ".tried").iterdir())) == 1
    spec = tiny_trial("noise", budget=40, victim=victim("Dropping"), parameters={"batch_size": 20}, evaluations=1)
    folder = TrialFolder.of(tmp_path / "out", spec)
    run_trial(spec, folder)
    result = folder.result()
    assert "random-victim" in result["flags"]
    assert result["victim"]["agreement"] == first.agreement < 0.9
    rows = {row.attack: row for row in write_leaderboard_files(tmp_path / "out").rows}
    assert rows["victim"].metrics["fidelity"] == first.agreement
    assert "random-victim" in rows["victim"].flags


def test_a_victim_that_fails_while_it_is_asked_fails_the_trial_in_its_own_name(victim, tmp_path):
    spec = tiny_trial("noise", budget=74, victim=victim("Weak"), parameters={"batch_size": 37})
    with pytest.raises(VictimFaultError, match=r"^victim 'v' failed on 37 rows: RuntimeError: 37 are too many$"):
        run_trial(spec, TrialFolder.of(tmp_path, spec))


def test_a_channel_that_explains_a_victim_without_gradients_fails_before_anything_is_asked(victim, tmp_path):
    spec = tiny_trial("megex", "vg", victim=victim("Hard"))
    folder = TrialFolder.of(tmp_path, spec)
    with pytest.raises(VictimFaultError, match=r"^victim 'v': its outputs carry no gradient .*; vg explains nothing$"):
        run_trial(spec, folder)
    assert not folder.checkpoint.exists()


def test_a_victim_that_writes_on_its_inputs_has_the_results_of_its_twin(victim, tmp_path):
    numbers = []
    for name in ("Twin", "Writing"):
        spec = tiny_trial("noise", victim=victim(name), budget=60, parameters={"batch_size": 30}, evaluations=1)
        folder = TrialFolder.of(tmp_path / name, spec)
        run_trial(spec, folder)
        result = folder.result()
        numbers.append((result["metrics"], result["victim"]["accuracy"], result["clone"]["weights_hash"]))
    assert numbers[0] == numbers[1]


def test_explaining_a_victim_without_gradients_is_one_line(victim, tmp_path, capsys):
    spec = victim("Hard")
    (tmp_path / "b.yaml").write_text(f"""\
name: b
victims: {{v: {{data: fashion-mnist-10k, image_size: [8, 8], factory: '{spec.factory}'}}}}
profiles:
  quick:
    scale: reduced
    runs: [{{victims: [v], clone: mlp, budgets: [64], attacks: [{{attack: noise, channel: probability}}]}}]
""")
    assert main(["explain", "b.yaml", "-o", "e.png"]) == 2
    said = [line for line in capsys.readouterr().err.splitlines() if not line.startswith("note: ")]
    assert len(said) == 1
    assert said[0].startswith("mebench: victim 'v': its outputs carry no gradient")
    assert not (tmp_path / "e.png").exists()
