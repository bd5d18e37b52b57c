"""The house keeps its shape: rooms, what stands in them, and how large a thing may grow.

``lint-imports`` holds the layers of `pyproject.toml`; what it has no contract for stands here.
"""

from __future__ import annotations

import ast
import graphlib
import re
from collections.abc import Iterator
from pathlib import Path

import grimp
import pytest
from dearest import DEAREST

ROOT = Path(__file__).resolve().parents[2]
ROOMS = [
    "cli", "testing", "report", "run", "trial", "toolkit", "models",
    "plan", "results", "data", "guard", "oracle", "registry", "api",
]  # fmt: skip
LOOSE = {"__init__.py", "__main__.py", "py.typed"}
LONGEST_MODULE, LONGEST_FUNCTION = 400, 60
PUBLIC = ("mebench", "mebench.toolkit", "mebench.testing")


def modules(*folders: str) -> list[Path]:
    return [file for folder in folders for file in sorted((ROOT / folder).rglob("*.py"))]


def imported(text: str) -> Iterator[str]:
    """Every module of mebench that Python text imports from, also inside functions and for types only."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.ImportFrom):
            yield node.module or ""
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names)


def not_public(text: str) -> list[str]:
    return [name for name in imported(text) if name.partition(".")[0] == "mebench" and name not in PUBLIC]


def printed(text: str) -> list[str]:
    """As `not_public`, for parts of programs and for templates, which cannot be parsed."""
    names = re.findall(r"^\s*(?:from|import)\s+(mebench(?:\.\w+)*)\b", text, re.MULTILINE)
    return [name for name in names if name not in PUBLIC]


def too_long(text: str) -> list[str]:
    """Functions that take more lines than they may, their docstrings left out."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            first = node.body[1] if ast.get_docstring(node) and len(node.body) > 1 else node.body[0]
            if (node.end_lineno or 0) - first.lineno >= LONGEST_FUNCTION:
                found.append(node.name)
    return found


def test_there_are_fourteen_rooms_and_nothing_lies_loose_at_the_root():
    inside = {path.name for path in (ROOT / "mebench").iterdir()} - {"__pycache__"}
    assert inside == {*ROOMS, *LOOSE}


def test_tests_mirror_the_rooms():
    mirrored = {path.name for path in (ROOT / "tests").iterdir() if path.is_dir()}
    assert set(ROOMS) <= mirrored


def test_no_modules_import_each_other_in_a_circle_not_even_for_types():
    graph = grimp.build_graph("mebench", exclude_type_checking_imports=False)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    graphlib.TopologicalSorter(imports).prepare()


def test_no_module_is_longer_than_400_lines():
    long = {str(file): lines for file in modules("mebench", "plugins") if (lines := _lines(file)) > LONGEST_MODULE}
    assert not long


def _lines(file: Path) -> int:
    return len(file.read_text(encoding="utf-8").splitlines())


@pytest.mark.parametrize("folder", ["mebench", "plugins", "docs", "benchmarks", "scripts"])
def test_no_function_is_longer_than_60_lines(folder):
    long = {str(file): names for file in modules(folder) if (names := too_long(file.read_text(encoding="utf-8")))}
    assert not long


def test_a_function_of_61_lines_is_too_long_and_one_of_60_is_not():
    function = 'def f():\n    """Say what."""\n' + "    x = 1\n"
    assert too_long(function * 2 + "    x = 1\n" * 60) == ["f"]
    assert too_long(function + "    x = 1\n" * 59) == []


@pytest.mark.parametrize("file", modules("plugins"), ids=lambda file: f"{file.parent.name}/{file.name}")
def test_what_ships_as_a_plugin_imports_public_names_only(file):
    assert not not_public(file.read_text(encoding="utf-8"))


def test_an_inner_module_is_no_public_name_wherever_it_is_imported():
    reaching = "from mebench import Attack\ndef f():\n    from mebench.trial import loop\nimport mebench.oracle.oracle"
    assert sorted(not_public(reaching)) == sorted(printed(reaching)) == ["mebench.oracle.oracle", "mebench.trial"]


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.name)
def test_what_the_docs_print_imports_public_names_only(page):
    blocks = re.findall(r"^```python\n(.*?)^```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert not [name for block in blocks for name in printed(block)]


def test_what_mebench_new_writes_imports_public_names_only():
    templates = sorted((ROOT / "mebench/testing/scaffold/templates").rglob("*.py.template"))
    assert templates
    assert not [name for file in templates for name in printed(file.read_text(encoding="utf-8"))]


def test_the_files_that_begin_first_are_there():
    assert [file for file in DEAREST if not (ROOT / "tests" / file).is_file()] == []
