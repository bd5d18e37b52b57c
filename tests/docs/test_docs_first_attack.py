"""docs/your-first-attack.md is followed to the letter, and so is its other flavour."""

from __future__ import annotations

import json
import os
import re
import subprocess

import pytest
from plugin_environments import PluginEnvironment


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
        done = subprocess.run(
            ["bash", "-c", command], cwd=self.folder, env=self.variables, capture_output=True, text=True, timeout=1000
        )
        assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-2000:]}"
        return done.stdout


@pytest.fixture
def shell(tmp_path):
    (tmp_path / "python").mkdir()
    return Shell(tmp_path)


def fidelity_of(shell, results, attack):
    """Mean fidelity of each row of an attack."""
    rows = json.loads(shell.run(f"mebench leaderboard {results} --format json"))["rows"]
    return [row["fidelity"] for row in rows if row["attack"] == attack]


@pytest.mark.slow
def test_the_path_from_nothing_to_a_row_on_a_leaderboard(shell, repository):
    text = (repository / "docs" / "your-first-attack.md").read_text(encoding="utf-8")
    commands = [line for block in re.findall(r"```sh\n(.*?)```", text, re.S) for line in block.splitlines()]
    assert len(commands) == 10
    printed = {command: shell.run(command) for command in commands}
    assert "mebench-coarse 0.1.0" in printed["mebench plugins"]
    assert "passed" in printed["pytest mebench-coarse"]
    assert "coarse" in printed["mebench run mebench-coarse/benchmark.yaml"]
    assert "blocks=2" in printed["mebench leaderboard runs/coarse-first/quick"]
    assert len(fidelity_of(shell, "runs/coarse-first/quick", "coarse")) == 2
    for file in re.findall(r"^\| `(\S+)` \|", text, re.M):
        assert (shell.folder / "mebench-coarse" / file).is_file()


@pytest.mark.slow
def test_the_pool_flavour_passes_its_test_and_runs_in_its_benchmark(shell):
    shell.run("mebench new attack least-sure --flavour pool")
    shell.run("pip install -e mebench-least-sure")
    assert "passed" in shell.run("pytest mebench-least-sure")
    shell.run("mebench run mebench-least-sure/benchmark.yaml")
    (fidelity,) = fidelity_of(shell, "runs/least-sure-first/quick", "least-sure")
    assert fidelity > 0.7
