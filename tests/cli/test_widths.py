"""What narrow terminals show: words whole where they fit, numbers always, and no line that is too wide."""

from __future__ import annotations

import re

import pytest
from make_results import make_table1
from rich.cells import cell_len

from mebench.cli import main
from mebench.cli.output import for_terminal

FILE = """\
name: example
victims:
  small: {data: fashion-mnist-10k, image_size: [32, 32], network: lenet5, training: {}}
profiles:
  quick:
    scale: reduced
    note: A sentence of several words that must be broken on a narrow terminal, at its spaces alone.
    runs:
      - victims: [small]
        clone: lenet5
        budgets: [1000]
        attacks:
          - {attack: random-generator, channel: {name: probability, decimals: 3}}
"""
COMMANDS = {
    "plan": ["plan", "FILE"],
    "leaderboard": ["leaderboard", "DIR"],
    "compare": ["compare", "DIR", "DIR"],
    "pairs": ["leaderboard", "DIR", "--pairs"],
    "plugins": ["plugins"],
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    make_table1(folder / "out")
    (folder / "b.yaml").write_text(FILE)
    return {"DIR": str(folder / "out"), "FILE": str(folder / "b.yaml")}


def words_of(text):
    """The words of a text, without rules and what is said of columns that are left out."""
    text = re.sub(r"No room for: .*? (has|have) them\)", "", " ".join(text.split()))
    return {word.strip(":") for word in text.replace("─", "").split()}


@pytest.mark.parametrize("width", [40, 60, 80])
@pytest.mark.parametrize("command", COMMANDS)
def test_words_and_numbers_are_whole_at_every_width(command, width, made, monkeypatch, capsys):
    words = [made.get(word, word) for word in COMMANDS[command]]
    monkeypatch.setenv("COLUMNS", "400")
    assert main(words) == 0
    wide = capsys.readouterr().out
    monkeypatch.setenv("COLUMNS", str(width))
    assert main(words) == 0
    narrow = capsys.readouterr().out
    assert max(map(cell_len, narrow.splitlines())) <= width
    assert words_of(narrow) <= words_of(wide)


class Screen:
    def isatty(self):
        return True


def test_a_message_on_a_terminal_is_broken_at_spaces_and_elsewhere_not_at_all(monkeypatch, tmp_path):
    monkeypatch.setenv("COLUMNS", "30")
    line = "mebench: a/path/that/is/longer/than/all/of/that.yaml: no such file, nor any re-run"
    shown = for_terminal(line, Screen())
    assert shown.split() == line.split()
    assert all(len(one) <= 30 or " " not in one for one in shown.splitlines())
    with (tmp_path / "file").open("w") as file:
        assert for_terminal(line, file) == line
