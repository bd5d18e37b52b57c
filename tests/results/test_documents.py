"""Texts of unknown origin in Markdown, LaTeX, CSV and HTML: shown as they are, and never taken for markup."""

from __future__ import annotations

import csv
import io
import re
from html.parser import HTMLParser

import pandas as pd
import pytest
from make_results import make_row, write_benchmark
from markdown_it import MarkdownIt

from mebench.results.documents import (
    latex_escape,
    markdown_escape,
    markdown_line,
    markdown_table,
    no_formula,
    spreadsheet_csv,
)
from mebench.results.leaderboard import FORMATS, build_leaderboard
from mebench.results.leaderboard.write.differences import FORMATS as PAIR_FORMATS

SIGNS = "_&%$#{}~^\\<>|`*[]!()\"'-+=.:;@é→±中"
NAMES = [
    *(f"a{sign}b" for sign in SIGNS),
    *(f"{sign}a{sign}" for sign in SIGNS),
    *(f"a{sign}{sign}b{sign}{sign}" for sign in SIGNS),
    *("# a", "1. a", "12) a", "+ a", "- a", "===", "---", "> a", "| a | b |", "![a](b)", "[a](javascript:b)", "~~a~~"),
    *(
        "<script>a</script>",
        "&lt;",
        "&amp;amp;",
        "a\\|b",
        "`a`|`b`",
        "**a**",
        "_a_",
        "$a$",
        "\\",
        "\\\\",
        "a\\",
        "*",
        "[x]",
    ),
    *("<!-- a", "a -->", "</table>", '"><b>', "https://a.example/b", "\\textbf{a}", "%a", "a%", "{", "}", "~a~", "^a^"),
]


class Text(HTMLParser):
    """The text of HTML, and its elements."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text, self.tags = "", []
        self.feed(html)

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)


def rendered(markdown: str) -> Text:
    return Text(MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(markdown))


@pytest.mark.parametrize("name", NAMES)
def test_markdown_shows_a_text_as_it_is_in_a_cell_a_line_an_item_and_bold(name: str) -> None:
    table = rendered(markdown_table(("A", "B"), [[name, "c"], ["d", name]]))
    assert table.text.split() == ["A", "B", *name.split(), "c", "d", *name.split()]
    assert set(table.tags) == {"table", "thead", "tr", "th", "tbody", "td"}
    line = rendered(f"{markdown_line('first')}  \n{markdown_line(name)}")
    assert line.text.split() == ["first", *name.split()]
    assert line.tags == ["p", "br"]
    item = rendered(f"- {markdown_line(name)}")
    assert item.text.split() == name.split()
    assert item.tags == ["ul", "li"]
    bold = rendered(f"**x {markdown_escape(name)} x**")
    assert bold.text.split() == ["x", *name.split(), "x"]
    assert bold.tags == ["p", "strong"]


def unescaped(latex: str) -> str:
    """What LaTeX prints for a text without macros but those that stand for signs."""
    words = {"textbackslash": "\\", "textasciitilde": "~", "textasciicircum": "^", "textasciigrave": "`"}
    latex = re.sub(r"\$([<>|])\$", r"\1", latex.replace(r"$\pm$", "±").replace(r"$\to$", "→"))
    assert not re.search(r"(?<!\\)[&%$#_~^]", latex), latex
    latex = re.sub(r"\\(\w+)\{\}|\\([&%$#_{}])", lambda found: words[found[1]] if found[1] else f"\0{found[2]}", latex)
    return re.sub(r"\0(.)", r"\1", re.sub(r"(?<!\0)[{}]", "", latex))


@pytest.mark.parametrize("name", NAMES)
def test_latex_prints_a_text_as_it_is(name: str) -> None:
    assert unescaped(latex_escape(name)) == name


@pytest.mark.parametrize("name", ["[1cm] a", "*", "a--b", "---"])
def test_latex_takes_no_text_for_an_option_nor_for_a_dash(name: str) -> None:
    written = latex_escape(name)
    assert not written.startswith(("[", "*"))
    assert "--" not in written


def test_every_cell_and_title_of_a_table_in_latex_is_escaped(tmp_path) -> None:
    make_row(tmp_path, [0.7, 0.71], "[a]_&%$#{}~^\\|<>*", "x_1")
    latex = FORMATS["latex"](build_leaderboard([tmp_path]))
    row = next(line for line in latex.splitlines() if "x\\_1" in line)
    assert row.startswith("{[}a{]}")
    widths = {len(re.findall(r"(?<!\\)&", line)) for line in latex.splitlines() if line.endswith(r"\\")}
    assert len(widths) == 1


FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\n=1", "\uff1d1", '=HYPERLINK("x")', "=cmd|'/C calc'!A0"]


@pytest.mark.parametrize("text", FORMULAS)
def test_no_text_of_a_csv_is_a_formula_for_a_spreadsheet_and_numbers_stay_numbers(text: str) -> None:
    frame = pd.DataFrame({text: [text, "plain"], "number": [-1.5, 2.0], "mixed": [text, -3]})
    title, *_ = lines = list(csv.reader(io.StringIO(spreadsheet_csv(frame))))
    assert title == [f"'{text}", "number", "mixed"]
    assert lines[1] == [f"'{text}", "-1.5", f"'{text}"]
    assert lines[2] == ["plain", "2.0", "-3"]
    assert no_formula(-1.5) == -1.5
    assert no_formula("\r=1") == "'\r=1"


def test_names_of_attacks_are_no_formulas_in_the_tables_that_are_written(tmp_path) -> None:
    make_row(tmp_path, [0.7, 0.71], "=evil")
    make_row(tmp_path, [0.5, 0.52], "@evil")
    write_benchmark(tmp_path, title="=1+1")
    board = build_leaderboard([tmp_path])
    for text in (FORMATS["csv"](board), PAIR_FORMATS["csv"](board)):
        cells = [cell for line in csv.reader(io.StringIO(text)) for cell in line]
        assert any("=evil" in cell for cell in cells)
        assert not any(cell.startswith(("=", "@")) for cell in cells)
