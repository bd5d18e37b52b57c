from __future__ import annotations

import re
from pathlib import Path

from report_results import make_hostile, save_noise

from mebench.report.page import MAX_BYTES, render_report
from mebench.report.page.page import PageBudget

DOCS = (Path(__file__).parents[3] / "docs" / "report.md").read_text(encoding="utf-8")


def test_the_docs_describe_every_section_of_the_page(tmp_path: Path) -> None:
    root = make_hostile(tmp_path)
    save_noise(next(root.glob("megex*")) / "samples.png")
    sections = re.findall(r"<h2 [^>]*>(.*?)</h2>", render_report([root])[0])
    described = re.findall(r"^\| ([A-Z][^|]*?) \|", DOCS, re.MULTILINE)
    assert sections == described


def test_the_docs_name_the_limits_of_the_program() -> None:
    room = PageBudget()
    assert f"Under {MAX_BYTES // 1_000_000} MB" in DOCS
    assert f"at most {room.curves.series} curves" in DOCS
    assert f"thinned to {room.curves.points}" in DOCS
    assert DOCS.count(f"first {room.rows}") == 2
