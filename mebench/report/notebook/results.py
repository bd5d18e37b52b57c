"""``mebench.results(DIR)``: results as data frames, and what commands make of them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from mebench.api.errors import ConfigurationError
from mebench.api.suggestions import did_you_mean
from mebench.report.figure_kinds import Kind, save_kind
from mebench.report.notebook.comparison import ComparisonView
from mebench.report.notebook.frames import curves_frame, rows_frame, trials_frame
from mebench.report.notebook.picture import Picture
from mebench.report.notebook.tables import html_lines, html_table
from mebench.report.notebook.words import path_of, plain, texts, truth
from mebench.report.page.registered import report_named, write_registered
from mebench.report.page.results import Results
from mebench.results.compare import compare
from mebench.results.leaderboard.write.formats import LEFT, as_text, flat
from mebench.results.leaderboard.write.text import heading

if TYPE_CHECKING:
    import pandas as pd

Source = str | os.PathLike[str]
"""A results folder, a folder of committed rows, or a leaderboard.json file."""


class ResultsView(Results):
    """Results, read when they are asked for and then kept: make it anew where a folder has changed.

    It shows itself as the leaderboard. ``docs/python.md`` has every column of the data frames.

    Args:
        roots: where they are.
        notes: what is to be known besides, such as what was said while they were made.
    """

    def __init__(self, roots: Sequence[Path], notes: Sequence[str] = ()) -> None:
        super().__init__(roots)
        self._notes = tuple(notes)

    @property
    def rows(self) -> pd.DataFrame:
        """The leaderboard: one line per row, the columns of ``mebench leaderboard --format csv``.

        Fractions (accuracy, fidelity, intervals) are from 0 to 1, budgets and ``queries`` in queries, times in seconds.

        Raises:
            ResultsError: a root holds no results.
        """
        return rows_frame(self.board)

    @property
    def trials(self) -> pd.DataFrame:
        """One line per trial: id, seed, status, reason and folder, what names its row, its own numbers.

        ``status`` is ``new`` (not begun), ``running``, ``partial`` (begun, not finished), ``finished``, ``failed`` or
        ``invalid`` (its result does not count); only finished ones have numbers.

        Raises:
            ResultsError: a root is no results folder; committed rows and leaderboard.json files hold no trials.
        """
        return trials_frame(self.roots)

    @property
    def curves(self) -> pd.DataFrame:
        """One line per evaluation of a finished trial: what names the trial, ``queries``, and every metric.

        Raises:
            ResultsError: as `trials`.
        """
        return curves_frame(self.roots)

    @property
    def failures(self) -> pd.DataFrame:
        """The trials that failed or whose result does not count: ``trial``, ``status``, ``reason``, ``folder``.

        Raises:
            ResultsError: as `trials`.
        """
        found = self.trials
        failed = found["status"].isin(["failed", "invalid"])
        return found.loc[failed, ["trial", "status", "reason", "folder"]].reset_index(drop=True)

    @property
    def notes(self) -> tuple[str, ...]:
        """What the run and reading them had to say, a line each."""
        return (*self._notes, *self.board.notes)

    def compare(
        self,
        base: Source | Results,
        metrics: Sequence[str] = (),
        tolerance: Mapping[str, float] | None = None,
    ) -> ComparisonView:
        """Compare these results, as NEW, with others, as BASE; see ``mebench compare --help``.

        Args:
            base: other results, or where they are.
            metrics: what is compared in place of the default.
            tolerance: by how much a metric may change.

        Raises:
            ConfigurationError: there is no such metric.
            ResultsError: either holds no results.
        """
        other = base if isinstance(base, Results) else ResultsView([path_of("base", base)])
        return ComparisonView(compare(other.board, self.board, texts("metrics", metrics), _tolerances(tolerance)))

    def plot(
        self,
        kind: Kind = "curves",
        metric: str = "accuracy",
        *,
        linear: bool = False,
        only: str | Sequence[str] = (),
        path: Source | None = None,
    ) -> Picture:
        """Draw them; see ``mebench plot --help``.

        Args:
            kind: ``curves``, ``samples``, ``rounds``, ``labels``, ``cd`` or ``adversarial``.
            metric: of curves.
            linear: whether curves have a linear axis of queries.
            only: of adversarial examples: patterns of attacks or trials.
            path: a ``.png``, ``.svg`` or ``.pdf`` file to write; without it the picture is only shown.

        Raises:
            ConfigurationError: there is no such kind or metric.
            ResultsError: nothing of the kind can be drawn of these results.
        """
        if kind not in get_args(Kind):
            raise ConfigurationError(f"kind {kind!r}: there is no such figure{did_you_mean(kind, get_args(Kind))}")
        if not isinstance(metric, str):
            raise ConfigurationError(f"metric: must be a text, not {metric!r:.60}")
        linear = truth("linear", linear)
        with tempfile.TemporaryDirectory(prefix="mebench-plot-") as folder:
            target = path_of("path", path) if path is not None else Path(folder) / "figure.png"
            notes = save_kind(kind, self.roots, target, metric=metric, linear=linear, only=texts("only", only))
            content = target.read_bytes()
        return Picture(content, target.suffix.lower(), tuple(notes), None if path is None else target)

    def report(self, path: Source | None = None, format: str = "html", **parameters: Any) -> Path:
        """Write a report; see ``mebench report --help``.

        Args:
            path: the file; ``report.SUFFIX`` without it.
            format: its name, as ``mebench list reports`` shows it.
            parameters: of the report.

        Returns:
            The file.

        Raises:
            ConfigurationError: there is no such report or parameter.
            ResultsError: a root holds no results.
            PluginFaultError: the report is a plugin's, and failed.
            UnwritableError: the file cannot be written.
        """
        if not isinstance(format, str):
            raise ConfigurationError(f"format: must be a text, not {format!r:.60}")
        entry = report_named(format)
        target = path_of("path", path) if path is not None else Path(f"report.{entry.suffix}")
        write_registered(entry, self.roots, target, parameters)
        return target

    def __repr__(self) -> str:
        return as_text(self.board).rstrip()

    def _repr_html_(self) -> str:
        titles, body = flat(self.board, flags=True)
        right = [title for title in titles if title not in (*LEFT, "Flags")]
        head = html_lines(heading(self.board.benchmark))
        return head + html_table(titles, body, right) + html_lines(self.notes)


def results(*where: Source) -> ResultsView:
    """Open results: rows, trials and curves as data frames, comparison, figures and reports.

    Args:
        where: results folders, folders of committed rows, or leaderboard.json files, as ``mebench leaderboard`` takes
            them.

    Raises:
        ConfigurationError: none is given.
        ResultsError: one of them holds no results.
    """
    if not where:
        raise ConfigurationError("results: give a results folder, e.g. mebench.results('runs/megex-table1/quick')")
    view = ResultsView([path_of("results", one) for one in where])
    _ = view.board  # what is wrong is said here
    return view


def _tolerances(given: object) -> dict[str, float]:
    """By how much metrics may change.

    Raises:
        ConfigurationError: it is no mapping of metrics to numbers.
    """
    if given is not None and not isinstance(given, Mapping):
        raise ConfigurationError(f"tolerance: must be a mapping such as {{'accuracy': 0.01}}, not {given!r:.60}")
    found = {str(name): plain(value) for name, value in (given or {}).items()}
    for name, value in found.items():
        if not isinstance(value, (int, float)) or isinstance(value, bool) or value == float("inf"):
            raise ConfigurationError(f"tolerance of {name}: must be a number of at least 0, not {value!r:.60}")
    return found
