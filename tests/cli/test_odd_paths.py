"""Odd paths: names that are not UTF-8, names that are too long, and files of results that are nested deeply."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import torch
from make_results import make_row, make_spec, make_trial, write_benchmark
from PIL import Image
from torch import nn

from mebench.api.errors import ConfigurationError
from mebench.api.spec import Component
from mebench.cli import main
from mebench.data.datasets import load_dataset
from mebench.models.state_file import load_state, save_state
from mebench.models.victims.torchscript import load_torchscript
from mebench.models.victims.weight_files import load_weights
from mebench.registry.sources import sources

LATIN_1 = os.fsdecode(b"caf\xe9")
LONG = "x" * 300
DEEP = {"mappings": '{"a":' * 100_000 + "1" + "}" * 100_000, "lists": "[" * 100_000 + "]" * 100_000}


@pytest.fixture(scope="module")
def results(tmp_path_factory) -> Path:
    """A results folder whose name, benchmark file and picture have names that are not UTF-8."""
    root = tmp_path_factory.mktemp("results") / LATIN_1
    make_row(root, [0.7, 0.71])
    write_benchmark(root, file=f"{LATIN_1}.yaml")
    Image.new("L", (4, 4)).save(root / f"explanations-{LATIN_1}.png")
    return root


COMMANDS = {
    "leaderboard": ["leaderboard", "DIR"],
    "leaderboard file": ["leaderboard", "DIR", "--format", "md", "-o", f"{LATIN_1}.md"],
    "compare": ["compare", "DIR", "DIR"],
    "compare file": ["compare", "DIR", "DIR", "--format", "junit", "-o", f"{LATIN_1}.xml"],
    "report": ["report", "DIR", "-o", f"{LATIN_1}.html"],
    "export": ["export", "DIR", "-o", f"{LATIN_1}.csv"],
    "plot": ["plot", "DIR", "-o", f"{LATIN_1}.svg"],
    "committed rows": ["compare", LATIN_1, "DIR", "--update"],
}


@pytest.mark.parametrize("kind", COMMANDS)
def test_names_that_are_not_utf8_are_read_and_written(kind, results, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main([str(results) if word == "DIR" else word for word in COMMANDS[kind]]) == 0, capsys.readouterr().err
    capsys.readouterr()
    if any(LATIN_1 in word for word in COMMANDS[kind]):
        (written, *_) = tmp_path.iterdir()
        assert LATIN_1 in written.name


def test_a_report_shows_such_names_with_a_sign_in_place_of_what_is_no_character(results, tmp_path):
    assert main(["report", str(results), "-o", str(tmp_path / "page.html")]) == 0
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "caf�: explanations-caf�" in page
    assert "mebench run" not in page  # with another name it would be another file


def test_plugins_are_found_in_a_folder_whose_name_is_not_utf8(tmp_path):
    folder = tmp_path / LATIN_1
    folder.mkdir()
    (folder / "mine.py").write_text("")
    assert [one.name for one in sources(str(folder)) if one.path] == ["mine"]


def test_weights_models_and_checkpoints_are_read_from_such_a_folder(tmp_path):
    folder = tmp_path / LATIN_1
    folder.mkdir()
    network, state = nn.Linear(2, 3), {"tensor": torch.arange(3.0), "number": 4}
    save_state(folder / "checkpoint.safetensors", state)
    loaded = load_state(folder / "checkpoint.safetensors")
    assert loaded["number"] == 4
    assert torch.equal(loaded["tensor"], state["tensor"])
    torch.jit.script(network).save(str(tmp_path / "model.pt"))
    (tmp_path / "model.pt").rename(folder / "model.pt")
    scripted = load_torchscript(folder / "model.pt", "mine", "cpu")
    assert torch.equal(scripted(torch.ones(1, 2)), network(torch.ones(1, 2)))
    from safetensors.torch import save

    (folder / "weights").write_bytes(save(dict(network.state_dict())))
    other = nn.Linear(2, 3)
    load_weights(other, folder / "weights", "mine")
    assert torch.equal(other.weight, network.weight)


TOO_LONG = [
    ["leaderboard", LONG],
    ["leaderboard", "DIR", "-o", LONG],
    ["compare", "DIR", LONG],
    ["compare", "DIR", "DIR", "-o", f"{LONG}/file"],
    ["report", "DIR", "-o", LONG],
    ["export", "DIR", "-o", f"{LONG}.csv"],
    ["export", "DIR", "-o", f"{'x' * 250}.csv"],
    ["plot", "DIR", "-o", f"{LONG}.png"],
    ["plan", LONG],
    ["run", LONG],
    ["explain", LONG],
    ["new", "attack", "mine", "--dir", LONG],
    ["data", "path", "mnist", "--root", LONG],
    ["victims", "train", LONG],
    ["--plugin-dir", LONG, "list"],
]


@pytest.mark.parametrize("words", TOO_LONG, ids=lambda words: " ".join(words).replace(LONG, "LONG"))
def test_a_name_that_is_too_long_is_wrong_usage_and_said_in_one_line(words, results, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main([str(results) if word == "DIR" else word for word in words]) == 2
    error = capsys.readouterr().err
    assert "internal error" not in error
    assert sum(not line.startswith(("Usage:", "Try ")) for line in error.splitlines() if line) == 1


def test_a_summary_for_github_that_cannot_be_written_leaves_the_exit_code_to_the_comparison(
    results, monkeypatch, capsys
):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", LONG)
    assert main(["compare", str(results), str(results)]) == 0
    assert "note: GITHUB_STEP_SUMMARY: " in capsys.readouterr().err


@pytest.mark.parametrize("kind", DEEP)
@pytest.mark.parametrize("name", ["result.json", "spec.json", "curve.jsonl", "timing.json", "env.json", "code.json"])
def test_a_file_of_a_trial_that_is_nested_deeply_stops_no_command_and_the_other_trials_are_shown(
    name, kind, tmp_path, capsys
):
    root = tmp_path / "out"
    make_trial(root, make_spec("megex"), 0.7)
    folder = make_trial(root, make_spec("dfme"), 0.6)
    (folder.path / name).write_text(DEEP[kind])
    assert main(["leaderboard", str(root), "--format", "json"]) == 0
    rows = {row["attack"]: row for row in json.loads(capsys.readouterr().out)["rows"]}
    assert rows["megex"]["accuracy"] == 0.7
    if name in ("result.json", "curve.jsonl"):
        assert rows["dfme"]["status"] == "invalid"
    assert main(["report", str(root), "-o", str(tmp_path / "page.html")]) == 0
    assert main(["export", str(root), "-o", str(tmp_path / "all.csv")]) == 0


@pytest.mark.parametrize("name", ["benchmark.json", "leaderboard.json"])
def test_a_file_of_a_folder_that_is_nested_deeply_is_noted_or_named(name, tmp_path, capsys):
    root = tmp_path / "out"
    make_row(root, [0.7])
    (root / name).write_text(DEEP["mappings"])
    assert main(["leaderboard", str(root)]) == 0
    assert main(["leaderboard", str(root / name)]) == 2
    assert "is nested too deeply" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ["run", ""],
        ["run", "a.yaml", "--out", ""],
        ["plan", "a.yaml", "--out="],
        ["leaderboard", ""],
        ["compare", "", "x"],
        ["report", "x", "-o", ""],
        ["merge", "", "x"],
        ["merge", "x", ""],
        ["status", ""],
        ["show", "x", "--out", ""],
        ["list", "--plugin-dir", ""],
        ["benchmarks", "copy", "table1", ""],
    ],
    ids=" ".join,
)
def test_an_empty_path_is_not_taken_for_the_current_folder(words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    assert "the path is empty: give a name (is a variable of the shell not set?)" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["image-folder", "image-files", "wallpaper-crops", "fashion-mnist"])
def test_an_empty_root_is_not_taken_for_the_current_folder(name):
    with pytest.raises(ConfigurationError, match=f"data set '{name}': its `root` is empty: name the folder, or leave"):
        load_dataset(Component(name, {"root": ""}), "train")
