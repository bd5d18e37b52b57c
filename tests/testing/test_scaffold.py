"""What `mebench new attack` writes, and what it refuses."""

from __future__ import annotations

import ast
import tomllib

import pytest
import yaml
from click.testing import CliRunner

from mebench.api.errors import ConfigurationError
from mebench.cli import cli
from mebench.testing.scaffold import NewPlugin


@pytest.mark.parametrize("flavour", ["generator", "pool"])
def test_every_file_can_be_read_by_what_reads_it(tmp_path, flavour):
    files = NewPlugin("two-words", flavour).write(tmp_path)
    names = {str(file.relative_to(tmp_path / "mebench-two-words")) for file in files}
    package = "mebench_two_words"
    assert {f"{package}/__init__.py", f"{package}/attack.py", "tests/test_conformance.py", "README.md"} < names
    for file in files:
        text = file.read_text()
        assert "$" not in text.replace("$schema=", "")  # which editors read
        if file.suffix == ".py":
            ast.parse(text)
    project = tomllib.loads((tmp_path / "mebench-two-words/pyproject.toml").read_text())
    assert project["project"]["entry-points"]["mebench"] == {"two-words": package}
    benchmark = yaml.safe_load((tmp_path / "mebench-two-words/benchmark.yaml").read_text())
    assert benchmark["profiles"]["quick"]["runs"][0]["attacks"][0]["attack"] == "two-words"


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


def test_a_name_that_is_taken_is_refused(tmp_path):
    done = CliRunner().invoke(cli, ["new", "attack", "dfme", "--dir", str(tmp_path)])
    assert isinstance(done.exception, ConfigurationError)
    assert "there is an attack 'dfme' already, from mebench" in str(done.exception)
    assert not list(tmp_path.iterdir())
