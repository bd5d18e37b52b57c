"""``mebench.plan(FILE)``: what would run, as data frames."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mebench.api.errors import ConfigurationError
from mebench.api.notices import notices_to
from mebench.api.plurals import counted
from mebench.plan.file import load_benchmark
from mebench.plan.forecast import Forecast, forecast
from mebench.plan.plan import Plan, default_out, make_plan
from mebench.plan.state import PlanState
from mebench.plan.words import COLUMNS, NUMBERS, cells, total
from mebench.report.notebook.frames import NUMBER, TEXT, WHOLE, typed
from mebench.report.notebook.tables import html_lines, html_table, text_table
from mebench.report.notebook.words import chosen_seeds, part, path_of, settings, texts, truth, word
from mebench.results.trial_folder import TrialFolder
from mebench.run.speeds import measure_here, speeds_to_measure
from mebench.run.victims import try_own_victims

if TYPE_CHECKING:
    import pandas as pd

_ROW = ("attack", "variant", "victim", "channel", "clone", "budget")
_TRIAL = ("trial", *_ROW, "seed", "track", "state", "folder")
_ROWS = (*_ROW, "seeds", "state", "queries_left", "seconds_left", "measured")
_KINDS = {"budget": WHOLE, "seed": WHOLE, "seeds": WHOLE, "queries_left": WHOLE, "seconds_left": NUMBER}


class PlanView:
    """What would run of a benchmark, at the time when it was made; it shows itself as ``mebench plan`` prints it.

    Attributes:
        plan: the trials.
        out: the results folder that they are looked for in.
        forecast: what is done already, and how long the rest takes.
        notes: what a reader must know before it runs: the scale above all; a line each.
    """

    def __init__(self, plan: Plan, out: Path, forecast: Forecast, state: PlanState, notes: Sequence[str]) -> None:
        self.plan, self.out, self.forecast, self._state = plan, out, forecast, state
        self.notes = (*plan.notes(), *notes)

    @property
    def rows(self) -> pd.DataFrame:
        """One line per row of the leaderboard to be.

        Columns: ``attack``, ``variant``, ``victim``, ``channel``, ``clone``, ``budget`` (queries), ``seeds`` (how
        many), ``state`` (in words, such as ``2 new``), ``queries_left``, ``seconds_left`` (on one worker; NaN where
        nothing like it was measured), ``measured`` (where: ``results``, ``machine``, ``file``, or empty).
        """
        lines = [
            {
                **{name: getattr(one, name) for name in _ROW},
                "seeds": len(one.seeds),
                "state": ", ".join(f"{count} {word}" for word, count in one.states.items()),
                "queries_left": one.queries,
                "seconds_left": one.seconds,
                "measured": one.measured,
            }
            for one in self.forecast.rows
        ]
        return _frame(lines, _ROWS)

    @property
    def trials(self) -> pd.DataFrame:
        """One line per trial: ``trial`` (its id), what names its row, ``seed``, ``track``, ``state`` and ``folder``."""
        lines: list[Mapping[str, Any]] = []
        for trial, state in self._state.trials:
            attack, variant, victim, channel = self.plan.names(trial)
            folder = str(TrialFolder.of(self.out, trial).path)
            names = (trial.id, attack, variant, victim, channel, trial.clone.name, trial.budget)
            lines.append(dict(zip(_TRIAL, (*names, trial.seed, trial.track, state, folder), strict=True)))
        return _frame(lines, _TRIAL)

    def __len__(self) -> int:
        return len(self.plan.ids)

    def __repr__(self) -> str:
        table = text_table(COLUMNS, [cells(row) for row in self.forecast.rows], NUMBERS)
        return "\n".join((self._head(), *self.notes, "", table, "", self._total()))

    def _repr_html_(self) -> str:
        table = html_table(COLUMNS, [cells(row) for row in self.forecast.rows], NUMBERS)
        head = html_lines([self._head()], "strong") + html_lines(self.notes)
        return head + table + html_lines([self._total()])

    def _total(self) -> str:
        return total(self.plan, self.forecast, "measure=True")

    def _head(self) -> str:
        count = counted(len(self.plan.ids), "trial")
        return f"{self.plan.benchmark.name}, profile {self.plan.profile}: {count} -> {self.out}"


def plan(
    file: str | os.PathLike[str] | Mapping[str, Any],
    profile: str | None = None,
    *,
    only: str | Sequence[str] = (),
    set: Sequence[str] | Mapping[str, Any] = (),
    seeds: int | Sequence[int] | None = None,
    shard: str | None = None,
    out: str | os.PathLike[str] | None = None,
    keep_other_code: bool = False,
    measure: bool = False,
) -> PlanView:
    """Show what would run; nothing is run but what ``measure`` asks for, and nothing is written to the results folder.

    Args:
        file: a benchmark file, the name of a benchmark that comes with mebench, or what a file would hold.
        profile: of the file; its default without it.
        only: patterns of trials, as ``--only`` takes them.
        set: values of the file to change: ``["runs.*.budgets=[1000]"]`` or ``{"runs.*.budgets": [1000]}``.
        seeds: in place of the file's: a number n for 0 to n-1, or the seeds.
        shard: which part of the trials: ``"3/16"`` for the third of sixteen.
        out: the results folder; ``runs/NAME/PROFILE`` without it.
        keep_other_code: whether results that other code has finished count as finished.
        measure: run each row for a few seconds first, to tell how long it takes on this machine, which keeps it.

    Raises:
        ConfigurationError: the file is wrong, or a victim of the user's own cannot be attacked; one line per problem.
            Where it is to measure, also: data, plugins or devices are missing.
        KeyboardInterrupt: it was interrupted while it measured.
    """
    keep_other_code, measure = truth("keep_other_code", keep_other_code), truth("measure", measure)
    heard: list[str] = []
    with notices_to(heard.append):
        planned = make_planned(file, profile, only, set, seeds, shard)
    folder = path_of("out", out) if out is not None else default_out(planned.benchmark, planned.profile)
    victims = try_own_victims(planned)
    if victims.problems:
        raise ConfigurationError(*victims.problems)
    state = PlanState.of(planned, folder, keep_other_code=keep_other_code)
    if measure:
        heard += measure_here(planned, state.pending, speeds_to_measure(planned, state.pending))
    ahead = forecast(planned, folder, keep_other_code=keep_other_code)
    return PlanView(planned, folder, ahead, state, (*heard, *victims.notes))


def make_planned(
    file: str | os.PathLike[str] | Mapping[str, Any],
    profile: str | None,
    only: str | Sequence[str],
    changes: Sequence[str] | Mapping[str, Any],
    seeds: int | Sequence[int] | None,
    shard: str | None,
) -> Plan:
    """The plan that arguments of `plan` ask for.

    Raises:
        ConfigurationError: as `plan`.
    """
    source, profile = file if isinstance(file, Mapping) else path_of("file", file), word("profile", profile)
    benchmark = load_benchmark(source, settings(changes), profile=profile)
    return make_plan(benchmark, profile, seeds=chosen_seeds(seeds), only=texts("only", only), shard=part(shard))


def _frame(lines: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> pd.DataFrame:
    import pandas as pd

    return typed(pd.DataFrame(list(lines), columns=list(columns)), dict.fromkeys(columns, TEXT) | _KINDS)
