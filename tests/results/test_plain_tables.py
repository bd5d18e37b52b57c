from __future__ import annotations

import io
import random

import pytest
from rich.console import Console

from mebench.results.leaderboard.write import layout
from mebench.results.leaderboard.write.layout import TextColumn, fitted

CELLS = ("", "a", " spaced ", "12.5 ± 3", "é–ü", "漢字", "a longer cell", "–", "  1")


def drawn(columns: list[TextColumn], breaks: frozenset[int], width: int, *, colour: bool = False) -> list[str]:
    buffer = io.StringIO()
    system = {"force_terminal": True, "color_system": "truecolor"} if colour else {"color_system": None}
    console = Console(file=buffer, width=width, markup=False, emoji=False, **system)
    console.print(fitted(columns, console, breaks)[0])
    return [line.rstrip() for line in buffer.getvalue().splitlines()]


@pytest.mark.parametrize("seed", range(30))
def test_tables_that_fit_are_drawn_as_rich_draws_them(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    choice = random.Random(seed)
    count = choice.randint(1, 6)
    columns = [
        TextColumn(
            choice.choice(CELLS[1:]),
            [choice.choice(CELLS) for _ in range(count)],
            right=choice.random() < 0.5,
            wrap=choice.random() < 0.3,
            styles=["dim"] * count if choice.random() < 0.5 else (),
        )
        for _ in range(choice.randint(1, 5))
    ]
    breaks = frozenset(range(1, count, 2))
    quick = drawn(columns, breaks, 200)
    monkeypatch.setattr(layout, "_is_plain", lambda column: False)
    assert quick == drawn(columns, breaks, 200)


def test_cells_keep_their_styles() -> None:
    columns = [TextColumn("name", ["a", "b"], styles=["bold red", ""]), TextColumn("number", ["1", "2"], right=True)]
    lines = drawn(columns, frozenset(), 80, colour=True)
    assert "\x1b[1;31ma" in lines[2]
    assert "\x1b[1;31m" not in lines[3]


def test_cells_of_several_lines_are_drawn_in_several_lines() -> None:
    columns = [TextColumn("name", ["a\nb"]), TextColumn("number", ["1"])]
    assert len(drawn(columns, frozenset(), 80)) == 4
