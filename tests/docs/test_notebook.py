"""The notebook of the documentation runs as it stands."""

from __future__ import annotations

import os
import re
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOK = Path(__file__).resolve().parents[2] / "docs/notebook.ipynb"


@pytest.fixture(scope="module")
def executed(tmp_path_factory):
    """Its cells after they ran, in an empty folder."""
    folder = tmp_path_factory.mktemp("notebook")
    book = nbformat.read(NOTEBOOK, as_version=4)
    before = {name: os.environ.get(name) for name in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR")}
    os.environ |= {name: str(folder / ".jupyter") for name in before}
    try:
        NotebookClient(
            book, timeout=1000, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
        ).execute()
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
    return book, folder


def html_of(cell) -> str:
    found = [output.get("data", {}).get("text/html", "") for output in cell.outputs]
    return "".join("".join(one) for one in found)


def cell_with(book, source: str):
    return next(cell for cell in book.cells if cell.cell_type == "code" and source in cell.source)


def test_it_is_kept_without_outputs():
    book = nbformat.read(NOTEBOOK, as_version=4)
    assert not [cell for cell in book.cells if cell.get("outputs") or cell.get("execution_count")]


def test_a_plan_and_results_show_themselves_as_tables(executed):
    book, _ = executed
    assert "4 new" in html_of(cell_with(book, "mebench.plan(benchmark)"))
    shown = html_of(next(cell for cell in book.cells if cell.source == "results"))
    assert "<table>" in shown
    assert "random-pool" in shown


def test_a_run_shows_a_bar_that_ends_full_and_nothing_else(executed):
    book, _ = executed
    cell = cell_with(book, "mebench.run(benchmark, engine")
    shown = html_of(cell)
    assert re.findall(r'<progress value="([\d.]+)" max="(\d+)"', shown) == [("4.000", "4")]
    assert "4/4 done" in shown
    assert {output.output_type for output in cell.outputs} == {"display_data", "execute_result"}


def test_figures_comparisons_and_reports_are_made(executed):
    book, folder = executed
    (figure,) = cell_with(book, "results.plot").outputs
    assert "image/png" in figure.data
    compared = cell_with(book, "compare")
    assert "3 same" in html_of(compared)
    assert len(compared.outputs) == 1
    assert (folder / "report.html").stat().st_size > 10_000
    assert (folder / "runs/notebook/quick/leaderboard.csv").exists()
