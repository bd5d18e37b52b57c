"""What a shell completes."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from click.shell_completion import ShellComplete

from mebench.cli import COMMANDS, cli

FILE = """\
name: example
victims:
  small: {data: fashion-mnist-10k, image_size: [32, 32], network: lenet5, training: {}}
profiles:
  quick:
    scale: reduced
    note: Small.
    seeds: 1
    runs: [{victims: [small], clone: lenet5, budgets: [1000], attacks: [{attack: megex, channel: vg}]}]
  other:
    scale: reduced
    note: Small.
    seeds: 1
    runs: [{victims: [small], clone: lenet5, budgets: [1000], attacks: [{attack: noise, channel: probability}]}]
"""
PLUGIN = """\
from mebench import AttackEntry, hookimpl

@hookimpl
def mebench_attacks():
    return [AttackEntry("strange", "A stranger's.", "strange:build")]
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "b.yaml").write_text(FILE)
    return tmp_path


def completed(*words: str) -> list[str]:
    """What the last word, which may be empty, is completed to."""
    found = ShellComplete(cli, {}, "mebench", "_MEBENCH_COMPLETE").get_completions(list(words[:-1]), words[-1])
    return [item.value for item in found if item.type == "plain"]


def test_commands_are_completed():
    assert completed("be") == ["benchmarks"]
    assert set(completed("")) == set(COMMANDS)


def test_a_benchmark_is_one_that_comes_with_mebench_or_a_file_of_this_folder():
    assert completed("run", "tab") == ["table1"]
    assert completed("run", "b") == ["b.yaml"]
    assert {"table1", "pool", "b.yaml"} <= set(completed("plan", ""))
    assert completed("benchmarks", "copy", "poo") == ["pool"]


def test_profiles_are_those_of_the_file():
    assert completed("run", "b.yaml", "--profile", "") == ["quick", "other"]
    assert "paper" in completed("run", "table1", "--profile", "")


def test_only_is_completed_by_attacks_variants_and_ids_of_the_profile():
    assert completed("run", "b.yaml", "--only", "meg")[:3] == ["megex", "megex/l1", "megex/l1/small/vg"]
    assert any(name.startswith("megex-") for name in completed("run", "b.yaml", "--only", "megex-"))
    assert completed("run", "b.yaml", "--profile", "other", "--only", "!no")[0] == "!noise"


def test_registered_names_are_completed():
    assert completed("info", "copyc") == ["copycat"]
    assert completed("check", "vg") == []
    assert "attacks" in completed("list", "")
    assert completed("data", "fetch", "glove-6b-1") == ["glove-6b-100d"]
    assert completed("report", "runs", "--format", "h") == ["html"]


def test_plugins_of_a_folder_are_completed_and_the_environment_is_left_alone(folder):
    (folder / "plugins").mkdir()
    (folder / "plugins/strange.py").write_text(PLUGIN)
    before = os.environ.get("MEBENCH_PLUGIN_DIR", "")
    assert completed("--plugin-dir", "plugins", "info", "strang") == ["strange"]
    assert os.environ.get("MEBENCH_PLUGIN_DIR", "") == before


def test_a_file_with_mistakes_completes_nothing_and_says_nothing(folder, capsys):
    (folder / "b.yaml").write_text("name: [")
    assert completed("run", "b.yaml", "--only", "") == []
    assert capsys.readouterr() == ("", "")


def test_the_shell_gets_its_script_and_its_words_without_torch():
    code = "import sys\nfrom mebench.cli import main\ntry:\n    main([])\nfinally:\n    print('torch' in sys.modules)"

    def said(**settings: str) -> str:
        done = subprocess.run([sys.executable, "-c", code], env=os.environ | settings, capture_output=True, text=True)
        return done.stdout

    assert "complete -o nosort -F" in said(_MEBENCH_COMPLETE="bash_source")
    words = said(_MEBENCH_COMPLETE="bash_complete", COMP_WORDS="mebench info copyc", COMP_CWORD="2")
    assert words.split() == ["plain,copycat", "False"]
