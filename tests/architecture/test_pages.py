"""docs/architecture.md is a true picture: every room and folder is on it. What pages for developers name is there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from test_house import ROOMS, ROOT

PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
PATH = re.compile(r"(?:mebench|plugins|tests|docs|benchmarks|results)/[\w./-]*")
NAME = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")
OUTSIDE = {"propose"}
"""Names of what plugins write."""


def drawn() -> list[str]:
    """The folders of the tree on the page, in its order."""
    (tree,) = re.findall(r"```\nmebench/\n(.*?)```", PAGE, re.DOTALL)
    found, way = [], []
    for line in tree.splitlines():
        indent, name = re.match(r"( +)([\w-]+)/", line).groups()
        way[len(indent) // 2 - 1 :] = [name]
        found.append("/".join(way))
    return found


def folders() -> set[str]:
    """All folders of mebench, but those that are templates themselves."""
    found = {path.relative_to(ROOT / "mebench").as_posix() for path in (ROOT / "mebench").rglob("*") if path.is_dir()}
    return {one for one in found if "__pycache__" not in one and "/templates/" not in one}


def named(text: str) -> Iterator[tuple[str, str]]:
    """Each name in back quotes, with the file that is named last before it."""
    file = ""
    for quoted in re.findall(r"`([^`]+)`", text):
        if PATH.fullmatch(quoted):
            file = quoted
        elif NAME.fullmatch(quoted) and quoted not in OUTSIDE:
            yield file, quoted


def defined(file: Path) -> set[str]:
    """Functions, classes, their methods and what is assigned at the top of a file."""
    found = set()
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            found |= {f"{node.name}.{one.name}" for one in node.body if isinstance(one, ast.FunctionDef)}
    return found


def ways() -> dict[str, str]:
    """The numbered lists, by their titles."""
    parts = dict(re.findall(r"^## ([^\n]*)\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE))
    return {title: "\n".join(re.findall(r"^\d+\. .*(?:\n {3,}.*)*", text, re.M)) for title, text in parts.items()}


def test_the_tree_has_the_rooms_in_the_order_of_their_imports():
    assert [one for one in drawn() if "/" not in one] == ROOMS


def test_every_folder_is_in_the_tree_and_nothing_else():
    assert sorted(drawn()) == sorted(folders())


def test_every_path_on_the_page_is_there():
    paths = PATH.findall(re.sub(r"\]\([^)]*\)", "]", PAGE.split("```")[2]))
    assert len(paths) > 30
    assert not [path for path in paths if not (ROOT / path).exists()]


@pytest.mark.parametrize("way", ["query", "benchmark file", "result"])
def test_every_function_on_a_way_is_in_the_file_that_is_named_before_it(way):
    pairs = list(named(ways()[f"The way of a {way}"]))
    assert len(pairs) > 10
    assert not [(file, name) for file, name in pairs if name not in defined(ROOT / file)]


def test_a_name_that_is_not_in_its_file_is_noticed():
    text = "1. `mebench/trial/loop.py`: `turns`, then `away`"
    assert [name for file, name in named(text) if name not in defined(ROOT / file)] == ["away"]


def test_the_contracts_of_lint_imports_are_all_on_the_page():
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert text.count("[[tool.importlinter.contracts]]") == PAGE.count("| `lint-imports`")


PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "RELEASING.md", "SECURITY.md", "changelog/README.md")),
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "docs" / "decisions").glob("*.md")),
]
ELSEWHERE = {"tests/test_conformance.py"}
"""Paths in what `mebench new` writes."""


def links(page: Path) -> list[str]:
    """Where a page points to in the repository, with headings."""
    return [one for one in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")) if "://" not in one]


def anchors(page: Path) -> set[str]:
    """What a page's headings are called in links."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_what_a_page_names_in_the_repository_is_there(page):
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    paths = {one for one in re.findall(r"`([^`\n]+)`", text) if PATH.fullmatch(one) and "NAME" not in one}
    assert not [path for path in paths - ELSEWHERE if not (ROOT / path).exists()]
    assert not [link for link in links(page) if not (page.parent / link.partition("#")[0]).exists()]


@pytest.mark.parametrize("page", PAGES[:5], ids=lambda page: page.relative_to(ROOT).as_posix())
def test_a_link_to_a_heading_finds_it(page):
    for link in links(page):
        target, _, anchor = link.partition("#")
        assert not anchor or anchor in anchors(page.parent / target if target else page), link
