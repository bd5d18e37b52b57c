"""docs/your-first-attack.md is followed to the letter, and so is its other flavour."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tomllib

import pytest
from nested_pytest import outcomes_of
from plugin_environments import PluginEnvironment

from mebench.testing import CHECKS

BETWEEN = "--- the next command\n"
TOGETHER = f"""
import shlex, sys
import pytest
from mebench.cli import main

programs = {{"mebench": main, "pytest": pytest.main}}
for number, command in enumerate(sys.argv[1:]):
    print({BETWEEN!r} * (number > 0), end="", flush=True)
    program, *arguments = shlex.split(command)
    code = programs[program](arguments)
    if code:
        sys.exit(code)
"""


class Shell:
    """A shell in an environment of its own, without a network."""

    def __init__(self, folder):
        self.folder = folder
        self.environment = PluginEnvironment(folder / "python")
        scripts = self.environment.python.parent
        for name in ("pip", "pytest", "mebench"):
            script = scripts / name
            script.write_text(f'#!/bin/sh\nexec "{self.environment.python}" -m {name} "$@"\n')
            script.chmod(0o755)
        kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "PYTEST", "COLUMNS"))}
        offline = {"PIP_NO_INDEX": "1", "PIP_NO_DEPS": "1", "PIP_NO_BUILD_ISOLATION": "0"}
        self.variables = kept | offline | {"PATH": f"{scripts}:{os.environ['PATH']}"}

    def run(self, command):
        """Run a line; return what it prints."""
        return self._run(["bash", "-c", command])

    def run_together(self, *commands):
        """Run lines in one process, which imports torch and starts a fork server once; return what each prints."""
        printed = self._run([self.environment.python, "-c", TOGETHER, *commands]).split(BETWEEN)
        return dict(zip(commands, printed, strict=True))

    def _run(self, words):
        done = subprocess.run(words, cwd=self.folder, env=self.variables, capture_output=True, text=True, timeout=1000)
        assert done.returncode == 0, f"{words}\n{done.stdout[-3000:]}\n{done.stderr[-2000:]}"
        return done.stdout


@pytest.fixture
def shell(tmp_path):
    (tmp_path / "python").mkdir()
    return Shell(tmp_path)


def fidelity_of(board, attack):
    """Mean fidelity of each row of an attack in a leaderboard's JSON."""
    return [row["fidelity"] for row in json.loads(board)["rows"] if row["attack"] == attack]


@pytest.mark.slow
def test_the_path_from_nothing_to_a_row_on_a_leaderboard(shell, repository, mebench, monkeypatch):
    text = (repository / "docs" / "your-first-attack.md").read_text(encoding="utf-8")
    commands = [line for block in re.findall(r"```sh\n(.*?)```", text, re.S) for line in block.splitlines()]
    assert len(commands) == 10
    begun = commands.index("pytest mebench-coarse")
    printed = {command: shell.run(command) for command in commands[:begun]}
    printed |= shell.run_together(*commands[begun:])
    for folder in (shell.environment.packages, shell.folder / "mebench-coarse"):  # what pip has written, and the code
        monkeypatch.syspath_prepend(folder)
    monkeypatch.setenv("MEBENCH_PLUGIN_DIR", str(shell.folder / "no-plugins"))  # another folder: looked for anew
    assert "mebench-coarse 0.1.0" in printed["mebench plugins"]
    assert "passed" in printed["pytest mebench-coarse"]
    assert "coarse" in printed["mebench run mebench-coarse/benchmark.yaml"]
    assert "blocks=2" in printed["mebench leaderboard runs/coarse-first/quick"]
    board = mebench("leaderboard", "runs/coarse-first/quick", "--format", "json")
    assert len(fidelity_of(board, "coarse")) == 2
    for file in re.findall(r"^\| `(\S+)` \|", text, re.M):
        assert (shell.folder / "mebench-coarse" / file).is_file()


def make_known(project):
    """What `pip install -e` of a plugin's folder does, as far as this process is concerned; the path below runs it."""
    written = tomllib.loads((project / "pyproject.toml").read_text())["project"]
    metadata = project / f"{written['name'].replace('-', '_')}-{written['version']}.dist-info"
    metadata.mkdir()
    head = f"Metadata-Version: 2.1\nName: {written['name']}\nVersion: {written['version']}\n"
    (metadata / "METADATA").write_text(head)
    entries = "".join(f"{name} = {module}\n" for name, module in written["entry-points"]["mebench"].items())
    (metadata / "entry_points.txt").write_text(f"[mebench]\n{entries}")


@pytest.mark.slow
def test_the_pool_flavour_passes_its_test_and_runs_in_its_benchmark(mebench, tmp_path, monkeypatch):
    mebench("new", "attack", "least-sure", "--flavour", "pool")
    project = tmp_path / "mebench-least-sure"
    make_known(project)
    monkeypatch.syspath_prepend(project)
    monkeypatch.setenv("MEBENCH_PLUGIN_DIR", str(project / "no-plugins"))  # another folder: plugins are looked for anew
    assert outcomes_of(project) == {"passed": len(CHECKS)}
    mebench("run", "mebench-least-sure/benchmark.yaml", "--workers", "0")
    (fidelity,) = fidelity_of(mebench("leaderboard", "runs/least-sure-first/quick", "--format", "json"), "least-sure")
    assert fidelity > 0.7
