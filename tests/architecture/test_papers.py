"""What stands beside the code: version, citation, fragments of the changelog, exceptions for the linters."""

from __future__ import annotations

import re
import tomllib
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml

from mebench.api.version import VERSION

FRAGMENT = re.compile(r"(\d+|\+[a-z0-9-]+)\.([a-z]+)\.md")


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads((Path(__file__).resolve().parents[2] / "pyproject.toml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def citation(repository: Path) -> dict[str, Any]:
    return yaml.safe_load((repository / "CITATION.cff").read_text(encoding="utf-8"))


def test_the_version_is_the_same_wherever_it_stands(project, citation):
    assert project["project"]["version"] == citation["version"] == VERSION


def test_who_is_cited_is_who_holds_the_copyright(project, citation, repository):
    (author,) = citation["authors"]
    assert project["project"]["authors"] == [author]
    assert author["name"] in (repository / "LICENSE").read_text(encoding="utf-8")
    assert project["project"]["license"]["text"] == citation["license"] == "MIT"


def test_a_citation_has_what_readers_of_its_format_ask_for(citation):
    assert citation["cff-version"] == "1.2.0"
    assert {"message", "title", "authors"} <= citation.keys()


def test_every_fragment_has_a_type_that_the_changelog_knows_and_says_something(project, repository):
    types = [one["directory"] for one in project["tool"]["towncrier"]["type"]]
    described = re.findall(r"^\| `(\w+)` \|", (repository / "changelog" / "README.md").read_text("utf-8"), re.M)
    assert described == types
    for file in (repository / "changelog").iterdir():
        if file.name != "README.md":
            name = FRAGMENT.fullmatch(file.name)
            assert name, f"{file.name}: ISSUE.TYPE.md, or +WORDS.TYPE.md"
            assert name[2] in types, file.name
            assert file.read_text(encoding="utf-8").strip(), file.name


def test_each_tool_of_make_lint_comes_with_the_extra_dev(project, repository):
    rule = re.search(r"^lint:.*\n((?:\t.*\n)+)", (repository / "Makefile").read_text(encoding="utf-8"), re.M)
    tools = {name.replace("lint-imports", "import-linter") for name in re.findall(r"\$\(BIN\)/(\S+)", rule[1])}
    assert tools >= {"ruff", "mypy", "import-linter", "vulture", "deptry", "codespell"}
    extra = project["project"]["optional-dependencies"]["dev"]
    assert tools - {"python"} <= {re.match(r"[\w-]+", one)[0] for one in extra}


def test_every_exception_for_vulture_still_excuses_something(project, repository):
    vulture = pytest.importorskip("vulture")
    settings = project["tool"]["vulture"]
    looking = vulture.Vulture()
    looking.scavenge([repository / path for path in settings["paths"] if (repository / path).exists()])
    found = [item.name for item in looking.get_unused_code(min_confidence=settings["min_confidence"])]
    assert found, "it sees nothing"
    assert not [name for name in settings["ignore_names"] if not any(fnmatch(one, name) for one in found)]
