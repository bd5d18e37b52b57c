"""docs/writing-other-parts.md: its plugin, benchmark and commands, as they stand there; and what can go wrong."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from mebench.cli import main
from mebench.registry import catalogue as plugins
from mebench.registry.catalogue import catalogue
from mebench.results.trial_folder import trial_folders

RESULTS = str(Path(__file__).parents[2] / "results" / "megex-table1" / "quick")


def blocks(repository: Path, language: str) -> list[str]:
    page = (repository / "docs" / "writing-other-parts.md").read_text()
    return re.findall(rf"```{language}\n(.*?)```", page, re.S)


@pytest.fixture
def folder(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the page's plugin and benchmark, in which mebench is called."""
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "shapes.py").write_text("\n\n".join(blocks(repository, "python")))
    (tmp_path / "b.yaml").write_text("".join(blocks(repository, "yaml")))
    monkeypatch.setenv("MEBENCH_PLUGIN_DIR", str(tmp_path / "plugins"))
    monkeypatch.setenv("MEBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def add(folder: Path, code: str) -> None:
    """Another plugin beside the page's."""
    (folder / "plugins" / "mine.py").write_text(f'__version__ = "6"\nfrom mebench import *\n{code}')


def test_the_page_is_one_plugin_that_brings_all_four(folder: Path) -> None:
    status = catalogue().plugins[-1]
    assert (status.error, status.origin) == ("", "plugins/shapes.py 0.1")
    assert status.provides == ("network linear", "dataset halves", "victim judge", "report lines")


def test_its_benchmark_runs_and_its_report_is_written(folder: Path, repository: Path, capsys) -> None:
    assert main(["run", "b.yaml", "--workers", "0", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    accuracy = {row["victim"]: row["accuracy"] for row in rows if row["attack"] == "victim"}
    assert accuracy["judge"] > 0.95
    assert accuracy["trained"] > 0.9
    (command,) = blocks(repository, "sh")
    assert main(command.split()[1:]) == 0
    written = Path("halves.txt").read_text().splitlines()
    assert f"victim judge {accuracy['judge']:.3f}" in written
    assert len(written) == len(rows)
    specs = [one.result()["spec"]["victim"] for one in trial_folders(Path("runs/halves/quick"))]
    assert {one["name"]: one.get("registered") for one in specs} == {
        "judge": {"name": "judge", "parameters": {}},
        "trained": None,
    }


def test_a_registered_victim_is_shown_and_scored(folder: Path, capsys) -> None:
    for arguments, said in (
        (["list", "victims"], "plugins/shapes.py 0.1"),
        (["info", "judge"], "judge, a victim"),
        (["info", "lines"], "file: report.txt"),
        (["victims", "evaluate", "--victim", "judge"], " test images of halves, 0 parameters"),
        (["schema"], '"judge"'),
    ):
        assert main(arguments) == 0
        assert said in capsys.readouterr().out


@pytest.mark.parametrize(
    ("victim", "line"),
    [
        ("{victim: juge}", "victims.judge.victim: unknown victim 'juge'. Did you mean 'judge'?"),
        ("{victim: {name: judge, x: 1}}", "victims.judge.victim.x: judge has no such parameter"),
        ("{victim: judge, training: {}}", "victims.judge.training: a registered victim brings this along"),
        ("{victim: judge, mean: [0.5], std: [1]}", "victims.judge.std: a registered victim brings this along"),
        ("{network: mlp, training: {}}", "victims.judge.data: is missing"),
        (
            "{victim: judge, network: mlp}",
            "victims.judge: must have one of network, factory, torchscript and victim, not network and victim",
        ),
        ("{victim: lost}", "victims.judge.victim: unknown dataset 'nowhere'"),
    ],
)
def test_a_wrong_victim_is_one_line_with_its_place(folder: Path, capsys, victim: str, line: str) -> None:
    add(folder, "@hookimpl\ndef mebench_victims(): return [VictimEntry('lost', 'No data.', 'mine:x', data='nowhere')]")
    file = folder / "b.yaml"
    file.write_text(file.read_text().replace("{victim: judge}", victim))
    assert main(["plan", "b.yaml"]) == 2
    assert line in capsys.readouterr().err


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("def judge(): return 'word'", "its constructor returned a str, not a torch module"),
        ("def judge(): return {}['x']", "its constructor failed: KeyError: 'x'"),
        ("judges = 1", "loading failed: bad: cannot load 'mine:judge': AttributeError"),
    ],
)
def test_a_victim_that_cannot_be_built_fails_its_own_trials_with_a_line_that_names_it(
    folder: Path, capsys, code: str, reason: str
) -> None:
    hook = "@hookimpl\ndef mebench_victims(): return [VictimEntry('bad', 'Bad.', 'mine:judge', data='halves')]"
    add(folder, f"{hook}\n{code}")
    file = folder / "b.yaml"
    file.write_text(
        file.read_text().replace(
            "{data: halves, network: linear, training: {epochs: 20, learning_rate: 0.01}}", "{victim: bad}"
        )
    )
    assert main(["run", "b.yaml", "--workers", "0", "--set", 'references=["victim"]']) == 3
    found = trial_folders(Path("runs/halves/quick"))
    assert [one.status for one in found] == ["finished", "failed"]
    said = capsys.readouterr().err
    assert "victim bad (plugins/mine.py 6): " in said
    assert reason in said


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ("VictimEntry('v', 'V.', 'm:v')", "data must be the name of a data set, not ''"),
        ("VictimEntry('v', 'V.', 'm:v', data='halves', image_size=(8,))", "image_size must be height and width"),
        ("VictimEntry('v', 'V.', 'm:v', data='halves', image_size=(8, -1))", "image_size must be height and width"),
        ("VictimEntry('v', 'V.', 'm:v', data='halves', mean=(0.5,))", "mean and std must have as many numbers"),
        ("VictimEntry('v', 'V.', 'm:v', data='halves', mean=(0.5,), std=(0,))", "those of std above 0"),
        ("ReportEntry('r', 'R.', 'm:r', suffix='../x')", "suffix must be that of a file"),
    ],
)
def test_wrong_metadata_is_told_when_the_plugin_is_loaded(folder: Path, entry: str, problem: str) -> None:
    hook = "mebench_victims" if entry.startswith("Victim") else "mebench_reports"
    add(folder, f"@hookimpl\ndef {hook}(): return [{entry}]")
    status = next(one for one in catalogue().plugins if one.name == "mine")
    assert problem in status.error
    assert status.error.startswith(f"{hook} returned ")


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("pass", "wrote no file to the path that it was given"),
        ("output.write_text('x'); raise ValueError('no')", "writing failed: ValueError: no"),
        ("output.write_text('x'); return 3", "writing returned a int, not a list of lines"),
    ],
)
def test_a_report_that_fails_is_one_line_and_leaves_the_last_one(folder: Path, capsys, code: str, problem: str) -> None:
    hook = "@hookimpl\ndef mebench_reports(): return [ReportEntry('bad', 'Bad.', 'mine:bad')]"
    add(folder, f"{hook}\ndef bad(results, output): {code}")
    Path("report.txt").write_text("the last one")
    assert main(["report", RESULTS, "--format", "bad"]) != 0
    assert f"mebench: report bad (plugins/mine.py 6): {problem}" in capsys.readouterr().err
    assert Path("report.txt").read_text() == "the last one"
    assert sorted(one.name for one in folder.iterdir()) == ["b.yaml", "plugins", "report.txt"]


