"""Which file is meant by what a user writes: a path, or the name of a benchmark that comes with mebench."""

from __future__ import annotations

from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

from mebench.api.errors import ConfigurationError
from mebench.api.notices import notices_to
from mebench.plan.file import load_benchmark, shipped
from mebench.plan.file.shipped import benchmark_file

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(written) -> str:
    with pytest.raises(ConfigurationError) as caught:
        benchmark_file(written)
    return str(caught.value)


def test_every_file_of_the_folder_benchmarks_has_a_name():
    assert shipped.shipped() == {file.stem: file for file in sorted((ROOT / "benchmarks").glob("*.yaml"))}


def test_a_wheel_holds_the_benchmark_files_where_their_names_are_looked_up(folder, monkeypatch):
    held = {Path(one.distribution_path): Path(one.path) for one in WheelBuilder(str(ROOT)).recurse_included_files()}
    ours = {place: path for place, path in held.items() if place.parent == Path("mebench/benchmarks")}
    assert sorted(ours.values()) == list(shipped.shipped().values())
    assert not [place for place in held if place.parts[0] not in ("mebench",) and "mebench_" not in place.parts[0]]
    for place in ours:
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).touch()
    monkeypatch.setattr(shipped, "_PACKAGE", folder / "mebench")
    assert list(shipped.shipped().values()) == [folder / place for place in sorted(ours)]


def test_a_name_is_the_file_that_comes_with_mebench_and_results_say_its_file_name():
    assert load_benchmark("table1").file.name == "table1.yaml"
    assert load_benchmark("table1").name == "megex-table1"


def test_a_file_of_exactly_that_name_comes_first(folder):
    (folder / "table1").write_text("mine")
    assert benchmark_file("table1") == Path("table1")


def test_a_folder_of_that_name_is_no_benchmark_file_and_hides_none(folder):
    (folder / "table1").mkdir()
    (folder / "mine").mkdir()
    assert benchmark_file("table1") == ROOT / "benchmarks/table1.yaml"
    assert refused("mine") == "mine: is a folder, not a benchmark file"


def test_a_file_that_differs_by_its_suffix_alone_is_said(folder):
    (folder / "table1.yaml").write_text("mine")
    said: list[str] = []
    with notices_to(said.append):
        assert benchmark_file("table1") == ROOT / "benchmarks/table1.yaml"
    assert said == ["table1 is the benchmark that comes with mebench; for the file here, write table1.yaml"]
    assert benchmark_file("table1.yaml") == Path("table1.yaml")


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        ("tabel1", ", nor a benchmark of this name. Did you mean 'table1'?"),
        ("activethief-table3", ", nor a benchmark of this name. Did you mean 'activethief_table3'?"),
        ("quite-unlike", ", nor a benchmark of this name: `mebench benchmarks` lists what there is"),
        ("mine", ". Did you mean 'mine.yaml'?"),
        ("mien.yaml", ". Did you mean 'mine.yaml'?"),
        ("below/mine2.yaml", ". Did you mean 'below/mine1.yml'?"),
        ("benchmarks/table1.yaml", ": for the benchmark that comes with mebench, write table1"),
        ("tabel1.yml", ": for the benchmark that comes with mebench, write table1"),
        ("nowhere/quite-unlike.yaml", ""),
        ("nowhere/table1", ""),
    ],
)
def test_what_is_near_is_named_where_there_is_no_such_file(folder, written, hint):
    (folder / "mine.yaml").touch()
    (folder / "below").mkdir()
    (folder / "below/mine1.yml").touch()
    assert refused(written) == f"{written}: no such file{hint}"


def test_a_path_that_cannot_be_looked_at_is_told_as_it_is(folder):
    with pytest.raises(ConfigurationError, match="name too long"):
        load_benchmark("n" * 5_000)
