"""What `mebench new` writes, and what it refuses."""

from __future__ import annotations

import ast
import tomllib

import pytest
import yaml
from click.testing import CliRunner

from mebench.api.errors import ConfigurationError
from mebench.cli import cli, main
from mebench.testing import DefenceUnderTest, DetectorUnderTest, RecoveryUnderTest, run_check
from mebench.testing.checks import kit_of
from mebench.testing.scaffold import NewPlugin

MODULES = {"generator": "attack", "pool": "attack", **{kind: kind for kind in ("defence", "recovery", "detector")}}
TARGETS = {"defence": DefenceUnderTest, "recovery": RecoveryUnderTest, "detector": DetectorUnderTest}


@pytest.mark.parametrize("flavour", MODULES)
def test_every_file_can_be_read_by_what_reads_it(tmp_path, flavour):
    files = NewPlugin("two-words", flavour).write(tmp_path)
    names = {str(file.relative_to(tmp_path / "mebench-two-words")) for file in files}
    package = "mebench_two_words"
    assert {
        f"{package}/__init__.py",
        f"{package}/{MODULES[flavour]}.py",
        "tests/test_conformance.py",
        "README.md",
    } < names
    for file in files:
        text = file.read_text()
        assert "$" not in text.replace("$schema=", "")  # which editors read
        if file.suffix == ".py":
            ast.parse(text)
    project = tomllib.loads((tmp_path / "mebench-two-words/pyproject.toml").read_text())
    assert project["project"]["entry-points"]["mebench"] == {"two-words": package}
    benchmark = yaml.safe_load((tmp_path / "mebench-two-words/benchmark.yaml").read_text())
    assert "two-words" in str(benchmark["profiles"]["quick"]["runs"][0])


@pytest.mark.parametrize("kind", TARGETS)
def test_what_is_written_passes_its_checks_and_its_benchmark_can_be_planned(tmp_path, monkeypatch, capsys, kind):
    NewPlugin(f"my-{kind}", kind).write(tmp_path)
    folder = tmp_path / f"mebench-my-{kind}"
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setenv("MEBENCH_PLUGIN_DIR", str(folder))
    assert main(["plan", str(folder / "benchmark.yaml"), "--profile", "quick"]) == 0, capsys.readouterr()
    target = TARGETS[kind](f"my-{kind}")
    verdicts = [run_check(check, target) for check in kit_of(target).checks]
    assert not [one for one in verdicts if one.state not in ("passed", "skipped")]


def test_a_folder_that_exists_is_left_as_it_is(tmp_path):
    (tmp_path / "mebench-mine").mkdir()
    with pytest.raises(ConfigurationError, match="exists already; nothing was written"):
        NewPlugin("mine").write(tmp_path)
    assert not list((tmp_path / "mebench-mine").iterdir())


@pytest.mark.parametrize(
    "name",
    ["", "Upper", "under_score", "-lead", "trail-", "two--hyphens", "../up", "9lives", "a" * 41, "späher"],
)
def test_a_name_that_would_make_a_bad_folder_or_module_is_refused(name):
    with pytest.raises(ConfigurationError, match="cannot name an attack"):
        NewPlugin(name)


@pytest.mark.parametrize(("kind", "name"), [("attack", "dfme"), ("detector", "prada")])
def test_a_name_that_is_taken_is_refused(tmp_path, kind, name):
    done = CliRunner().invoke(cli, ["new", kind, name, "--dir", str(tmp_path)])
    assert isinstance(done.exception, ConfigurationError)
    assert f"{kind} {name!r} already, from mebench" in str(done.exception)
    assert not list(tmp_path.iterdir())


def test_the_name_of_an_attack_is_free_for_a_defence(tmp_path):
    done = CliRunner().invoke(cli, ["new", "defence", "dfme", "--dir", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert f"pip install -e {tmp_path / 'mebench-dfme'}" in done.output
