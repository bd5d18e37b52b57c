"""The benchmark on smoothed and integrated gradients, line by line, on tiny files in the published formats."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from data_files import skip_checksums, write_cifar10, write_idx, write_svhn

from mebench.cli.run import run
from mebench.results.trial_folder import trial_folders

SMALLER = [
    "victims.*.training.epochs=1",
    "runs.1.clone={name: resnet8, width: 4}",
    "runs.2.clone={name: resnet8, width: 4}",
    "victims.cifar10-resnet34.network={name: resnet8, width: 4}",
    "victims.svhn-resnet34.network={name: resnet8, width: 4}",
    "runs.*.budgets=[20]",
    "runs.*.attacks.*.parameters.batch_size=4",
    "runs.*.attacks.*.parameters.generator_width=4",
    "runs.*.attacks.*.channel.steps=3",
    "evaluations=2",
    "seeds=1",
]
ROWS = {
    ("default-grad", "default"),
    ("megex", "default"),
    ("megex", "smooth_1"),
    ("megex", "smooth_10"),
    ("megex", "smooth_25"),
    ("int", "as-printed"),
    ("int", "corrected"),
    ("int", "best"),
    ("dfme", "default"),
    ("random-generator", "default"),
}
EXACT = {"megex", "default-grad"}


@pytest.fixture
def tiny_data(tmp_path, monkeypatch):
    skip_checksums(monkeypatch)
    write_idx(tmp_path / "data" / "fashion-mnist")
    write_cifar10(tmp_path / "data")
    write_svhn(tmp_path / "data")
    monkeypatch.setenv("MEBENCH_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.mark.slow
@pytest.mark.usefixtures("tiny_data")
def test_every_way_of_stealing_runs_at_the_papers_settings_on_tiny_files(repository, tmp_path):
    file, out = str(repository / "benchmarks" / "megex_sg_ig.yaml"), tmp_path / "out"
    overrides = [word for value in SMALLER for word in ("--set", value)]
    arguments = [
        file,
        "--profile",
        "paper",
        *overrides,
        "--workers",
        "0",
        "--device",
        "cpu",
        "--out",
        str(out),
        "--json",
    ]
    result = CliRunner().invoke(run, arguments, catch_exceptions=False, standalone_mode=False)
    assert result.return_value == 0, result.output
    rows = json.loads(result.stdout)["rows"]
    attacks = [row for row in rows if row["kind"] == "attack"]
    assert {row["status"] for row in rows} == {"finished"}
    victims = {"fmnist-lenet5", "cifar10-resnet34", "svhn-resnet34"}
    assert {(row["attack"], row["variant"], row["victim"]) for row in attacks} == {
        (*row, victim) for row in ROWS for victim in victims
    }
    assert {row["queries"] for row in attacks} == {20}
    for folder in trial_folders(out):
        spec, curve = folder.spec(), folder.curve()
        if spec.kind != "attack":
            continue
        assert ("gradient_cosine" in curve[-1]) == (spec.attack.name != "random-generator"), spec.id
        assert (folder.path / "samples-early.png").exists()
        if spec.attack.name in EXACT and spec.variant == "default":
            assert curve[-1]["gradient_cosine"] == pytest.approx(1, abs=0.01)
