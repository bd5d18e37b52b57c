"""What files, plugins and the user say never reaches the terminal as an escape, nor as markup of rich."""

from __future__ import annotations

import pytest
from make_results import make_row, make_spec, write_benchmark
from rich.console import Console

from mebench.cli import main
from mebench.results.trial_folder import TrialFolder
from mebench.run.console import PlainConsole
from mebench.run.display import LineDisplay, LiveDisplay
from mebench.run.engine import Job, Outcome

MARKUP = "[red]x[/] [/] [link=a]"
NASTY = f"\x1b]0;owned\x07\x1b[31m{MARKUP}\x9b2J\u202e\b\r\x00"
FILE = f"""\
name: example
title: "\\e]0;owned\\a{MARKUP}\\x9b2J"
"\\e[31m{MARKUP}": 1
victims:
  small: {{data: fashion-mnist-10k, network: "\\e[31m{MARKUP}", training: {{}}}}
profiles:
  quick: {{scale: reduced, note: "\\e[31m{MARKUP}\\r\\n\\tb", runs: []}}
"""


def is_clean(text):
    """Whether a terminal shows a text and obeys nothing in it."""
    return all(one.isprintable() or one == "\n" for one in text)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    root = tmp_path_factory.mktemp("results")
    for accuracy in (0.7, 0.5):
        make_row(root, [accuracy, accuracy + 0.01], f"{NASTY}{accuracy}", NASTY)
    failed = make_spec("dfme", "kl", 7)
    TrialFolder.of(root, failed).fail(failed, NASTY, NASTY)
    write_benchmark(root, title=NASTY, note=f"{NASTY}\n{NASTY}", name=NASTY, file=NASTY)
    return root


COMMANDS = [
    *(["leaderboard", "DIR", "--format", style] for style in ("text", "md", "csv", "json", "latex")),
    *(["leaderboard", "DIR", "--pairs", "--format", style] for style in ("text", "md", "csv", "json")),
    *(["compare", "DIR", "DIR", "--format", style] for style in ("text", "md", "json", "junit", "github")),
    ["report", "DIR", "-o", "-"],
    ["leaderboard", f"DIR/{NASTY[:-1]}"],
    ["list", NASTY],
    ["info", NASTY],
    ["check", NASTY],
    ["plan", NASTY[:-1]],
    ["leaderboard", "DIR", f"--{NASTY}"],
    [NASTY],
]


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: " ".join(words).replace(NASTY[:-1], "NASTY")[:40].strip())
def test_what_results_and_words_of_the_user_hold_reaches_no_terminal(words, results, capfd):
    main([word.replace("DIR", str(results)) for word in words])
    shown = capfd.readouterr()
    assert is_clean(shown.out)
    assert is_clean(shown.err)
    assert shown.out or shown.err


def test_markup_is_shown_as_it_is(results, capsys):
    main(["leaderboard", str(results)])
    assert MARKUP in capsys.readouterr().out


def test_an_exported_table_holds_no_control_characters(results, tmp_path):
    assert main(["export", str(results), "-o", str(tmp_path / "all.csv")]) == 0
    assert is_clean((tmp_path / "all.csv").read_text())


def test_problems_of_a_file_are_shown_without_what_it_wants_of_the_terminal(tmp_path, capsys):
    (tmp_path / "b.yaml").write_text(FILE)
    assert main(["plan", str(tmp_path / "b.yaml")]) == 2
    shown = capsys.readouterr()
    assert is_clean(shown.out + shown.err)
    assert MARKUP in shown.err


def test_a_plugin_that_fails_with_escapes_is_shown_without_them(tmp_path, capsys):
    (tmp_path / "mine.py").write_text(f"raise RuntimeError({NASTY!r})")
    (tmp_path / "b[red]c.py").write_text("raise ImportError('no')")
    assert main(["--plugin-dir", str(tmp_path), "plugins"]) == 0
    shown = capsys.readouterr()
    assert is_clean(shown.out + shown.err)
    assert MARKUP in " ".join(shown.out.split())
    assert "b[red]c" in shown.out


@pytest.mark.parametrize("kind", [LiveDisplay, LineDisplay])
def test_the_display_of_a_run_shows_titles_and_reasons_without_escapes(kind, tmp_path):
    spec = make_spec()
    job = Job(spec.id, NASTY, "x:y", needs=("victim",))
    with (tmp_path / "screen").open("w+", encoding="utf-8") as file:
        console = PlainConsole(file=file, width=200, force_terminal=False)
        display = kind(console, [spec])
        display.started(job)
        if isinstance(display, LiveDisplay):
            console.print(display.lines())
        display.ended(job, Outcome("failed", reason=NASTY))
        file.seek(0)
        shown = file.read()
    assert is_clean(shown)
    assert MARKUP in shown


def test_a_rich_console_would_obey(tmp_path):
    with (tmp_path / "screen").open("w+", encoding="utf-8") as file:
        Console(file=file, force_terminal=True).print("a\x1b[31mb [red]c[/]")
        file.seek(0)
        assert not is_clean(file.read())
