"""The paper profile of Table 1, line by line, on tiny files in the published formats."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from data_files import skip_checksums, write_cifar10, write_svhn

from mebench.cli.run import run

SMALLER = [
    "victims.*.training.epochs=1",
    "runs.*.clone={name: resnet8, width: 4}",
    "victims.*.network={name: resnet8, width: 4}",
    "runs.*.budgets=[70]",
    "runs.*.attacks.*.parameters.batch_size=4",
    "runs.*.attacks.*.parameters.generator_width=4",
    "evaluations=2",
    "seeds=1",
]


@pytest.fixture
def tiny_data(tmp_path, monkeypatch):
    skip_checksums(monkeypatch)
    write_cifar10(tmp_path / "data")
    write_svhn(tmp_path / "data")
    monkeypatch.setenv("MEBENCH_DATA", str(tmp_path / "data"))


def call(repository, tmp_path, *more):
    overrides = [word for value in SMALLER for word in ("--set", value)]
    file = str(repository / "benchmarks" / "table1.yaml")
    arguments = [file, "--profile", "paper", *overrides, "--workers", "0", "--out", str(tmp_path / "out"), *more]
    return CliRunner().invoke(run, arguments, catch_exceptions=False, standalone_mode=False)


@pytest.mark.slow
@pytest.mark.usefixtures("tiny_data")
def test_every_row_of_the_paper_profile_runs_on_tiny_files(repository, tmp_path):
    result = call(repository, tmp_path, "--device", "cpu", "--json")
    assert result.return_value == 0, result.output
    rows = json.loads(result.stdout)["rows"]
    attacks = [row for row in rows if row["kind"] == "attack"]
    assert len(attacks) == 12
    assert {row["status"] for row in rows} == {"finished"}
    assert {row["queries"] for row in attacks} == {70}
    reported = {(row["attack"], row["variant"], row["victim"]): row["reported"] for row in attacks}
    assert reported["megex", "l1", "cifar10-resnet34"] is None  # 70 queries are not the paper's 20 million
