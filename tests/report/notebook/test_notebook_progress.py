"""How far a run is, below the cell of a notebook."""

from __future__ import annotations

import re

from make_results import make_spec

from mebench.api.progress import Progress
from mebench.report.notebook import progress
from mebench.report.notebook.progress import InNotebook, NotebookDisplay, in_notebook
from mebench.run.engine import Job, Outcome
from mebench.run.time_left import Speeds

MARKUP = "<img src=x>"


def job(title: str, key: str = "k") -> Job:
    return Job(key, title, "nowhere:none", needs=("victim",))


class Shown:
    """Stands for the place below the cell."""

    def __init__(self) -> None:
        self.pages: list[str] = []

    def show(self, html: str) -> None:
        self.pages.append(html)


def display(trials: int = 2) -> tuple[NotebookDisplay, Shown, list[float]]:
    shown, now = Shown(), [0.0]
    specs = [make_spec("megex", "l1", seed) for seed in range(trials)]
    return NotebookDisplay(shown, specs, clock=lambda: now[0]), shown, now


def test_this_is_no_notebook():
    assert not in_notebook()


def test_the_bar_counts_what_is_done_and_how_far_the_rest_is():
    shown_by, _, now = display()
    one, two = job("one", make_spec("megex", "l1", 0).id), job("two", make_spec("megex", "l1", 1).id)
    shown_by.started(one)
    shown_by.ended(one, Outcome("done", {"accuracy": 0.5}))
    shown_by.started(two)
    now[0] = 1.0
    shown_by.progressed(two, Progress(250, 1000, accuracy=0.25))
    bars = re.findall(r'value="([\d.]+)" max="(\d+)"', shown_by.html())
    assert bars == [("1.250", "2"), ("0.250", "1")]
    assert "two, 250/1K queries, accuracy 25.0 %" in shown_by.html()


def test_it_is_said_below_the_cell_that_data_are_looked_for_and_the_bar_takes_its_place(monkeypatch):
    shown = Shown()
    monkeypatch.setattr(progress, "_Area", lambda: shown)
    audience = InNotebook()
    with audience.looking():
        assert shown.pages == ["looking for data, plugins and devices"]
    audience.noted("2 files were left out <of x>")
    with audience.watching([make_spec()], 1, Speeds()):
        pass
    assert shown.pages[-1].endswith("<br>2 files were left out &lt;of x&gt;")


def test_what_is_said_when_the_trials_are_over_is_shown_too(monkeypatch):
    shown = Shown()
    monkeypatch.setattr(progress, "_Area", lambda: shown)
    audience = InNotebook()
    with audience.watching([make_spec()], 1, Speeds()):
        pass
    audience.noted("a logger was ended")
    assert shown.pages[-1].endswith("<br>a logger was ended")


def test_it_is_drawn_now_and_then_and_when_it_is_interrupted():
    shown_by, shown, now = display()
    shown_by.tick()
    shown_by.tick()
    assert len(shown.pages) == 1
    now[0] += progress.REDRAW_SECONDS * 2
    shown_by.tick()
    shown_by.interrupted(1)
    assert len(shown.pages) == 3
    assert "stopping" in shown.pages[-1]


def test_titles_and_reasons_are_escaped():
    shown_by, _, _ = display()
    shown_by.started(job(MARKUP))
    shown_by.ended(job(MARKUP), Outcome("failed", reason=MARKUP))
    shown_by.started(job(MARKUP, "other"))
    assert MARKUP not in shown_by.html()
    assert "&lt;img src=x&gt;" in shown_by.html()
