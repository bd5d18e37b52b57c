"""The attack that docs/writing-an-attack.md and the README show works when it is copied from there."""

from __future__ import annotations

import json
import re

import pytest

TINY = """
name: from-the-docs
victims:
  tiny:
    data: {name: fashion-mnist-10k, rows: [0, 600]}
    image_size: [8, 8]
    network: mlp
    training: {epochs: 2}
profiles:
  quick:
    scale: reduced
    note: a test
    seeds: 1
    runs:
      - victims: [tiny]
        clone: mlp
        budgets: [100]
        attacks:
"""


@pytest.fixture
def installed(repository, tmp_path):
    """The blocks of the document as an installed distribution; returns its folder and the YAML line."""
    text = (repository / "docs" / "writing-an-attack.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```(\w+)\n(.*?)```", text.split("## In five minutes")[1].split("## The rules")[0], re.S)
    by_language = {"toml": [], "python": [], "yaml": []}
    for language, block in blocks:
        by_language[language].append(block)
    site = tmp_path / "site"
    (site / "mebench_stripes").mkdir(parents=True)
    (site / "mebench_stripes" / "__init__.py").write_text(by_language["python"][0])
    (site / "mebench_stripes" / "attack.py").write_text(by_language["python"][1])
    metadata = site / "mebench_stripes-0.1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: mebench-stripes\nVersion: 0.1.0\n")
    entry = re.search(r'^stripes = "(.*)"$', by_language["toml"][0], re.M)[1]
    (metadata / "entry_points.txt").write_text(f"[mebench]\nstripes = {entry}\n")
    return site, by_language["yaml"][0]


@pytest.mark.slow
def test_the_attack_of_the_document_runs_in_a_benchmark(installed, tmp_path, monkeypatch, mebench):
    site, line = installed
    rows = "".join(f"          {row.strip()}\n" for row in line.splitlines()[1:])
    (tmp_path / "file.yaml").write_text(TINY + rows)
    monkeypatch.syspath_prepend(site)
    assert "batch_size" in mebench("info", "stripes")
    assert "mebench-stripes 0.1.0" in mebench("plugins")
    rows = json.loads(mebench("run", "file.yaml", "--workers", "0", "--json"))["rows"]
    row = next(row for row in rows if row["attack"] == "stripes")
    assert (row["status"], row["queries"]) == ("finished", 100)
