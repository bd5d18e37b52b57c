from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from make_results import make_row, make_spec, make_supervised

from mebench.cli import COMMANDS, main
from mebench.results.trial_folder import TrialFolder

WORKFLOW = Path(__file__).parents[2] / "docs" / "ci-workflow.yml"


def steps() -> list[dict[str, Any]]:
    plain = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = plain["jobs"]["compare"]["steps"]
    return found


def compare_commands() -> list[list[str]]:
    lines = [step["run"] for step in steps() if "mebench compare" in step.get("run", "")]
    return [shlex.split(line.removesuffix("|| true")) for line in lines]


def test_the_workflow_calls_commands_that_exist() -> None:
    called = [line.split()[1] for step in steps() if (line := step.get("run", "")).startswith("mebench")]
    assert called == ["run", "compare", "compare"]
    assert set(called) <= set(COMMANDS)


def make(base: Path, new: Path, accuracies: list[float]) -> None:
    make_row(base, [0.70, 0.71, 0.72])
    make_row(new, accuracies)


def worse(base: Path, new: Path) -> None:
    make(base, new, [0.60, 0.61, 0.62])


def same(base: Path, new: Path) -> None:
    make(base, new, [0.70, 0.71, 0.72])


def nothing(base: Path, new: Path) -> None:
    make_row(base, [0.7])
    make_row(new, [0.7], protocol=2)


def missing(base: Path, new: Path) -> None:
    make_supervised(base, [0.85])
    make_supervised(new, [0.85])
    make_row(base, [0.7])
    spec = make_spec()
    TrialFolder.of(new, spec).begin(spec)
    TrialFolder.of(new, spec).fail(spec, "RuntimeError: boom")


@pytest.mark.parametrize(("make_both", "code"), [(same, 0), (worse, 1), (nothing, 2), (missing, 3)])
def test_its_check_ends_with_the_documented_exit_code_and_a_summary(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_both: Any, code: int
) -> None:
    base, new, summary = tmp_path / "results", tmp_path / "out", tmp_path / "summary.md"
    make_both(base, new)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    monkeypatch.chdir(tmp_path)
    for command in compare_commands():
        arguments = [str(base) if word == "$BASELINE" else word for word in command[1:]]
        assert main(arguments) == code
    assert summary.read_text().startswith("### mebench compare")
    assert (tmp_path / "mebench-junit.xml").read_text().startswith("<?xml")


def test_an_update_renews_the_baseline_so_that_the_check_passes(tmp_path: Path) -> None:
    worse(tmp_path / "before", tmp_path / "out")
    assert main(["compare", str(tmp_path / "base"), str(tmp_path / "before"), "--update"]) == 0
    assert main(["compare", str(tmp_path / "base"), str(tmp_path / "out")]) == 1
    assert main(["compare", str(tmp_path / "base"), str(tmp_path / "out"), "--update"]) == 0
    assert main(["compare", str(tmp_path / "base"), str(tmp_path / "out")]) == 0


def test_the_process_itself_ends_with_the_code(tmp_path: Path) -> None:
    worse(tmp_path / "a", tmp_path / "b")
    code = "import sys; from mebench.cli import main; sys.exit(main(sys.argv[1:]))"
    done = subprocess.run(
        [sys.executable, "-c", code, "compare", str(tmp_path / "a"), str(tmp_path / "b")], capture_output=True
    )
    assert done.returncode == 1