def test_an_unknown_report_or_parameter_is_one_line(folder: Path, capsys) -> None:
    for arguments, line in (
        (["--format", "htm"], "unknown report 'htm'. Did you mean 'html'?"),
        (["--format", "lines", "--set", "digit=1"], "digit: lines has no such parameter. Did you mean 'digits'?"),
        (["--format", "lines", "--set", "digits"], "--set digits: must be NAME=VALUE"),
    ):
        assert main(["report", RESULTS, *arguments]) == 2
        assert line in capsys.readouterr().err


def test_victims_without_weights_are_told_apart_by_the_version_of_their_code(folder: Path, capsys) -> None:
    hashes = []
    for version in ("0.1", "0.1", "0.2"):
        give_version(folder, version)
        assert main(["victims", "evaluate", "--victim", "judge"]) == 0
        hashes.append(re.search(r"hash (\w+)", capsys.readouterr().out)[1])
    assert hashes[0] == hashes[1] != hashes[2]


def test_a_trained_victim_is_not_taken_from_the_cache_of_another_version_of_its_network(folder: Path, capsys) -> None:
    sources = []
    for version in ("0.1", "0.1", "0.2"):
        give_version(folder, version)
        assert main(["victims", "train", "b.yaml"]) == 0
        sources.append(re.search(r"^trained: .*\((.*)\)$", capsys.readouterr().out, re.M)[1])
    assert sources == ["trained now", "cache", "trained now"]


def give_version(folder: Path, version: str) -> None:
    plugin = folder / "plugins" / "shapes.py"
    plugin.write_text(re.sub(r'__version__ = ".*"', f'__version__ = "{version}"', plugin.read_text()))
    plugins._catalogue.cache_clear()
