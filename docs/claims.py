"""The claims of docs/numbers, and what of a page they cover."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from expressions import ONE

CLAIMS = Path(__file__).resolve().parent / "numbers"
WRITTEN = rf"{ONE}(?: ± {ONE}|(?:, {ONE})+(?: and {ONE})?)?"
"""A number, one with its interval, or several seeds."""
RESULTS = re.compile(rf"{ONE}\s+±\s+{ONE}|(?<!sections )(?<![\w.])\d+\.\d(?:,\s+\d+\.\d(?!\d))+")
"""What can only be a result: an interval, or a list of seeds."""
MARK = re.compile(r"<!-- not from committed rows: (\S.*?) -->", re.S)
"""In a page: covers the block below it, or the section if it is the first thing in one. What follows says why."""
MADE = re.compile(r"<!-- made by: mebench (\S.*?) -->\n(.*?)<!-- to here -->", re.S)
"""A command, and the tables that it has made: see docs/made.py."""
CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.S | re.M)
HEADING = re.compile(r"^#+ ", re.M)


@dataclass(frozen=True)
class Claim:
    """A sentence of a page, with expressions in braces for its numbers.

    Attributes:
        page, rows: paths from the root of the repository.
        says: the sentence; white space stands for any.
        under: the heading of the section that it stands in; empty where the page has it once.
    """

    page: str
    rows: str
    says: str
    under: str = ""

    @property
    def expressions(self) -> list[str]:
        """What stands in braces."""
        return re.findall(r"\{([^{}]+)\}", self.says)

    @property
    def pattern(self) -> re.Pattern[str]:
        """Finds the sentence, with a group for each number."""
        parts = re.split(r"\{[^{}]+\}", self.says)
        return re.compile(f"({WRITTEN})".replace(" ", r"\s+").join(map(_any_space, parts)))

    def found_in(self, text: str) -> list[re.Match[str]]:
        """The sentences of a page that are like it."""
        start, end = 0, len(text)
        if self.under:
            heading = re.search(rf"^#+ {re.escape(self.under)}$", text, re.M)
            start = heading.end() if heading else end
            following = HEADING.search(text, start)
            end = following.start() if following else end
        return list(self.pattern.finditer(text, start, end))


@dataclass(frozen=True)
class Elsewhere:
    """A sentence whose numbers are of no committed rows.

    Attributes:
        page: path from the root of the repository.
        says: the sentence; white space stands for any.
        why: where its numbers are from.
    """

    page: str
    says: str
    why: str

    @property
    def pattern(self) -> re.Pattern[str]:
        """Finds the sentence."""
        return re.compile(_any_space(self.says))


def read(folder: Path = CLAIMS) -> tuple[list[Claim], list[Elsewhere]]:
    """Read all claims, and what is from elsewhere."""
    blocks = [one for file in sorted(folder.glob("*.yaml")) for one in yaml.safe_load(file.read_text(encoding="utf-8"))]
    claims = [
        Claim(block["page"], block["rows"], says, block.get("under", ""))
        for block in blocks
        for template in block.get("says", ())
        for says in _each(template, block.get("each"))
    ]
    others = [Elsewhere(block["page"], **one) for block in blocks for one in block.get("elsewhere", ())]
    return claims, others


def _each(template: str, items: Sequence[Any] | None) -> Iterator[str]:
    """A sentence for each item: its parts stand in place of <1>, <2> and so on, or of <> where it is one."""
    if items is None or "<" not in template:
        yield template
        return
    for item in items:
        says = template
        for place, part in enumerate(item, 1) if isinstance(item, list) else [("", item)]:
            says = says.replace(f"<{place}>", str(part))
        yield says


def uncovered(page: str, text: str, claims: Sequence[Claim], others: Sequence[Elsewhere]) -> Iterator[str]:
    """Find results that nothing covers, line by line, and sentences from elsewhere that are not there any more."""
    spans = [match.span() for one in claims if one.page == page for match in one.found_in(text)]
    for other in (one for one in others if one.page == page):
        there = [match.span() for match in other.pattern.finditer(text)]
        if not there:
            yield f"{page}: no sentence like: {other.says}"
        spans += there
    spans += marked(text)
    spans += [match.span() for pattern in (CODE, MADE) for match in pattern.finditer(text)]
    for match in RESULTS.finditer(text):
        if not any(start <= match.start() and match.end() <= end for start, end in spans):
            yield (
                f"{page}:{line_of(text, match.start())}: {' '.join(match[0].split())} is in no claim of docs/numbers; "
                "if no rows of it are committed: <!-- not from committed rows: WHY --> above"
            )


def marked(text: str) -> list[tuple[int, int]]:
    """What the marks of a page cover, from and to.

    A mark that is the first thing of a section covers it to the next heading, any other the block below it: a
    paragraph, a list or a table, to the next empty line.
    """
    found = []
    for mark in MARK.finditer(text):
        before = text[: mark.start()].rstrip()
        under_heading = bool(HEADING.match(before[before.rfind("\n") + 1 :]))
        below = re.compile(r"\S").search(text, mark.end())
        start = below.start() if below else len(text)
        end = (HEADING if under_heading else re.compile(r"\n[ \t]*\n")).search(text, start)
        found.append((start, end.start() if end else len(text)))
    return found


def line_of(text: str, place: int) -> int:
    """The line of a place, from 1."""
    return text.count("\n", 0, place) + 1


def _any_space(text: str) -> str:
    return r"\s+".join(re.escape(word) for word in re.split(r"\s+", text))
