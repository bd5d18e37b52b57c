"""Putting the page together, and keeping it under its size."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mebench.api.errors import ResultsError
from mebench.api.files import write_text
from mebench.api.plurals import counted
from mebench.api.version import VERSION
from mebench.report.page import facts, pictures, series, table
from mebench.report.page.defences import DefencesShown, find_defences
from mebench.report.page.differences import Differences, find_differences
from mebench.report.page.results import Results
from mebench.report.page.source import PageRow, PageSource, read_source
from mebench.results.garbage import uncollected
from mebench.results.leaderboard.compute.flags import legend
from mebench.results.leaderboard.write.columns import common_flags
from mebench.results.leaderboard.write.text import heading
from mebench.results.written import NOTHING, percent, percent_interval, whole

if TYPE_CHECKING:
    from jinja2 import Environment

MAX_BYTES = 3_000_000
ASSETS = Path(__file__).parent / "assets"


@dataclass(frozen=True)
class PageBudget:
    """How much of everything a page holds.

    Attributes:
        rows: rows that are plain HTML; the others are packed, and unpacked by the page's script.
        packed: rows that are packed with their details; the rest is packed without.
        problems: lines on trials that have no valid result.
        pictures: bytes.
    """

    rows: int = 150
    packed: int = 10_000
    problems: int = 200
    pictures: int = 1_400_000
    curves: series.Limits = field(default_factory=series.Limits)


BUDGETS = (
    PageBudget(),
    PageBudget(100, 10_000, 100, 900_000, series.Limits(24, 16, 40)),
    PageBudget(60, 4_000, 100, 500_000, series.Limits(16, 12, 30)),
    PageBudget(40, 1_000, 50, 250_000, series.Limits(10, 8, 24)),
    PageBudget(20, 0, 20, 60_000, series.Limits(4, 6, 16)),
)
"""Tried in this order until the page is small enough."""


def write_report(roots: Sequence[Path], path: Path) -> tuple[int, list[str]]:
    """Write the page; return its size in bytes, and lines on what was left out for it.

    Raises:
        ResultsError: a root holds no results, or they do not fit into one page.
    """
    text, notes = render_report(roots)
    write_text(path, text)
    return _size(text), notes


def html(results: Results, output: Path) -> list[str]:
    """Write the page, as the registered report ``html``; see `write_report`."""
    return write_report(results.roots, output)[1]


@uncollected()
def render_report(roots: Sequence[Path]) -> tuple[str, list[str]]:
    """Return the page, the same bytes for the same results, and lines on what was left out.

    Raises:
        ResultsError: a root holds no results, or they do not fit into one page.
    """
    material = PageContent(read_source(roots))
    for room in BUDGETS:
        text, notes = _render(material, room)
        if _size(text) <= MAX_BYTES:
            return text, notes
    raise ResultsError(
        f"these results do not fit into a page of {MAX_BYTES // 1_000_000} MB: give fewer folders at once"
    )


def _size(text: str) -> int:
    return len(text.encode(errors="replace"))


class PageContent:
    """What does not depend on the room that there is.

    Args:
        source: the results.
    """

    def __init__(self, source: PageSource) -> None:
        self.source = source
        self.columns = table.columns([entry.row for entry in source.entries])
        self.provenance = facts.Provenance(source)
        self.commands = facts.Commands(source, self.provenance)
        self.pictures = pictures.find_pictures(source)
        self.common = common_flags([entry.row for entry in source.entries])

    @cached_property
    def problems(self) -> list[facts.Problem]:
        """Why trials have no valid result."""
        return facts.problems(self.source)

    @cached_property
    def differences(self) -> Differences:
        """Which rows are apart."""
        return find_differences(self.source.board)

    @cached_property
    def defences(self) -> DefencesShown:
        """What each attacker gets behind each defence."""
        return find_defences(self.source.board)

    def cells(self, entry: PageRow) -> Iterator[dict[str, Any]]:
        """One cell per column: key, text, and what it is sorted by."""
        for column in self.columns:
            blank = entry.row.kind == "reference" and column.key in ("reported", "rank", "spent")
            text = entry.label if column.key == "attack" else column.cell(entry.row)
            value = column.value(entry.row)
            yield {
                "key": column.key,
                "text": NOTHING if blank or not text else text,
                "sort": f"{value:.10g}" if column.numeric and isinstance(value, (int, float)) and not blank else "",
                "numeric": column.numeric,
            }

    def details(self, entry: PageRow) -> dict[str, Any]:
        """What the section of one row shows."""
        return {
            "entry": entry,
            "trials": [(trial.id, trial.spec.seed, *facts.trial_problem(trial)) for trial in entry.trials],
            "command": self.commands.of(entry),
            "spec": facts.spec_text(entry),
            "provenance": self.provenance.of(entry),
        }


def _render(material: PageContent, room: PageBudget) -> tuple[str, list[str]]:
    environment = _environment()
    source = material.source
    inline, packed = _split(source, room)
    outside = {entry.number for entry in packed}
    panels, curve_notes = series.panels(source.sections, room.curves)
    shown, picture_notes = pictures.embed(material.pictures, room.pictures)
    notes = [*curve_notes, *picture_notes]
    notes += filter(None, (material.defences.left_out, material.differences.left_out))
    if len(packed) > room.packed:
        notes.append(
            f"details of {counted(len(packed) - room.packed, 'row')} are left out: see the folders of their trials"
        )
    if len(material.problems) > room.problems:
        notes.append(
            f"left out {counted(len(material.problems) - room.problems, 'more problem')}: see mebench leaderboard"
        )
    style, script = _asset("report.css"), _asset("report.js")
    context = {
        **_facts(material),
        "inline": inline,
        "inline_entries": [entry for entry in source.entries if entry.number not in outside],
        "packed": _pack(material, environment, packed, room.packed),
        "packed_count": len(packed),
        "panels": panels,
        "tables": [
            (panel["title"], [series.value_table(panel, one) for one in series.METRICS]) for panel in panels[:6]
        ],
        "pictures": shown,
        "problems": material.problems[: room.problems],
        "left_out": notes,
        "style": style,
        "script": script,
        "policy": _policy(style, script),
    }
    return environment.get_template("page.html").render(context), notes


def _facts(material: PageContent) -> dict[str, Any]:
    """What the template shows of the benchmark as a whole."""
    source, board = material.source, material.source.board
    rows = [entry.row for entry in source.entries]
    attacks = [row for row in rows if row.kind == "attack"]
    flags = [(flag, [entry for entry in source.entries if flag.name in entry.row.flags]) for flag in legend(rows)]
    reported = facts.reported_beside_measured(source)
    return {
        "version": VERSION,
        "benchmark": board.benchmark,
        "title": board.benchmark.title or board.benchmark.name or "Results",
        "heading": heading(board.benchmark),
        "notes": board.notes,
        "material": material,
        "columns": material.columns,
        "sections": source.sections,
        "attack_count": len(attacks),
        "trial_count": sum(
            len(entry.trials) or entry.row.seeds for entry in source.entries if entry.row.attack != "victim"
        ),
        "filters": [
            (key, title, sorted({getattr(row, key) for row in attacks}))
            for key, title in (("attack", "Attack"), ("victim", "Victim"), ("channel", "Channel"))
        ],
        "differences": material.differences,
        "defences": material.defences,
        "reported": reported,
        "reported_scores": [one for one in reported if one.has_scores],
        "reported_more": [one for one in reported if one.more],
        "fidelity_reported": any(number.fidelity is not None for number in board.benchmark.reported),
        "flags": flags,
        "several_victims": len({row.victim for row in rows}) > 1,
        "provenance": material.provenance.of_all(),
        "percent": percent,
        "whole": whole,
        "interval": percent_interval,
    }


def _split(source: PageSource, room: PageBudget) -> tuple[dict[int, list[PageRow]], list[PageRow]]:
    """Choose the attacks that are plain HTML: the first ones of every block."""
    blocks = [block for section in source.sections for block in section.blocks]
    each = max(2, room.rows // max(1, len(blocks)))
    inline: dict[int, list[PageRow]] = {}
    packed: list[PageRow] = []
    left = room.rows
    for block in blocks:
        fits = min(each, left)
        inline[block.number] = list(block.entries[:fits])
        packed += block.entries[fits:]
        left -= len(inline[block.number])
    return inline, packed


def _pack(material: PageContent, environment: Environment, packed: Sequence[PageRow], with_details: int) -> str:
    """Rows as HTML, with their details, compressed: tables repeat themselves ten times and more."""
    if not packed:
        return ""
    macros: Any = environment.get_template("rows.html").module
    found = [
        [
            entry.block,
            str(macros.row(entry, material)),
            str(macros.details(material.details(entry), entry)) if fits else "",
        ]
        for entry, fits in ((entry, number < with_details) for number, entry in enumerate(packed))
    ]
    content = json.dumps(found, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
    return base64.b64encode(gzip.compress(content, 9, mtime=0)).decode()


@cache
def _environment() -> Environment:
    """With the templates that were compiled, which takes longer than to fill them."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(ASSETS),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _asset(name: str) -> str:
    return (ASSETS / name).read_text(encoding="utf-8")


def _policy(style: str, script: str) -> str:
    """Forbid the page every connection, and every script and style but its own, by their digests."""

    def digest(text: str) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

    parts: Mapping[str, str] = {
        "default-src": "'none'",
        "script-src": digest(script),
        "style-src": digest(style),
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return "; ".join(f"{key} {value}" for key, value in parts.items())
