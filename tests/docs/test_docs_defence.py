"""docs/writing-a-defence.md: its parts pass their checks and run in a benchmark, as they stand there."""

from __future__ import annotations

import json
import re
import textwrap

import pytest

from mebench.testing import run_check
from mebench.testing.checks import kit_of

MODULES = ("__init__.py", "haze.py", "habit.py", "steady.py", "strange.py")
TINY = """
name: haze
victims:
  tiny:
    data: {name: fashion-mnist-10k, rows: [0, 600]}
    image_size: [8, 8]
    network: mlp
    training: {epochs: 6, batch_size: 32, learning_rate: 3e-3}
profiles:
  quick:
    scale: reduced
    note: a test
    seeds: 1
    runs:
      - victims: [tiny]
        clone: mlp
        budgets: [120]
        attacks: [{attack: noise, channel: probability, parameters: {batch_size: 30}}]
"""


@pytest.fixture
def page(repository):
    text = (repository / "docs" / "writing-a-defence.md").read_text(encoding="utf-8")
    return lambda language: re.findall(rf"```{language}\n(.*?)```", text, re.S)


@pytest.fixture
def tests_of_the_page(page, tmp_path, monkeypatch, mebench):
    """The package of the page is installed; returns what its test file defines."""
    *modules, tests = page("python")
    site = tmp_path / "site"
    package, metadata = site / "mebench_haze", site / "mebench_haze-0.1.0.dist-info"
    package.mkdir(parents=True)
    metadata.mkdir()
    for name, block in zip(MODULES, modules, strict=True):
        (package / name).write_text(block)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: mebench-haze\nVersion: 0.1.0\n")
    (metadata / "entry_points.txt").write_text("[mebench]\nhaze = mebench_haze\n")
    monkeypatch.syspath_prepend(site)
    defined: dict = {}
    exec(tests, defined)
    return defined


def test_its_parts_pass_every_check(tests_of_the_page):
    parts = [part for name in ("DEFENCES", "RECOVERIES", "DETECTORS") for part in tests_of_the_page[name]]
    assert len(parts) == 5
    verdicts = [(part.name, run_check(check, part)) for part in parts for check in kit_of(part).checks]
    assert not [one for one in verdicts if one[1].state not in ("passed", "skipped")]


@pytest.mark.usefixtures("tests_of_the_page")
def test_its_commands_say_that_they_conform(page, mebench):
    (block,) = page("sh")
    for command in block.splitlines():
        assert "conforms" in mebench(*command.split()[1:])


@pytest.mark.slow
@pytest.mark.usefixtures("tests_of_the_page")
def test_its_lines_make_rows_of_a_benchmark(page, tmp_path, mebench):
    (lines,) = page("yaml")
    (tmp_path / "file.yaml").write_text(TINY + textwrap.indent(lines, " " * 8))
    rows = json.loads(mebench("run", "file.yaml", "--workers", "0", "--json"))["rows"]
    attacks = [row for row in rows if row["attack"] == "noise"]
    assert len(attacks) == 4
    assert sum("l1=0.5" in str(row) for row in attacks) == 2
