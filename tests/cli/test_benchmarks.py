"""`mebench benchmarks`."""

from __future__ import annotations

import json

import pytest

from mebench.cli import main
from mebench.plan.file import load_benchmark
from mebench.plan.file.shipped import shipped


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_all_are_listed_with_the_profile_that_runs_by_itself_first(capsys):
    assert main(["benchmarks", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [one["name"] for one in listed] == list(shipped())
    for one in listed:
        benchmark = load_benchmark(one["name"])
        assert one["profiles"][0] == benchmark.first_profile
        assert sorted(one["profiles"]) == sorted(benchmark.profiles)
        assert one["title"] == benchmark.title
    assert main(["benchmarks"]) == 0
    assert "table1" in capsys.readouterr().out


def test_a_copy_is_the_same_file_and_can_be_planned(folder, capsys):
    assert main(["benchmarks", "copy", "table1"]) == 0
    assert (folder / "table1.yaml").read_bytes() == shipped()["table1"].read_bytes()
    assert main(["plan", "table1.yaml", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["name"] == "megex-table1"


def test_a_copy_goes_where_it_is_told_and_replaces_nothing(folder, capsys):
    assert main(["benchmarks", "copy", "pool", "mine.yaml"]) == 0
    (folder / "mine.yaml").write_text("edited")
    assert main(["benchmarks", "copy", "pool", "mine.yaml"]) == 2
    assert "mine.yaml: is there already" in capsys.readouterr().err
    assert (folder / "mine.yaml").read_text() == "edited"


def test_a_name_that_there_is_not_suggests_the_nearest(capsys):
    assert main(["benchmarks", "copy", "tabel1"]) == 2
    assert "no benchmark 'tabel1' comes with mebench. Did you mean 'table1'?" in capsys.readouterr().err


@pytest.mark.parametrize("name", shipped())
def test_every_benchmark_tells_editors_where_its_schema_is(name):
    lines = shipped()[name].read_text().splitlines()
    assert "# yaml-language-server: $schema=mebench.schema.json" in lines
