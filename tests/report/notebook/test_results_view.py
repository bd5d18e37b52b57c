"""`mebench.results`: data frames, comparison, figures and reports from Python."""

from __future__ import annotations

import io
from pathlib import Path

import pandas as pd
import pytest
from make_results import make_row, make_spec, make_table1, make_trial, write_benchmark
from PIL import Image
from report_results import MARKUP, make_hostile

import mebench
from mebench.report.figures.files import DPI
from mebench.results.leaderboard import FORMATS, build_leaderboard
from mebench.results.trial_folder import TrialFolder


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Finished trials, a failed one, one half-run, and one that was never begun."""
    root = tmp_path_factory.mktemp("results")
    make_table1(root)
    failed, begun = make_spec("dfme", "kl", 7), make_spec("dfme", "kl", 8)
    TrialFolder.of(root, failed).fail(failed, "RuntimeError: no")
    TrialFolder.of(root, begun).begin(begun)
    write_benchmark(root, trials=["never-begun"])
    return root


@pytest.fixture(scope="module")
def view(folder):
    return mebench.results(folder)


def test_rows_are_what_the_leaderboard_says_as_csv(folder, view):
    written = pd.read_csv(io.StringIO(FORMATS["csv"](build_leaderboard([folder]))))
    assert list(view.rows.columns) == list(written.columns)
    for name in written.columns:
        ours, theirs = view.rows[name], written[name]
        for mine, other in zip(ours, theirs, strict=True):
            if pd.isna(other) or other == "":
                assert pd.isna(mine) or mine == "", name
            else:
                assert mine == pytest.approx(other) if isinstance(other, float) else mine == other, name


def test_trials_have_a_state_and_a_folder_whether_they_finished_or_not(folder, view):
    trials = view.trials.set_index("trial")
    counts = trials["status"].value_counts().to_dict()
    assert counts == {"finished": 21, "failed": 1, "partial": 1, "new": 1}
    for name, line in trials.iterrows():
        assert Path(line["folder"]) == folder / str(name)
    failed = make_spec("dfme", "kl", 7).id
    assert trials.loc[failed, "reason"] == "RuntimeError: no"
    assert pd.isna(trials.loc[failed, "accuracy"])
    assert view.failures["trial"].tolist() == [failed]


def test_a_trial_that_another_process_holds_is_running(tmp_path):
    make_row(tmp_path / "r", [0.5, 0.6])
    spec = make_spec("dfme", "kl", 8)
    folder = TrialFolder.of(tmp_path / "r", spec)
    folder.begin(spec)
    with folder.locked():
        found = mebench.results(tmp_path / "r").trials.set_index("trial")
    assert found.loc[spec.id, "status"] == "running"


def test_curves_have_a_line_per_evaluation_with_what_names_the_trial(view):
    curves = view.curves
    assert len(curves) == 18 * 20
    assert list(curves.columns[:8]) == ["trial", "attack", "variant", "victim", "channel", "budget", "seed", "queries"]
    last = curves.groupby("trial").last()["accuracy"]
    finished = view.trials.dropna(subset="accuracy").set_index("trial")["accuracy"]
    assert last.to_dict() == pytest.approx(finished.loc[last.index].to_dict())


@pytest.mark.parametrize("frame", ["rows", "trials", "curves"])
def test_columns_have_the_same_types_whatever_is_in_them(view, tmp_path, frame):
    make_trial(tmp_path, make_spec("noise", budget=10), 0.3, curve=[{"queries": 10, "accuracy": 0.3, "fidelity": 0.3}])
    other = mebench.results(tmp_path)
    ours, theirs = getattr(view, frame).dtypes, getattr(other, frame).dtypes
    assert {str(kind) for kind in ours} <= {"string", "Int64", "boolean", "float64"}
    assert {name: str(ours[name]) for name in theirs.index} == {name: str(kind) for name, kind in theirs.items()}
    assert str(theirs["budget"]) == "Int64"
    assert str(theirs["accuracy"]) == "float64"


def test_committed_rows_have_rows_and_no_trials(repository):
    rows = mebench.results(repository / "results/megex-table1/quick")
    assert "megex" in set(rows.rows["attack"])
    with pytest.raises(mebench.MebenchError, match="holds no trials"):
        _ = rows.trials


def test_what_holds_no_results_is_said_at_once(tmp_path):
    with pytest.raises(mebench.MebenchError, match="no such results folder"):
        mebench.results(tmp_path / "none")
    with pytest.raises(mebench.ConfigurationError, match="give a results folder"):
        mebench.results()


def test_a_comparison_tells_what_the_command_tells(tmp_path):
    make_row(tmp_path / "base", [0.70, 0.71, 0.70])
    make_row(tmp_path / "new", [0.50, 0.51, 0.50])
    compared = mebench.results(tmp_path / "new").compare(tmp_path / "base")
    assert compared.counts == {"worse": 1, "same": 1}  # the victim
    assert compared.exit_code == 1
    line = compared.rows.set_index(["attack", "metric"]).loc["megex", "accuracy"]
    assert (line["mark"], line["verdict"]) == ("worse", "worse")
    assert line["difference"] == pytest.approx(-0.2)
    assert "worse" in repr(compared)
    assert compared.rows.dtypes["budget"] == "Int64"
    again = mebench.results(tmp_path / "new").compare(mebench.results(tmp_path / "base"), tolerance={"accuracy": 0.5})
    assert again.rows.set_index(["attack", "metric"]).loc[("megex", "accuracy"), "verdict"] == "same"
    with pytest.raises(mebench.ConfigurationError, match="acc"):
        mebench.results(tmp_path / "new").compare(tmp_path / "base", metrics=["accurcy"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"metrics": 3}, "metrics: must be a text or a list of texts, not 3"),
        ({"metrics": None}, "metrics: must be a text or a list of texts, not None"),
        ({"tolerance": 0.1}, "tolerance: must be a mapping such as {'accuracy': 0.01}, not 0.1"),
        ({"tolerance": {"accuracy": "x"}}, "tolerance of accuracy: must be a number of at least 0, not 'x'"),
        ({"tolerance": {"accuracy": None}}, "tolerance of accuracy: must be a number of at least 0, not None"),
    ],
)
def test_what_a_comparison_cannot_take_is_one_line(view, arguments, said):
    with pytest.raises(mebench.ConfigurationError) as caught:
        view.compare(view, **arguments)
    assert str(caught.value) == said


def test_one_metric_can_be_named_as_a_text(view):
    assert {*view.compare(view, metrics="fidelity").rows["metric"].dropna()} == {"fidelity"}


def test_what_is_no_name_of_a_metric_or_format_is_one_line(view):
    with pytest.raises(mebench.ConfigurationError, match="metric: must be a text, not \\['accuracy'\\]"):
        view.plot(metric=["accuracy"])
    with pytest.raises(mebench.ConfigurationError, match="format: must be a text, not None"):
        view.report(format=None)


def test_figures_are_shown_and_written(view, tmp_path):
    shown = view.plot()
    content, size = shown._repr_png_()
    assert content.startswith(b"\x89PNG")
    assert size["width"] == Image.open(io.BytesIO(content)).width * 96 // DPI
    assert shown._repr_svg_() is None
    drawn = view.plot(path=tmp_path / "curves.svg", metric="fidelity")
    assert drawn.path.read_bytes() == drawn.content
    assert "<svg" in drawn._repr_svg_()
    with pytest.raises(mebench.ConfigurationError, match="Did you mean 'curves'"):
        view.plot("curve")
    with pytest.raises(mebench.ConfigurationError, match="ends in"):
        view.plot(path=tmp_path / "curves.jpg")


def test_a_report_is_written(view, tmp_path):
    written = view.report(tmp_path / "all.html")
    assert written.read_text().lower().startswith("<!doctype html>")
    with pytest.raises(mebench.ConfigurationError, match="Did you mean 'html'"):
        view.report(tmp_path / "x", format="htm")


def test_a_notebook_gets_no_markup_of_others(tmp_path):
    view = mebench.results(make_hostile(tmp_path / "hostile"))
    for html in (view._repr_html_(), view.compare(view)._repr_html_()):
        assert MARKUP not in html
        assert "<script" not in html
        assert "&lt;script" in html
        assert "\x1b" not in html


def test_it_shows_itself_as_the_leaderboard(folder, view):
    assert repr(view) == FORMATS["text"](build_leaderboard([folder])).rstrip()
    assert "<table>" in view._repr_html_()
