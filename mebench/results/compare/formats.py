"""A comparison in every format: for machines JSON, JUnit XML and GitHub annotations; for people see `text`."""

from __future__ import annotations

from collections.abc import Callable
from xml.etree import ElementTree

from mebench.results.compare.comparison import MARKS, MISSING, UNTOLD, Comparison, RowComparison
from mebench.results.compare.text import as_markdown, as_text, metric_cell, summary
from mebench.results.documents import json_text

Writer = Callable[[Comparison, bool, bool], str]


def as_json(comparison: Comparison, allow_missing: bool, strict: bool = False) -> str:
    """Write all that is known of every row."""
    return json_text(comparison.to_json(allow_missing=allow_missing, strict=strict))


def explanation(row: RowComparison) -> str:
    """Say in one line why a row has its mark."""
    numbers = [f"{one.metric.name} {metric_cell(one)}" for one in row.metrics]
    return "; ".join([f"{row.mark}: {MARKS[row.mark]}", *numbers, *row.remarks])


def as_junit(comparison: Comparison, allow_missing: bool, strict: bool = False) -> str:
    """Write JUnit XML: worse rows are failures, failing and gone ones errors, what cannot be told is skipped."""
    tags = {row: _junit_tag(row, allow_missing, strict) for row in comparison.rows}
    suite = ElementTree.Element("testsuite", name="mebench compare", tests=str(len(comparison.rows)))
    for plural, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(plural, str(list(tags.values()).count(tag)))
    for row, tag in tags.items():
        case = ElementTree.SubElement(suite, "testcase", classname=f"mebench.{row.row.victim}", name=row.title)
        if tag:
            ElementTree.SubElement(case, tag, message=explanation(row))
        else:
            ElementTree.SubElement(case, "system-out").text = explanation(row)
    root = ElementTree.Element("testsuites")
    root.append(suite)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _junit_tag(row: RowComparison, allow_missing: bool, strict: bool) -> str:
    if row.mark == "worse":
        return "failure"
    if strict and any(metric.blind for metric in row.metrics):
        return "error"
    if row.mark in MISSING:
        return "skipped" if allow_missing else "error"
    return "skipped" if row.mark in UNTOLD else ""


def as_github(comparison: Comparison, allow_missing: bool, strict: bool = False) -> str:
    """Write workflow commands that GitHub shows as annotations: errors, warnings, and one notice with the counts."""
    lines = []
    for row in comparison.rows:
        missing = row.mark in MISSING
        blind = strict and any(metric.blind for metric in row.metrics)
        if row.mark == "worse" or blind or (missing and not allow_missing):
            level = "error"
        elif missing or row.mark in UNTOLD:
            level = "warning"
        else:
            continue
        lines.append(_command(level, f"{row.mark}: {row.title}", explanation(row)))
    lines.append(_command("notice", "mebench compare", summary(comparison)))
    return "\n".join(lines) + "\n"


def _command(level: str, title: str, message: str) -> str:
    return f"::{level} title={_escape(title, '%:,')}::{_escape(message, '%')}"


def _escape(text: str, special: str) -> str:
    """Percent-encode as GitHub's workflow commands want it; percent signs first."""
    for character in f"{special}\r\n":
        text = text.replace(character, f"%{ord(character):02X}")
    return text


FORMATS: dict[str, Writer] = {
    "text": lambda comparison, *_: as_text(comparison),
    "md": lambda comparison, *_: as_markdown(comparison),
    "json": as_json,
    "junit": as_junit,
    "github": as_github,
}
"""How a comparison can be written, by the name of the format; the other arguments are those of `exit_code`."""
