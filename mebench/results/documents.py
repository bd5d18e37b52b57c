"""What tables of all kinds are put into: plain text, JSON, CSV, Markdown and LaTeX."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console

if TYPE_CHECKING:
    import pandas as pd

Table = tuple[str, list[str], list[list[str]]]
"""Caption, titles, and cells."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
"""How texts begin that a spreadsheet would compute; the last four are the first four in full width."""
_LATEX = {
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "`": r"\textasciigrave{}",
    # the classic fonts of LaTeX show these as something else
    **{sign: f"${sign}$" for sign in "<>|"},
    "±": r"$\pm$",
    "→": r"$\to$",
    "–": "--",
    # after a rule or the end of a line they would be its option
    **{sign: f"{{{sign}}}" for sign in "[]*"},
}


def plain_text(render: Callable[[Console], None], width: int) -> str:
    """Write what a terminal of some width shows, without colours."""
    buffer = io.StringIO()
    # In a notebook rich would show it below the cell instead.
    render(Console(file=buffer, width=width, force_jupyter=False, color_system=None, markup=False, emoji=False))
    return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines()) + "\n"


def json_text(plain: Any) -> str:
    """Write JSON values; the same bytes for equal ones."""
    return json.dumps(plain, indent=1, sort_keys=True) + "\n"


def spreadsheet_csv(frame: pd.DataFrame) -> str:
    """Write a table as CSV, in which no text is a formula; see `no_formula`."""
    texts = frame.select_dtypes(exclude=["number", "bool"]).apply(lambda column: column.map(no_formula))
    shown = frame.assign(**texts).rename(columns=no_formula)
    return str(shown.to_csv(index=False, lineterminator="\n"))


def no_formula(value: Any) -> Any:
    """Return a value that no spreadsheet computes: a text that begins as a formula gets an apostrophe before it."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def markdown_table(titles: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    """Write a table in GitHub's Markdown, with cells escaped."""
    lines = [titles, ["---"] * len(titles), *([markdown_escape(cell) for cell in row] for row in body)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def markdown_escape(text: str) -> str:
    """Escape what Markdown, its tables, or HTML inside of it would take for markup."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_\[\]|~$])", r"\\\1", " ".join(text.split()))


def markdown_line(text: str) -> str:
    """Escape a text that begins a line, where signs stand for headings, rules and lists; see `markdown_escape`."""
    return re.sub(r"^(\d*)(?<=\d)([.)])|^()([-+=#])", r"\1\3\\\2\4", markdown_escape(text))


def latex_escape(text: str) -> str:
    """Escape what LaTeX would take for markup, for an option or for a dash, and what its fonts show as another sign."""
    return re.sub("(?<=-)-|[^-]", lambda found: "{}-" if found[0] == "-" else _LATEX.get(found[0], found[0]), text)
